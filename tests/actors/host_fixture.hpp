#pragma once
// A whole host (agent, steps, spool, workspace) on fakes, and a scripted coordinator.
// SPDX-License-Identifier: Apache-2.0

#include "actors/host.hpp"
#include "schema/limits.hpp"
#include "tests/actors/fakes.hpp"
#include "tests/fixture.hpp"

namespace drover::test {

/// Makes the tokens and assignments that tests speak of.
inline grant_token token_of(uint64_t build, uint32_t attempt = 1) {
  return {{3, 77}, {{build}, {0}, {attempt}}};
}

inline assignment work_of(uint64_t build, source_ref source = {}) {
  assignment work;
  work.token = token_of(build);
  work.placement = 1;
  work.builder = "check";
  work.step.name = "test";
  work.step.run = "make check";
  work.source = std::move(source);
  return work;
}

inline keeper_exit exited(int32_t code) {
  return {code == 0 ? result::success : result::failure,
          code,
          code == 0 ? "" : "exit code " + std::to_string(code),
          {1000},
          {2000}};
}

struct host_fixture : fixture {
  host_fixture() {
    settings.self.host = {"h1"};
    settings.self.slots = 2;
    settings.self.facts["cores"] = "8";
    settings.spool = spool;
    settings.workspaces = workspaces;
    settings.clock = [] { return wall_time{5000}; };
    settings.seed = 42;
    settings.base_env["PATH"] = "/usr/bin";
    settings.blocking = blocking_actors::shared_scheduler;
    settings.fatal = [this](const std::string& why) { fatal = why; };
    settings.connect = [this](const hello& greeting, const host_agent_actor& agent) {
      greetings.push_back(greeting);
      if (reachable)
        admit(agent);
      else
        caf::anon_send(agent, not_connected{"connection refused"});
    };
  }

  void start() {
    host = spawn_host(system, settings);
    keep(host.census);
    keep(host.agent);
    settle();
  }

  /// The agent's process is killed and started again on the same disk.
  void restart() {
    crash(host.agent);
    crash(host.census);
    start();
  }

  void admit(const host_agent_actor& agent) {
    heard->clear();
    link = spawn_ear<farm_link_actor, host_message>(heard);
    caf::anon_send(agent, connected{welcome{{3, 77}, {1}, 500ms, 60s}, link});
  }

  void drop_link() { crash(link); }
  void say(farm_message message) { tell(host.agent, std::move(message)); }

  /// What the coordinator heard of one kind since the last (re)connect.
  template <class T>
  std::vector<T> all() const {
    std::vector<T> result;
    for (const auto& message : *heard)
      if (const auto* one = std::get_if<T>(&message))
        result.push_back(*one);
    return result;
  }

  /// The bytes of all log chunks heard, in order.
  std::string log_heard() const {
    std::string result;
    for (const auto& chunk : all<log_chunk>())
      result += chunk.bytes;
    return result;
  }

  /// Lets time pass in which the coordinator answers beats.
  void advance_with_beats(milliseconds time) {
    for (auto passed = 0ms; passed < time; passed += 100ms) {
      advance(100ms);
      auto beats = all<beat>();
      if (!beats.empty())
        say(beat_answer{beats.back().sequence});
    }
  }

  /// Gives work without a source; its command runs afterwards.
  grant_token run(uint64_t build) {
    auto work = work_of(build);
    say(work);
    say(log_durable{work.token, 0});
    return work.token;
  }

  std::shared_ptr<fake_spool> spool = std::make_shared<fake_spool>();
  std::shared_ptr<fake_workspaces> workspaces = std::make_shared<fake_workspaces>();
  host_settings settings;
  host_actors host;
  bool reachable = true;
  std::vector<hello> greetings;
  farm_link_actor link;
  std::shared_ptr<std::vector<host_message>> heard = std::make_shared<std::vector<host_message>>();
  std::string fatal;
};

} // namespace drover::test
