#pragma once
// One or a few actors with a fake clock and scripted neighbours, in one thread.
// SPDX-License-Identifier: Apache-2.0

#include "actors/types.hpp"
#include "tests/catch.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>

namespace drover::test {

using namespace std::chrono_literals;

/// What `fixture::ask` will have got.
template <class R>
class reply {
public:
  struct slot {
    std::optional<R> value;
    std::optional<caf::error> problem;
  };

  explicit reply(std::shared_ptr<slot> content) : content_{std::move(content)} {}
  /// A value has come.
  bool ready() const { return content_->value.has_value(); }
  /// The actor died or refused.
  bool failed() const { return content_->problem.has_value(); }
  /// The value; throws, and so fails the test, if none has come.
  const R* get() const {
    if (!ready())
      throw std::logic_error{failed() ? "the request failed" : "no answer has come yet"};
    return &*content_->value;
  }

private:
  std::shared_ptr<slot> content_;
};

class test_config : public caf::actor_system_config {
public:
  test_config() {
    set("scheduler.policy", caf::atom("testing"));
    set("logger.verbosity", caf::atom("quiet"));
  }
};

/// Actors run only inside `settle`, `ask`, `tell` and `advance`; time passes only in `advance`.
/// Every actor that a test spawns goes through `keep` or dies with one that did: all are stopped
/// at the end, since the system waits for the last one.
class fixture {
public:
  fixture() : system{config_} { spdlog::set_level(spdlog::level::off); }
  fixture(const fixture&) = delete;
  fixture& operator=(const fixture&) = delete;

  ~fixture() {
    for (auto one = kept_.rbegin(); one != kept_.rend(); ++one)
      caf::anon_send_exit(*one, caf::exit_reason::kill);
    kept_.clear();
    settle();
    // The system's destructor would wait for them for ever.
    if (auto alive = system.registry().running(); alive != 0) {
      std::fprintf(stderr, "fixture: %zu actors outlive the test: keep() them\n", alive);
      std::abort();
    }
  }

  /// Notes an actor that is to be stopped at the end.
  template <class Handle>
  Handle keep(Handle handle) {
    kept_.push_back(caf::actor_cast<caf::actor>(handle));
    return handle;
  }

  /// Runs all actors until none has anything to do at this moment.
  void settle() {
    auto& coordinator = scheduler();
    for (size_t steps = 0; coordinator.try_run_once(); ++steps)
      if (steps > steps_max)
        throw std::logic_error{"the actors do not come to rest without time passing"};
  }

  /// Lets time pass, timer by timer.
  void advance(milliseconds time) {
    settle();
    auto& clock = scheduler().clock();
    auto target = clock.now() + time;
    while (!clock.schedule().empty() && clock.schedule().begin()->first <= target) {
      clock.advance_time(std::max(clock.schedule().begin()->first - clock.now(),
                                  caf::actor_clock::duration_type{0}));
      settle();
    }
    clock.advance_time(target - clock.now());
    settle();
  }

  /// Lets time pass in small pieces until `holds()`; false if that takes longer than `patience`.
  template <class Predicate>
  bool advance_until(milliseconds patience, Predicate holds) {
    settle();
    for (auto passed = 0ms; !holds(); passed += 10ms) {
      if (passed >= patience)
        return false;
      advance(10ms);
    }
    return true;
  }

  template <class R, class Handle, class... Ts>
  reply<R> ask(const Handle& handle, const Ts&... parts) {
    auto slot = std::make_shared<typename reply<R>::slot>();
    keep(system.spawn([=](caf::event_based_actor* self) {
      self->request(handle, caf::infinite, parts...)
        .then([slot](R& value) { slot->value = std::move(value); },
              [slot](caf::error& problem) { slot->problem = std::move(problem); });
    }));
    settle();
    return reply<R>{slot};
  }

  template <class Handle, class... Ts>
  void tell(const Handle& handle, Ts&&... parts) {
    caf::anon_send(handle, std::forward<Ts>(parts)...);
    settle();
  }

  /// Ends an actor as a defect would.
  template <class Handle>
  void crash(const Handle& handle) {
    caf::anon_send_exit(handle, caf::exit_reason::kill);
    settle();
  }

  /// A neighbour with the interface `Handle` (one message and describe) that writes down what it is
  /// told.
  template <class Handle, class Message>
  Handle spawn_ear(std::shared_ptr<std::vector<Message>> heard) {
    return keep(system.spawn([heard]() -> typename Handle::behavior_type {
      return {
        [heard](const Message& message) { heard->push_back(message); },
        [](atom::describe) { return actor_entry{}; },
      };
    }));
  }

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }

private:
  static constexpr size_t steps_max = 1'000'000;
  test_config config_;

public:
  caf::actor_system system;

private:
  std::vector<caf::actor> kept_;
};

} // namespace drover::test
