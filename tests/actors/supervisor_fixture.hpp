#pragma once
// A host supervisor with scripted neighbours, and connections of its host.
// SPDX-License-Identifier: Apache-2.0

#include "actors/host_supervisor.hpp"
#include "storage/tables.hpp"
#include "tests/actors/farm_fixture.hpp"

namespace drover::test {

inline assignment work_of(const grant_token& token, const std::string& sha256 = {}) {
  assignment work;
  work.token = token;
  work.placement = 1;
  work.step.name = "test";
  work.source.sha256 = sha256;
  return work;
}

struct supervisor_fixture : farm_fixture {
  struct connection {
    notebook heard; ///< by the host
    host_link_actor link;
  };

  supervisor_fixture() {
    record.name = {"h1"};
    record.first_seen = {1000};
    record.machine_id = "machine";
    start();
  }

  /// The store says that this attempt was granted to that host.
  void note_grant(const grant_token& token, const std::string& host) {
    auto count = token.attempt.step.value + 1;
    storage::write_batch batch;
    build_record build;
    build.id = token.attempt.build;
    storage::put_build(batch, build);
    storage::put_recipe(batch, build.id, {});
    attempt_record granted;
    granted.number = token.attempt.attempt;
    granted.granted_in = token.granted_in;
    granted.host = {host};
    for (uint32_t i = 0; i < count; ++i) {
      step_record step;
      step.index = {i};
      step.attempts.assign(granted.number.value, granted);
      storage::put_step(batch, build.id, step);
    }
    REQUIRE_FALSE(store->commit(batch, storage::durability::synced));
  }

  void start() {
    supervisor_context context{
      settings.now,
      settings.clock,
      spawn_scribe<census_actor>(census),
      recorder,
      spawn_scribe<log_sink_actor>(logs),
      spawn_scribe<artifact_store_actor>(blobs),
      spawn_scribe<coordinator_actor>(coordinator),
      {},
      store,
    };
    uut = keep(system.spawn(host_supervisor, context, record));
    settle();
  }

  static hello greeting(std::vector<known_attempt> known = {}) {
    hello said;
    said.host = {"h1"};
    said.machine_id = "machine";
    said.boot_id = "boot";
    said.agent_incarnation = 5;
    said.known = std::move(known);
    return said;
  }

  connection join(hello said = greeting()) {
    connection made;
    made.link = spawn_scribe<host_link_actor>(made.heard);
    arrival request;
    request.greeting = std::move(said);
    request.link = made.link;
    tell(uut, std::move(request));
    beats = 0;
    return made;
  }

  void say(const connection& on, host_message message) { speak(on.link, uut, std::move(message)); }

  void beat_with(const connection& on, std::vector<known_attempt> known) {
    say(on, beat{++beats, 0, std::move(known)});
  }

  /// Time passes in which the host beats and lists `known`.
  void advance_with_beats(const connection& on, milliseconds time,
                          const std::vector<known_attempt>& known) {
    for (auto passed = 0ms; passed < time; passed += limits::beat_interval) {
      beat_with(on, known);
      advance(limits::beat_interval);
    }
  }

  host_view view() { return *ask<host_view>(uut, hosts_query{}).get(); }
  void order(const grant_token& token, const std::string& sha256 = {}) {
    tell(uut, grant_order{work_of(token, sha256)});
  }

  notebook coordinator, logs, blobs, census;
  recorder_actor recorder = spawn_held_recorder();
  host_record record;
  host_supervisor_actor uut;
  uint64_t beats = 0;
};

inline known_attempt running(const grant_token& token) {
  return {token, known_state::running, 0};
}

} // namespace drover::test
