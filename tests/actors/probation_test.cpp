// Hosts that join by a token, are compared with known-good ones, and are retired.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_trust.hpp"
#include "storage/identities.hpp"
#include "tests/actors/healing_fixture.hpp"

using namespace drover;
using namespace drover::test;
using namespace std::chrono_literals;

namespace {

struct trust_fixture : healing_fixture {
  /// The enroller gave a certificate to this name for a token.
  void enrol(const std::string& name) {
    host_identity identity;
    identity.name = {name};
    identity.valid.push_back({"5e", "k", "pem", "t", {*wall}, {*wall + 1'000'000'000}});
    storage::write_batch batch;
    storage::put_identity(batch, identity);
    REQUIRE_FALSE(store->commit(batch, storage::durability::synced));
    *wall += 10;
  }

  machine join_by_token(const std::string& name) {
    enrol(name);
    return join(name);
  }

  host_stage stage_of(const std::string& host) { return view_of(host).record.stage; }

  std::vector<event_record> stages_told() { return journal(event_kind::host_stage_changed); }

  /// All steps of what it was told last, in this way; the canary that is shipped goes on after a
  /// failure.
  void play(machine& host, result outcome = result::success) {
    for (int step = 0; step < 8; ++step)
      finish(host, outcome);
  }

  /// The one builder is a canary, so that a canary is one step.
  void with_marked_canary() {
    settings.config.builders[0].canary = true;
    restart();
  }

  std::string builder_at(const machine& host) {
    auto works = host.heard.all<assignment>();
    return works.empty() ? "" : works.back().builder;
  }
};

} // namespace

TEST_CASE_METHOD(trust_fixture,
                 "probation: the first host of a farm is trusted by its canary alone") {
  auto vega = join_by_token("vega");
  CHECK(stage_of("vega") == host_stage::probation);
  auto id = submit_one();
  pass(2s, {&vega});
  CHECK(builder_at(vega) == limits::shipped_canary_name); // and not what waits
  CHECK(record(id).state != build_state::running);
  play(vega);
  CHECK(stage_of("vega") == host_stage::trusted);
  CHECK(view_of("vega").record.stage_note.find("no peer to compare with") != std::string::npos);
  CHECK(builder_at(vega) == "check");
  auto told = stages_told();
  REQUIRE(told.size() == 2);
  CHECK(told[0].state == "probation");
  CHECK(told[1].state == "trusted");
  restart();
  CHECK(stage_of("vega") == host_stage::trusted); // it is in the store
}

TEST_CASE_METHOD(trust_fixture,
                 "probation: a newcomer is trusted if it ends as a known-good peer") {
  with_marked_canary();
  auto h1 = join("h1"); // by the farm's own certificate
  CHECK(stage_of("h1") == host_stage::trusted);
  auto vega = join_by_token("vega");
  pass(2s, {&h1, &vega});
  CHECK(works_of(vega) == 1);
  CHECK(works_of(h1) == 1);
  finish(vega);
  CHECK(stage_of("vega") == host_stage::probation); // the peer's word is wanted
  finish(h1);
  CHECK(stage_of("vega") == host_stage::trusted);
  CHECK(view_of("vega").record.stage_note.find("did on h1") != std::string::npos);
  // The next one is compared with what is known.
  auto lyra = join_by_token("lyra");
  pass(2s, {&h1, &vega, &lyra});
  finish(lyra);
  CHECK(stage_of("lyra") == host_stage::trusted);
  CHECK(works_of(h1) == 1);
}

TEST_CASE_METHOD(trust_fixture,
                 "probation: who differs stays there, is told why, and tries again") {
  with_marked_canary();
  auto h1 = join("h1");
  auto vega = join_by_token("vega");
  pass(2s, {&h1, &vega});
  finish(h1);
  finish(vega, result::failure);
  CHECK(stage_of("vega") == host_stage::probation);
  CHECK(view_of("vega").reason.find("differs from build") != std::string::npos);
  CHECK(stages_told().back().text.find("in failure here and in success there")
        != std::string::npos);
  auto id = submit_one();
  CHECK(record(id).host.value == "h1");
  auto before = works_of(vega);
  pass(limits::canary_retry_first / 2 - 5s, {&h1, &vega});
  CHECK(works_of(vega) == before);
  pass(limits::canary_retry_first, {&h1, &vega});
  REQUIRE(works_of(vega) == before + 1);
  finish(h1);
  pass(2s, {&h1, &vega});
  finish(h1); // which is asked anew
  finish(vega);
  CHECK(stage_of("vega") == host_stage::trusted);
}

TEST_CASE_METHOD(trust_fixture,
                 "probation: a peer without a free slot is waited for, but not for ever") {
  with_marked_canary();
  auto h1 = join("h1");
  submit_one();
  run_all(h1);
  auto vega = join_by_token("vega");
  pass(2s, {&h1, &vega});
  finish(vega);
  pass(limits::canary_peer_patience - 5s, {&h1, &vega});
  CHECK(stage_of("vega") == host_stage::probation);
  SECTION("it becomes free, and the canary goes before what waits") {
    submit_one();
    auto waiting = submit_one();
    finish(h1);
    CHECK(record(waiting).state != build_state::running);
    finish(h1);
    finish(h1);
    CHECK(view_of("vega").record.stage_note.find("did on h1") != std::string::npos);
  }
  SECTION("it does not") {
    pass(10s, {&h1, &vega});
    CHECK(view_of("vega").record.stage_note.find("had a free slot") != std::string::npos);
  }
  CHECK(stage_of("vega") == host_stage::trusted);
}

TEST_CASE_METHOD(trust_fixture, "probation: a restart of the coordinator goes on with the canary") {
  with_marked_canary();
  auto vega = join_by_token("vega");
  pass(2s, {&vega});
  run_all(vega);
  auto canary = vega.heard.all<assignment>().at(0).token;
  restart();
  CHECK(stage_of("vega") == host_stage::probation);
  auto back = join("vega", {{canary, known_state::running, 0}});
  pass(2s, {&back});
  say(back, core::ended(canary, result::success));
  for (const auto& order : back.heard.all<close_build>())
    say(back, build_closed{order.build, order.placement, {}, ""});
  pass(2s, {&back});
  CHECK(works_of(back) == 0); // no second one
  CHECK(stage_of("vega") == host_stage::trusted);
}

TEST_CASE_METHOD(trust_fixture, "probation: a peer that is lost under its canary is replaced") {
  with_marked_canary();
  auto h1 = join("h1");
  auto vega = join_by_token("vega");
  pass(2s, {&h1, &vega});
  finish(vega);
  REQUIRE(works_of(h1) == 1);
  auto h2 = join("h2");
  pass(limits::lease + 5s, {&h2, &vega});
  REQUIRE(works_of(h2) == 1);
  finish(h2);
  CHECK(view_of("vega").record.stage_note.find("did on h2") != std::string::npos);
}

TEST_CASE_METHOD(trust_fixture, "probation: a person's word ends it, once it is durable") {
  auto vega = join_by_token("vega");
  host_order resume{{"vega"}, host_action::resume, "ann", "I know it", 0ms};
  auto answer = ask<expected<accepted>>(farm.coordinator, resume);
  REQUIRE(answer.ready());
  REQUIRE(*answer.get());
  CHECK(stage_of("vega") == host_stage::trusted);
  CHECK(stages_told().back().by == "ann");
  CHECK(stages_told().back().text == "trusted by ann: I know it");
  submit_one();
  play(vega); // the canary, which is of no use any more
  CHECK(builder_at(vega) == "check");
}

TEST_CASE_METHOD(trust_fixture, "probation: a drain outlives it, and its end does not end it") {
  auto vega = join_by_token("vega");
  auto order = [&](host_action action) {
    auto answer =
      ask<expected<accepted>>(farm.coordinator, host_order{{"vega"}, action, "ann", "", 0ms});
    REQUIRE(answer.ready());
    REQUIRE(*answer.get());
    return (**answer.get()).text;
  };
  order(host_action::drain);
  CHECK(order(host_action::resume).find("on probation") != std::string::npos);
  CHECK(stage_of("vega") == host_stage::probation);
  CHECK(order(host_action::resume).find("trusted by your word") != std::string::npos);
}

TEST_CASE_METHOD(trust_fixture, "probation: whom the configuration names is trusted at once") {
  host_spec spec;
  spec.name = "vega";
  settings.config.hosts = {spec};
  restart();
  auto vega = join_by_token("vega");
  CHECK(stage_of("vega") == host_stage::trusted);
  submit_one();
  CHECK(builder_at(vega) == "check");
}

TEST_CASE_METHOD(trust_fixture, "probation: a host that joins anew earns its trust anew") {
  with_marked_canary();
  auto vega = join_by_token("vega");
  pass(2s, {&vega});
  finish(vega);
  REQUIRE(stage_of("vega") == host_stage::trusted);
  pass(limits::lease + 2s, {});
  join("vega"); // with its old certificate
  CHECK(stage_of("vega") == host_stage::trusted);
  pass(limits::lease + 2s, {});
  join_by_token("vega");
  CHECK(stage_of("vega") == host_stage::probation);
}

TEST_CASE_METHOD(trust_fixture,
                 "probation: a key that moves to another state folder raises an alarm") {
  with_marked_canary();
  auto vega = join_by_token("vega");
  pass(2s, {&vega});
  finish(vega);
  REQUIRE(stage_of("vega") == host_stage::trusted);
  pass(limits::lease + 2s, {});
  notebook heard;
  arrival request;
  request.greeting.host = {"vega"};
  request.greeting.machine_id = "a thief's";
  request.greeting.agent_incarnation = 6;
  request.link = spawn_scribe<host_link_actor>(heard);
  tell(farm.coordinator, std::move(request));
  CHECK(stage_of("vega") == host_stage::probation);
  auto alarm = journal(event_kind::host_misbehaved);
  REQUIRE(alarm.size() == 1);
  CHECK(alarm[0].text.find("a thief's") != std::string::npos);
}

TEST_CASE_METHOD(trust_fixture,
                 "probation: two agents with one key raise an alarm that people see") {
  auto vega = join("vega");
  arrival request;
  request.greeting.host = {"vega"};
  request.greeting.machine_id = "a thief's";
  request.greeting.agent_incarnation = 6;
  notebook heard;
  request.link = spawn_scribe<host_link_actor>(heard);
  tell(farm.coordinator, request);
  CHECK(heard.all<refusal>().size() == 1);
  pass(limits::suspect_after + 1s, {&vega});
  auto alarm = journal(event_kind::host_misbehaved);
  REQUIRE_FALSE(alarm.empty()); // one that says hello under the name is told of as well
  CHECK(alarm.back().host.value == "vega");
  CHECK(alarm.back().text.find("used from two places") != std::string::npos);
  CHECK(view_of("vega").reason.find("a second agent was refused") != std::string::npos);
}

TEST_CASE_METHOD(trust_fixture,
                 "probation: a long silence retires, and the way back is by a canary") {
  with_marked_canary();
  auto vega = join_by_token("vega");
  pass(2s, {&vega});
  finish(vega);
  pass(limits::lease + 2s, {});
  *wall += limits::retire_after.count() - 10'000;
  pass(2s, {});
  CHECK(stage_of("vega") == host_stage::trusted);
  *wall += 20'000;
  pass(2s, {});
  CHECK(stage_of("vega") == host_stage::retired);
  CHECK(view_of("vega").reason.find("retired: it was last seen") != std::string::npos);
  restart();
  CHECK(stage_of("vega") == host_stage::retired);
  auto back = join("vega");
  CHECK(stage_of("vega") == host_stage::probation);
  pass(2s, {&back});
  finish(back);
  CHECK(stage_of("vega") == host_stage::trusted);
}

TEST_CASE_METHOD(trust_fixture, "probation: the configuration says how long a silence retires") {
  with_marked_canary();
  auto vega = join_by_token("vega");
  pass(2s, {&vega});
  finish(vega);
  pass(limits::lease + 2s, {});
  *wall += 3 * 24 * 3600 * int64_t{1000};
  pass(2s, {});
  CHECK(stage_of("vega") == host_stage::trusted);
  settings.config.limits.retire_after = 2 * 24h;
  restart();
  pass(2s, {});
  CHECK(stage_of("vega") == host_stage::retired);
}

TEST_CASE_METHOD(trust_fixture, "probation: a host that is here is kept as seen, across restarts") {
  auto vega = join("vega");
  auto joined = *wall;
  *wall += limits::retire_after.count() - 1000;
  pass(1s, {&vega});
  restart(); // and it never comes back
  *wall += 10'000;
  pass(2s, {});
  CHECK(view_of("vega").record.last_seen.ms > joined + limits::retire_after.count() / 2);
  CHECK(stage_of("vega") == host_stage::trusted);
}
