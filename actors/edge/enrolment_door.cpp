// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/enrolment_door.hpp"

#include "actors/edge/reason.hpp"
#include "schema/enrolment_codec.hpp"
#include "schema/limits.hpp"
#include "schema/limits_enrolment.hpp"

#include <capnp/message.h>
#include <capnp/serialize-async.h>
#include <fmt/format.h>
#include <kj/timer.h>
#include <spdlog/spdlog.h>

namespace drover {
namespace {

class enrolment_talk final : public pinned<enrolment_talk_actor> {
public:
  enrolment_talk(caf::actor_config& config, edge_loop& on, enrolment_guest who,
                 enroller_actor enroller)
      : pinned{config, on}, address_{std::move(who.address)},
        proven_name_{std::move(who.proven_name)}, over_{std::move(who.over)},
        enroller_{std::move(enroller)}, wire_{std::make_unique<wire_side>()} {
    wire_->stream = kj::mv(who.stream);
  }

  const char* name() const override { return "enrolment_talk"; }

protected:
  behavior_type make_behavior() override;

  void release() override {
    wire_.reset();
    enroller_ = nullptr;
    if (auto over = std::exchange(over_, nullptr))
      over();
  }

private:
  /// What is kj's; the promise refers to what is above it.
  struct wire_side {
    kj::Own<kj::AsyncIoStream> stream;
    kj::Own<capnp::MessageBuilder> answer = kj::heap<capnp::MallocMessageBuilder>();
    kj::Own<kj::PromiseFulfiller<enrolment_answer>> decision;
    kj::Promise<void> talk = nullptr;
  };

  kj::Timer& timer() { return loop().io().provider->getTimer(); }
  kj::Promise<enrolment_answer> decide(expected<enrolment_request> request);
  kj::Promise<enrolment_answer> ask(enrolment_ask what);
  void decided(enrolment_answer answer);
  kj::Promise<void> say(const enrolment_answer& answer);
  void end() { caf::anon_send_exit(address(), caf::exit_reason::user_shutdown); }

  std::string address_;
  std::string proven_name_;
  std::function<void()> over_;
  enroller_actor enroller_;
  std::unique_ptr<wire_side> wire_;
};

enrolment_talk::behavior_type enrolment_talk::make_behavior() {
  capnp::ReaderOptions bounds;
  bounds.traversalLimitInWords = limits::enrolment_words_max;
  auto talk = capnp::readMessage(*wire_->stream, bounds)
                .then([this](kj::Own<capnp::MessageReader> message) {
                  return decide(read(message->getRoot<enrolments::Request>()));
                })
                .then([this](enrolment_answer answer) { return say(answer); });
  wire_->talk =
    timer()
      .timeoutAfter(limits::enrolment_timeout.count() * kj::MILLISECONDS, kj::mv(talk))
      .then([this] { end(); },
            [this](kj::Exception&& problem) {
              spdlog::debug("enrolment address={} ended: {}", address_, plain_reason(problem));
              end();
            })
      .eagerlyEvaluate(nullptr);
  return {[this](atom::describe) {
    actor_entry entry;
    entry.name = entry.kind = "enrolment_talk";
    entry.state = "talks to " + address_ + ", which wants a certificate";
    return entry;
  }};
}

kj::Promise<enrolment_answer> enrolment_talk::decide(expected<enrolment_request> request) {
  if (!request)
    return enrolment_answer{enrolment_refusal{request.error().text}};
  if (proven_name_.empty() && request->secret.empty())
    return enrolment_answer{enrolment_refusal{"a token is needed; ask the farm's admin for one"}};
  if (!proven_name_.empty() && request->name != proven_name_)
    return enrolment_answer{enrolment_refusal{
      fmt::format("host '{}' came with the certificate of '{}'", request->name, proven_name_)}};
  return ask({std::move(*request), address_, !proven_name_.empty()});
}

kj::Promise<enrolment_answer> enrolment_talk::ask(enrolment_ask what) {
  auto pair = kj::newPromiseAndFulfiller<enrolment_answer>();
  wire_->decision = kj::mv(pair.fulfiller); // not in the callbacks: CAF may keep those for longer
  request(enroller_, limits::enrolment_timeout, std::move(what))
    .then(
      [this](expected<enrolment_grant>& given) {
        if (given)
          decided(std::move(*given));
        else
          decided(enrolment_refusal{given.error().text});
      },
      [this](const caf::error&) {
        decided(enrolment_refusal{"the farm is busy; try again later"});
      });
  return kj::mv(pair.promise);
}

void enrolment_talk::decided(enrolment_answer answer) {
  if (wire_)
    wire_->decision->fulfill(std::move(answer));
}

kj::Promise<void> enrolment_talk::say(const enrolment_answer& answer) {
  write(answer, wire_->answer->initRoot<enrolments::Answer>());
  bool is_refused = std::holds_alternative<enrolment_refusal>(answer);
  auto delay = is_refused ? limits::enrolment_refusal_delay.count() : 0;
  return timer()
    .afterDelay(delay * kj::MILLISECONDS)
    .then([this] { return capnp::writeMessage(*wire_->stream, *wire_->answer); })
    .then([this] { wire_->stream->shutdownWrite(); });
}

} // namespace

enrolment_talk_actor spawn_enrolment_talk(edge_loop& loop, enrolment_guest who,
                                          const enroller_actor& enroller) {
  return loop.spawn<enrolment_talk>(kj::mv(who), enroller);
}

} // namespace drover
