// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/host_link.hpp"

#include "actors/edge/connection.hpp"
#include "schema/names.hpp"
#include "schema/wire_codec.hpp"

#include <capnp/message.h>
#include <fmt/format.h>
#include <kj/timer.h>

namespace drover {
namespace {

class host_link;
using join_context = capnp::CallContext<wire::Farm::JoinParams, wire::Farm::JoinResults>;
using slot_ptr = std::shared_ptr<door_slot<host_link>>;

/// The host's fact that its link adds.
constexpr const char* protocol_fact = "protocol";

/// waiting: TLS is there. asking: the coordinator has the arrival. admitted, leaving: refused.
enum class phase { waiting, asking, admitted, leaving };

class host_link final : public pinned<host_link_actor> {
public:
  host_link(caf::actor_config& config, edge_loop& on, guest who, arrival_taker coordinator)
      : pinned{config, on}, name_{std::move(who.name)}, address_{std::move(who.address)},
        bounds_{who.bounds}, lines_{std::move(who.lines)}, refused_{std::move(who.refused)},
        warden_{std::move(who.warden)},
        coordinator_{std::move(coordinator)}, wire_{std::make_unique<wire_side>()} {
    wire_->stream = kj::mv(who.stream);
  }

  const char* name() const override { return "host_link"; }

  // -- from capabilities
  // ---------------------------------------------------------------------------

  kj::Promise<void> join(join_context context);
  kj::Promise<void> told(wire::HostMessage::Reader message);

protected:
  behavior_type make_behavior() override;
  void release() override;

private:
  void say(farm_message& message);
  void answer(farm_message& message);
  void admit(const welcome& granted);
  kj::Promise<void> call_host(const farm_message& message);
  void leave_soon();
  void fall(const std::string& why);
  void drop(const std::string& why);
  void accuse(const std::string& what);
  void note_protocol(host_message& message) const;
  bool may_log();
  actor_entry describe() const;

  /// What is kj's. In order: what is below refers to what is above, and goes first.
  struct wire_side {
    kj::Own<kj::AsyncIoStream> stream; ///< until the connection takes it
    slot_ptr slot;
    kj::Own<connection> rpc;
    wire::Host::Client host = nullptr;
    kj::Own<kj::PromiseFulfiller<farm_message>> decision;
    kj::Own<outbox<farm_message>> out;
    inbox in;
    kj::Promise<void> disconnected = nullptr;
    kj::Promise<void> deadline = nullptr;
  };

  std::string name_;
  std::string address_;
  std::string protocol_; ///< that the host speaks, as "1.3"
  peer_bounds bounds_;
  std::shared_ptr<line_guard> lines_;
  std::string refused_; ///< not empty: it is told so when it joins
  conduct_taker warden_;
  arrival_taker coordinator_;
  host_listener listener_;
  phase phase_ = phase::waiting;
  bool fallen_ = false;
  caf::actor_clock::time_point since_;
  std::unique_ptr<wire_side> wire_;
};

/// A host's way to speak: reaches its own link and nothing else.
class session_door final : public wire::Session::Server {
public:
  explicit session_door(slot_ptr slot) : slot_{std::move(slot)} {}

  kj::Promise<void> tell(TellContext context) override {
    return slot_->get().told(context.getParams().getMessage());
  }

private:
  slot_ptr slot_;
};

class farm_door final : public wire::Farm::Server {
public:
  explicit farm_door(slot_ptr slot) : slot_{std::move(slot)} {}

  kj::Promise<void> join(JoinContext context) override { return slot_->get().join(context); }

private:
  slot_ptr slot_;
};

host_link::behavior_type host_link::make_behavior() {
  since_ = clock().now();
  wire_->slot = std::make_shared<door_slot<host_link>>();
  wire_->slot->actor = this;
  wire_->rpc = kj::heap<connection>(
    kj::mv(wire_->stream), kj::heap<farm_door>(wire_->slot),
    [this](const std::string& why) { drop(why); }, bounds_);
  wire_->disconnected = wire_->rpc->on_disconnect()
                          .then([this] { fall("the connection was closed"); },
                                [this](kj::Exception&& problem) { fall(plain_reason(problem)); })
                          .eagerlyEvaluate(nullptr);
  wire_->deadline = loop()
                      .io()
                      .provider->getTimer()
                      .afterDelay(limits::join_timeout.count() * kj::MILLISECONDS)
                      .then([this] {
                        if (phase_ == phase::waiting)
                          fall("it did not join in time");
                      })
                      .eagerlyEvaluate(nullptr);
  monitor(coordinator_);
  set_down_handler([this](caf::scheduled_actor*, caf::down_msg& down) {
    fall(down.source == coordinator_.address() ? "the coordinator has ended"
                                               : "its supervisor has ended");
  });
  set_exception_handler([this](caf::scheduled_actor*, std::exception_ptr&) -> caf::error {
    spdlog::error("link host={} a handler threw, the link ends", name_);
    return caf::exit_reason::unhandled_exception;
  });
  return {
    [this](farm_message& message) { say(message); },
    [this](const host_listener& listener) {
      listener_ = listener;
      monitor(listener_);
    },
    [this](atom::describe) { return describe(); },
  };
}

void host_link::release() {
  if (wire_ && wire_->slot)
    wire_->slot->actor = nullptr;
  wire_.reset();
  listener_ = nullptr; // it holds a handle of this link
  coordinator_ = nullptr;
  warden_ = nullptr;
}

// -- joining
// ---------------------------------------------------------------------------------------

kj::Promise<void> host_link::join(join_context context) {
  if (phase_ != phase::waiting)
    throw call_refused("this connection has joined already");
  auto params = context.getParams();
  auto greeting = read(params.getHello());
  std::string refused;
  if (!refused_.empty()) {
    refused = refused_;
    accuse("it came with a certificate that does not hold: " + refused_);
  } else if (!greeting)
    refused = greeting.error().text;
  else if (greeting->host.value != name_) {
    refused =
      fmt::format("host '{}' came with the certificate of '{}'", greeting->host.value, name_);
    accuse("it calls itself '" + greeting->host.value + "', which its certificate does not");
  } else if (!params.hasHost())
    refused = "hello without a way to answer";
  if (!refused.empty()) {
    if (may_log())
      spdlog::warn("link host={} address={} refused: {}", name_, address_, refused);
    leave_soon();
    write(refusal{refused}, context.getResults().initAnswer().initRefusal());
    return kj::READY_NOW;
  }
  protocol_ = fmt::format("{}.{}", params.getHello().getProtocolMajor(),
                          params.getHello().getProtocolMinor());
  greeting->facts[protocol_fact] = protocol_;
  phase_ = phase::asking;
  wire_->host = params.getHost();
  auto pair = kj::newPromiseAndFulfiller<farm_message>();
  wire_->decision = kj::mv(pair.fulfiller);
  send(coordinator_, arrival{std::move(*greeting), host_link_actor{this}});
  return pair.promise.then([context, slot = wire_->slot](farm_message decided) mutable {
    auto to = context.getResults().initAnswer();
    if (const auto* no = std::get_if<refusal>(&decided)) {
      write(*no, to.initRefusal());
      return;
    }
    write(std::get<welcome>(decided), to.initWelcome());
    context.getResults().setSession(kj::heap<session_door>(slot));
  });
}

/// The first message of the supervisor decides on `join`.
void host_link::answer(farm_message& message) {
  if (const auto* granted = std::get_if<welcome>(&message)) {
    admit(*granted);
  } else if (const auto* no = std::get_if<refusal>(&message)) {
    if (may_log())
      spdlog::info("link host={} address={} refused: {}", name_, address_, no->reason);
    leave_soon();
  } else {
    spdlog::error("link host={} a message came before welcome or refusal and is dropped", name_);
    return;
  }
  wire_->decision->fulfill(std::move(message));
}

void host_link::admit(const welcome& granted) {
  if (may_log())
    spdlog::info("link host={} address={} session={} admitted", name_, address_,
                 granted.session.value);
  phase_ = phase::admitted;
  wire_->out = kj::heap<outbox<farm_message>>(
    name_, [this](const farm_message& message) { return call_host(message); },
    [this](const std::string& why) { fall(why); });
}

/// A refused host gets the time to read why.
void host_link::leave_soon() {
  phase_ = phase::leaving;
  wire_->deadline = loop()
                      .io()
                      .provider->getTimer()
                      .afterDelay(limits::refusal_linger.count() * kj::MILLISECONDS)
                      .then([this] { fall("it was refused"); })
                      .eagerlyEvaluate(nullptr);
}

// -- messages
// --------------------------------------------------------------------------------------

void host_link::say(farm_message& message) {
  switch (phase_) {
  case phase::waiting:
  case phase::leaving:
    return;
  case phase::asking:
    answer(message);
    return;
  case phase::admitted:
    break;
  }
  bool last = std::holds_alternative<refusal>(message);
  wire_->out->push(std::move(message));
  if (last)
    leave_soon();
}

kj::Promise<void> host_link::call_host(const farm_message& message) {
  auto request = wire_->host.tellRequest();
  write(message, request.initMessage());
  if (!small_enough(name_, request.totalSize().wordCount))
    return kj::READY_NOW;
  return request.send().ignoreResult();
}

/// Facts that are told later replace those of the greeting; what protocol the host speaks only the
/// link knows.
void host_link::note_protocol(host_message& message) const {
  if (auto* again = std::get_if<hello>(&message))
    again->facts[protocol_fact] = protocol_;
  else if (auto* news = std::get_if<host_news_told>(&message))
    news->facts[protocol_fact] = protocol_;
}

kj::Promise<void> host_link::told(wire::HostMessage::Reader from) {
  if (wire_->in.open() >= limits::link_queue_max) {
    drop(fmt::format("it calls without waiting for answers: {} calls are open", wire_->in.open()));
    throw call_refused("too many calls");
  }
  if (!is_known(from)) {
    wire_->in.pass_over("host " + name_);
    return kj::READY_NOW;
  }
  auto message = read(from);
  if (!message) {
    if (may_log())
      spdlog::warn("link host={} a malformed message is dropped: {}", name_, message.error().text);
    accuse("it sent a malformed message: " + message.error().text);
    if (wire_->in.malformed())
      drop("it sent too many malformed messages");
    throw call_refused(message.error().text);
  }
  note_protocol(*message);
  if (phase_ != phase::admitted || !listener_)
    throw call_refused("nobody listens to this host");
  if (bulk_bytes(*message) == 0 && wire_->in.answers_ahead()) {
    send(listener_, std::move(*message));
    return kj::READY_NOW;
  }
  auto entered = wire_->in.enter();
  // In this process, and monitored; a timer a message would cost as much as the message. Who does
  // not take messages has at most link_queue_max of them open.
  request(listener_, caf::infinite, std::move(*message))
    .then([this, number = entered.number] { wire_->in.taken(number); },
          [this](const caf::error&) { fall("its supervisor does not answer"); });
  return kj::mv(entered.taken);
}

// -- the end
// ---------------------------------------------------------------------------------------

/// Ends the link; kj objects go when the exit message is handled, not here.
void host_link::fall(const std::string& why) {
  if (std::exchange(fallen_, true))
    return;
  if (may_log())
    spdlog::info("link host={} address={} down: {}", name_, address_, why);
  caf::anon_send_exit(address(), caf::exit_reason::remote_link_unreachable);
}

/// The same, for what no host may do: it is in the journal, and on the host's page.
void host_link::drop(const std::string& why) {
  if (!fallen_)
    accuse("its link was dropped: " + why);
  fall(why);
}

void host_link::accuse(const std::string& what) {
  if (warden_)
    send(warden_, misconduct{{name_}, address_, what});
}

/// A valid certificate does not entitle to fill the log, by joining again and again or otherwise.
bool host_link::may_log() {
  if (!lines_)
    return true;
  if (!lines_->admits_at(clock().now().time_since_epoch()))
    return false;
  if (auto count = lines_->take_left_out(); count > 0)
    spdlog::warn("link host={} {} more lines about it were left out", name_, count);
  return true;
}

actor_entry host_link::describe() const {
  actor_entry entry;
  entry.name = "host_link " + name_;
  entry.kind = "host_link";
  switch (phase_) {
  case phase::waiting:
    entry.state = fmt::format("waiting for {} to join", address_);
    break;
  case phase::asking:
    entry.state = fmt::format("waiting for the answer to the join of {}", address_);
    break;
  case phase::leaving:
    entry.state = fmt::format("closing, {} was refused", address_);
    break;
  case phase::admitted:
    entry.state = fmt::format("connected from {}, {} calls in flight, {} waiting", address_,
                              wire_->out->in_flight(), wire_->out->waiting());
    if (wire_->in.passed_over() > 0)
      entry.activity =
        fmt::format("{} messages of a later version passed over", wire_->in.passed_over());
  }
  auto up = clock().now() - since_;
  entry.uptime_ms = std::chrono::duration_cast<milliseconds>(up).count();
  return entry;
}

} // namespace

host_link_actor spawn_host_link(edge_loop& loop, guest who, const arrival_taker& coordinator) {
  return loop.spawn<host_link>(kj::mv(who), coordinator);
}

} // namespace drover
