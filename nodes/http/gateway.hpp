#pragma once
// The way from the HTTP thread to the farm's actors and back: asks an actor, posts the answer.
// SPDX-License-Identifier: Apache-2.0

#include "actors/types.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <memory>

namespace drover::http {
struct gateway_job;
}

namespace drover {

/// Asks other actors on behalf of requests; from the HTTP thread.
using gateway_actor = caf::typed_actor<caf::reacts_to<http::gateway_job>>::extend_with<described>;

} // namespace drover

namespace drover::http {

namespace asio = boost::asio;

/// What the gateway does for one request, on its own thread of execution.
struct gateway_job {
  std::function<void(gateway_actor::pointer self)> run;
};

gateway_actor spawn_gateway(caf::actor_system& system);
void stop_gateway(const gateway_actor& gateway);

/// The gateway with the loop that answers go to. Copies are cheap.
struct gateway {
  gateway_actor actor;
  std::weak_ptr<asio::io_context> loop;
};

/// An actor's refusal to answer as a failure: `unavailable`, in words for people.
failure describe_error(const caf::error& error, milliseconds patience);

/// Takes an answer exactly once: if it is dropped unanswered, the farm is going down.
template <class Answer>
class reply_slot {
public:
  using completion = std::function<void(expected<Answer>)>;
  reply_slot(std::shared_ptr<asio::io_context> loop, completion complete)
      : loop_{std::move(loop)}, complete_{std::move(complete)} {}
  ~reply_slot() { deliver(failure{ec::unavailable, "the farm is stopping; try again"}); }
  reply_slot(const reply_slot&) = delete;
  reply_slot& operator=(const reply_slot&) = delete;

  void deliver(expected<Answer> answer) {
    if (auto complete = std::exchange(complete_, nullptr))
      complete(std::move(answer));
  }

private:
  std::shared_ptr<asio::io_context> loop_; ///< what `complete_` posts to; destroyed after it
  completion complete_;
};

/// Sends `message` to `target` and waits for its answer, `patience` at most.
template <class Answer, class Target, class Message>
asio::awaitable<expected<Answer>> ask(gateway via, Target target, milliseconds patience,
                                      Message message) {
  auto start = [&](auto resume) {
    auto executor = asio::get_associated_executor(resume);
    auto kept = std::make_shared<decltype(resume)>(std::move(resume));
    auto slot = std::make_shared<reply_slot<Answer>>(
      via.loop.lock(), [kept, executor](expected<Answer> answer) {
        asio::post(executor,
                   [kept, answer = std::move(answer)]() mutable { (*kept)(std::move(answer)); });
      });
    gateway_job job;
    job.run = [slot, target, patience, message](gateway_actor::pointer self) {
      self->request(target, patience, message)
        .then([slot](Answer& answer) { slot->deliver(std::move(answer)); },
              [slot, patience](const caf::error& error) {
                slot->deliver(describe_error(error, patience));
              });
    };
    caf::anon_send(via.actor, std::move(job));
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(expected<Answer>)>(
    start, asio::use_awaitable);
}

/// The same for answers that may themselves be failures.
template <class Value, class Target, class Message>
asio::awaitable<expected<Value>> ask_for(gateway via, Target target, milliseconds patience,
                                         Message message) {
  auto answer = co_await ask<expected<Value>>(via, target, patience, std::move(message));
  if (!answer)
    co_return answer.error();
  co_return std::move(*answer);
}

} // namespace drover::http

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::http::gateway_job)
