// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/farm_link.hpp"

#include "actors/edge/connection.hpp"
#include "actors/edge/tls.hpp"
#include "schema/wire_codec.hpp"

#include <capnp/message.h>
#include <fmt/format.h>
#include <kj/timer.h>

#include <limits>

namespace drover {
namespace {

class farm_link;
using slot_ptr = std::shared_ptr<door_slot<farm_link>>;
using join_response = capnp::Response<wire::Farm::JoinResults>;

enum class phase { connecting, handshaking, joining, joined };

/// From this minor version on a coordinator takes limits::log_piece_bytes; before, log_chunk_bytes.
constexpr uint16_t minor_of_long_pieces = 4;

class farm_link final : public pinned<farm_link_actor> {
public:
  farm_link(caf::actor_config& config, edge_loop& on, farm_address where, hello greeting,
            farm_listener agent)
      : pinned{config, on}, where_{std::move(where)}, greeting_{std::move(greeting)},
        agent_{std::move(agent)}, wire_{std::make_unique<wire_side>()} {}

  const char* name() const override { return "farm_link"; }

  /// From the capability that the coordinator holds.
  kj::Promise<void> told(wire::FarmMessage::Reader message);

protected:
  behavior_type make_behavior() override;
  void release() override;

private:
  /// What is kj's. In order: what is below refers to what is above, and goes first.
  struct wire_side {
    std::unique_ptr<tls_side> tls;
    kj::Own<kj::NetworkAddress> address;
    slot_ptr slot;
    kj::Own<connection> rpc;
    wire::Session::Client session = nullptr;
    kj::Own<outbox<host_message>> out;
    inbox in;
    kj::Promise<void> disconnected = nullptr;
    kj::Promise<void> trying = nullptr;
  };

  kj::Promise<void> attempt();
  kj::Promise<void> join(kj::Own<kj::AsyncIoStream> stream);
  void joined(join_response response);
  void say(host_message& message);
  kj::Promise<void> pass(farm_message message);
  kj::Promise<void> call_farm(const host_message& message);
  void broken(const std::string& why);
  void fail(const std::string& reason);
  void fall(const std::string& why);
  std::string failed_reason(const kj::Exception& problem) const;
  kj::Timer& timer() { return loop().io().provider->getTimer(); }
  actor_entry describe() const;

  farm_address where_;
  hello greeting_;
  farm_listener agent_;
  phase phase_ = phase::connecting;
  /// The longest piece of a log in one message, where the coordinator takes less than we send.
  size_t log_bytes_taken_ = std::numeric_limits<size_t>::max();
  bool fallen_ = false;
  /// What the coordinator says before its welcome has been read here.
  std::vector<farm_message> early_;
  caf::actor_clock::time_point since_;
  std::unique_ptr<wire_side> wire_;
};

class host_door final : public wire::Host::Server {
public:
  explicit host_door(slot_ptr slot) : slot_{std::move(slot)} {}

  kj::Promise<void> tell(TellContext context) override {
    return slot_->get().told(context.getParams().getMessage());
  }

private:
  slot_ptr slot_;
};

farm_link::behavior_type farm_link::make_behavior() {
  since_ = clock().now();
  monitor(agent_);
  set_down_handler([this](caf::scheduled_actor*, caf::down_msg&) { fall("the agent has ended"); });
  set_exception_handler([this](caf::scheduled_actor*, std::exception_ptr&) -> caf::error {
    spdlog::error("link coordinator={} a handler threw, the link ends", where_.address);
    return caf::exit_reason::unhandled_exception;
  });
  wire_->slot = std::make_shared<door_slot<farm_link>>();
  wire_->slot->actor = this;
  wire_->trying = kj::evalNow([this] { return attempt(); })
                    .catch_([this](kj::Exception&& problem) { fail(failed_reason(problem)); })
                    .eagerlyEvaluate(nullptr);
  return {
    [this](host_message& message) {
      if (phase_ == phase::joined)
        say(message);
    },
    [this](atom::describe) { return describe(); },
  };
}

void farm_link::release() {
  if (wire_ && wire_->slot)
    wire_->slot->actor = nullptr;
  wire_.reset();
  agent_ = nullptr; // it holds a handle of this link
}

// -- the try
// ---------------------------------------------------------------------------------------

kj::Promise<void> farm_link::attempt() {
  auto keys = load_keys(where_.keys);
  if (!keys) {
    fail(keys.error().text);
    return kj::READY_NOW;
  }
  auto side = tls_side::make(*keys);
  if (!side) {
    fail(side.error().text);
    return kj::READY_NOW;
  }
  wire_->tls = std::move(*side);
  auto deadline = limits::accept_timeout.count() * kj::MILLISECONDS;
  auto reached = loop()
                   .io()
                   .provider->getNetwork()
                   .parseAddress(where_.address.c_str())
                   .then([this](kj::Own<kj::NetworkAddress> address) {
                     wire_->address = kj::mv(address);
                     return wire_->address->connect();
                   });
  return timer()
    .timeoutAfter(deadline, kj::mv(reached))
    .then([this](kj::Own<kj::AsyncIoStream> stream) {
      phase_ = phase::handshaking;
      return wire_->tls->connect(kj::mv(stream), timer());
    })
    .then([this](kj::Own<kj::AsyncIoStream> stream) { return join(kj::mv(stream)); });
}

kj::Promise<void> farm_link::join(kj::Own<kj::AsyncIoStream> stream) {
  phase_ = phase::joining;
  wire_->rpc =
    kj::heap<connection>(kj::mv(stream), [this](const std::string& why) { broken(why); });
  auto request = wire_->rpc->bootstrap().castAs<wire::Farm>().joinRequest();
  write(greeting_, request.initHello());
  request.setHost(kj::heap<host_door>(wire_->slot));
  if (!small_enough(where_.address, request.totalSize().wordCount)) {
    fail("this host's hello is too large");
    return kj::READY_NOW;
  }
  kj::Promise<join_response> answered = request.send();
  auto deadline = limits::join_timeout.count() * kj::MILLISECONDS;
  return timer().timeoutAfter(deadline, kj::mv(answered)).then([this](join_response response) {
    joined(kj::mv(response));
  });
}

void farm_link::joined(join_response response) {
  auto answer = response.getAnswer();
  if (answer.isRefusal()) {
    auto refused = read(answer.getRefusal());
    fail(
      fmt::format("the coordinator refused: {}", refused ? refused->reason : refused.error().text));
    return;
  }
  auto granted = read(answer.getWelcome());
  if (!granted || !response.hasSession()) {
    fail(fmt::format("the coordinator's answer can't be used: {}",
                     granted ? "no session" : granted.error().text));
    return;
  }
  phase_ = phase::joined;
  if (answer.getWelcome().getProtocolMinor() < minor_of_long_pieces)
    log_bytes_taken_ = limits::log_chunk_bytes;
  wire_->session = response.getSession();
  wire_->out = kj::heap<outbox<host_message>>(
    where_.address, [this](const host_message& message) { return call_farm(message); },
    [this](const std::string& why) { fall(why); });
  wire_->disconnected = wire_->rpc->on_disconnect()
                          .then([this] { fall("the connection was closed"); },
                                [this](kj::Exception&& problem) { fall(plain_reason(problem)); })
                          .eagerlyEvaluate(nullptr);
  spdlog::info("link coordinator={} session={} joined", where_.address, granted->session.value);
  send(agent_, connected{*granted, caf::actor_cast<farm_link_actor>(this)});
  for (auto& message : early_)
    send(agent_, std::move(message));
  early_.clear();
}

// -- messages
// --------------------------------------------------------------------------------------

void farm_link::say(host_message& message) {
  while (auto head = cut_off(message, log_bytes_taken_))
    wire_->out->push(std::move(*head));
  wire_->out->push(std::move(message));
}

kj::Promise<void> farm_link::call_farm(const host_message& message) {
  auto request = wire_->session.tellRequest();
  write(message, request.initMessage());
  if (!small_enough(where_.address, request.totalSize().wordCount))
    return kj::READY_NOW;
  return request.send().ignoreResult();
}

kj::Promise<void> farm_link::told(wire::FarmMessage::Reader from) {
  auto waiting = wire_->in.open() + early_.size();
  if (waiting >= limits::link_queue_max) {
    fall("the coordinator calls without waiting for answers");
    throw call_refused("too many calls");
  }
  if (!is_known(from)) {
    wire_->in.pass_over("coordinator " + where_.address);
    return kj::READY_NOW;
  }
  auto message = read(from);
  if (!message) {
    spdlog::warn("link coordinator={} a malformed message is dropped: {}", where_.address,
                 message.error().text);
    if (wire_->in.malformed())
      fall("the coordinator sent too many malformed messages");
    throw call_refused(message.error().text);
  }
  if (phase_ == phase::joined)
    return pass(std::move(*message));
  early_.push_back(std::move(*message));
  return kj::READY_NOW;
}

kj::Promise<void> farm_link::pass(farm_message message) {
  if (bulk_bytes(message) == 0 && wire_->in.answers_ahead()) {
    send(agent_, std::move(message));
    return kj::READY_NOW;
  }
  auto entered = wire_->in.enter();
  // In this process, and monitored; a timer a message would cost as much as the message. Who does
  // not take messages has at most link_queue_max of them open.
  request(agent_, caf::infinite, std::move(message))
    .then([this, number = entered.number] { wire_->in.taken(number); },
          [this](const caf::error&) { fall("the agent does not answer"); });
  return kj::mv(entered.taken);
}

// -- the end
// ---------------------------------------------------------------------------------------

std::string farm_link::failed_reason(const kj::Exception& problem) const {
  auto why = plain_reason(problem);
  switch (phase_) {
  case phase::connecting:
    return fmt::format("{} by {}", why, where_.address);
  case phase::handshaking:
    return fmt::format("no secure connection to {}: {}", where_.address, why);
  case phase::joining:
  case phase::joined:
    break;
  }
  return fmt::format("not admitted by {}: {}", where_.address, why);
}

/// The coordinator, or who passes for it, broke a bound.
void farm_link::broken(const std::string& why) {
  if (phase_ == phase::joined)
    fall(why);
  else
    fail(fmt::format("not admitted by {}: {}", where_.address, why));
}

void farm_link::fail(const std::string& reason) {
  if (fallen_)
    return;
  send(agent_, not_connected{reason});
  fall(reason);
}

/// Ends the link; kj objects go when the exit message is handled, not here.
void farm_link::fall(const std::string& why) {
  if (std::exchange(fallen_, true))
    return;
  spdlog::info("link coordinator={} down: {}", where_.address, why);
  caf::anon_send_exit(address(), caf::exit_reason::remote_link_unreachable);
}

actor_entry farm_link::describe() const {
  actor_entry entry;
  entry.name = "farm_link";
  entry.kind = "farm_link";
  switch (phase_) {
  case phase::connecting:
    entry.state = fmt::format("connecting to {}", where_.address);
    break;
  case phase::handshaking:
    entry.state = fmt::format("waiting for the TLS handshake with {}", where_.address);
    break;
  case phase::joining:
    entry.state = fmt::format("waiting for the answer of {} to join", where_.address);
    break;
  case phase::joined:
    entry.state = fmt::format("connected to {}, {} calls in flight, {} waiting", where_.address,
                              wire_->out->in_flight(), wire_->out->waiting());
  }
  auto up = clock().now() - since_;
  entry.uptime_ms = std::chrono::duration_cast<milliseconds>(up).count();
  return entry;
}

} // namespace

farm_link_actor connect_farm(edge_loop& loop, const farm_address& where, const hello& greeting,
                             const farm_listener& agent) {
  return loop.spawn<farm_link>(where, greeting, agent);
}

connector make_connector(edge_loop& loop, const farm_address& where) {
  return [&loop, where](const hello& greeting, const host_agent_actor& agent) {
    connect_farm(loop, where, greeting, agent);
  };
}

} // namespace drover
