#pragma once
// The coordinator's whole tree on a store in memory, with scripted hosts.
// SPDX-License-Identifier: Apache-2.0

#include "tests/actors/farm_fixture.hpp"
#include "tests/core/make.hpp"

namespace drover::test {

struct tree_fixture : farm_fixture {
  struct machine {
    notebook heard;
    host_link_actor link;
    uint64_t beats = 0;
    std::vector<known_attempt> known;
  };

  tree_fixture() {
    auto recipe = core::recipe_of({core::step("test")});
    settings.config.builders = {recipe};
    start();
  }

  ~tree_fixture() {
    stop_farm(farm);
    settle();
  }

  void start() {
    auto spawned = spawn_farm(system, settings);
    if (!spawned)
      throw std::logic_error{spawned.error().text};
    farm = *spawned;
    keep(farm.coordinator);
    settle();
  }

  /// The process dies and starts again on what was durable.
  void restart() {
    stop_farm(farm);
    settle();
    store->crash();
    ++settings.now.counter;
    start();
  }

  machine join(const std::string& name, std::vector<known_attempt> known = {},
               std::vector<workspace_id> workspaces = {}) {
    machine made;
    made.link = spawn_scribe<host_link_actor>(made.heard);
    made.known = std::move(known);
    arrival request;
    request.greeting.host = {name};
    request.greeting.machine_id = "machine of " + name;
    request.greeting.agent_incarnation = 5;
    request.greeting.known = made.known;
    request.greeting.workspaces = std::move(workspaces);
    request.link = made.link;
    tell(farm.coordinator, std::move(request));
    REQUIRE(made.heard.all<welcome>().size() == 1);
    return made;
  }

  void say(const machine& from, host_message message) {
    auto listeners = from.heard.all<host_listener>();
    REQUIRE(listeners.size() == 1);
    speak(from.link, listeners[0], std::move(message));
  }

  /// Does all that it is ordered to, as a host would.
  void finish(machine& host, result outcome = result::success) {
    for (const auto& work : host.heard.all<assignment>()) {
      say(host, core::ended(work.token, outcome));
      for (const auto& order : host.heard.all<close_build>())
        say(host, build_closed{order.build, order.placement, {}, ""});
    }
  }

  void advance_with_beats(machine& host, milliseconds time) {
    for (auto passed = 0ms; passed < time; passed += limits::beat_interval) {
      say(host, beat{++host.beats, 0, host.known});
      advance(limits::beat_interval);
    }
  }

  reply<expected<submitted>> submit(const std::string& pinned = {}, const string_map& params = {}) {
    submission request;
    request.orders = {{"check", {}}};
    request.params = params;
    request.host = pinned;
    request.by = "ann";
    return ask<expected<submitted>>(farm.coordinator, request);
  }

  build_id submit_one(const string_map& params = {}) {
    auto answer = submit({}, params);
    REQUIRE(answer.ready());
    REQUIRE(*answer.get());
    REQUIRE((**answer.get()).builds.size() == 1);
    return (**answer.get()).builds[0];
  }

  build_record record(build_id build) const {
    auto found = storage::read_build(*store, build);
    REQUIRE(found);
    REQUIRE(*found);
    return **found;
  }

  expected<accepted> cancel(build_id build) {
    return *ask<expected<accepted>>(farm.coordinator, cancel_build{build, "ann", ""}).get();
  }

  /// The next actor of this name that is about to run dies instead, as of a defect.
  void strike_next(const std::string& name) {
    auto& jobs = scheduler().jobs;
    for (bool struck = false; !jobs.empty();) {
      auto* next = dynamic_cast<caf::scheduled_actor*>(jobs.front());
      if (!struck && next != nullptr && name == next->name()) {
        caf::anon_send_exit(next->address(), caf::exit_reason::unhandled_exception);
        struck = true;
      }
      REQUIRE(scheduler().try_run_once());
    }
  }

  /// As `say`, but the first actor called `victim` that the words reach dies.
  void say_and_strike(const machine& from, host_message message, const std::string& victim) {
    auto listener = from.heard.all<host_listener>().at(0);
    caf::actor_cast<caf::actor>(listener)->enqueue(
      caf::actor_cast<caf::strong_actor_ptr>(from.link), caf::make_message_id(),
      caf::make_message(std::move(message)), nullptr);
    strike_next(victim);
  }

  farm_actors farm;
};

} // namespace drover::test
