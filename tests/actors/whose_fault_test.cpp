// Whose fault it is, the ladder and health, as the coordinator acts on them.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_blame.hpp"
#include "storage/keys.hpp"
#include "tests/actors/healing_fixture.hpp"

using namespace drover;
using namespace drover::test;
using namespace std::chrono_literals;

// -- whose fault ---------------------------------------------------------------------------------

TEST_CASE_METHOD(healing_fixture, "healing: a build under which two hosts are lost is poison") {
  auto h1 = join("h1");
  auto id = submit_one();
  run_all(h1);
  pass(limits::lease + 1s, {});
  auto h2 = join("h2");
  run_all(h2);
  REQUIRE(h2.known.size() == 1);
  pass(limits::lease + 1s, {});
  CHECK(record(id).outcome == result::exception);
  CHECK(record(id).reason.find("h1 and h2") != std::string::npos);
  auto told = journal(event_kind::build_poisoned);
  REQUIRE(told.size() == 1);
  CHECK(told[0].text.find("not to blame") != std::string::npos);
  auto h3 = join("h3");
  CHECK(h3.heard.all<assignment>().empty());
}

TEST_CASE_METHOD(healing_fixture, "healing: the defect of trying poison again is noticed") {
  core::active_mutant = core::mutant::no_poison;
  auto h1 = join("h1");
  auto id = submit_one();
  run_all(h1);
  pass(limits::lease + 1s, {});
  auto h2 = join("h2");
  run_all(h2);
  pass(limits::lease + 1s, {});
  CHECK(record(id).outcome != result::exception); // what the case above demands
}

namespace {

/// h1 fails three builds that h2 passes. Parameters tell them apart: none speaks for another.
struct black_hole_fixture : healing_fixture {
  black_hole_fixture() {
    settings.config.builders[0].steps[0].cache.on = true;
    restart();
    h1 = join("h1");
    for (int i = 0; i < 3; ++i) {
      red.push_back(submit_one({{"N", std::to_string(i)}}));
      finish(h1, result::failure);
    }
    pass(250ms, {&h1});
    held = submit_one();
    run_all(h1);
    h2 = join("h2");
    passed = submit_one();
    finish(h2);
  }

  /// The builds that the farm has begun again on h2, which passes whatever it gets.
  std::multiset<build_id> repeated() {
    for (int i = 0; i < 6; ++i)
      finish(h2);
    std::set<build_id> sent;
    for (const auto& work : h2.heard.all<assignment>())
      sent.insert(work.token.attempt.build);
    std::multiset<build_id> again;
    for (auto id : sent)
      if (auto build = record(id); build.requested_by == "farm" && build.retry_of.value != 0)
        again.insert(build.retry_of);
    return again;
  }

  std::vector<build_id> tries_of(build_id failed) {
    auto found = storage::list_builds(
      *store, {}, 100, [failed](const build_record& build) { return build.retry_of == failed; });
    REQUIRE(found);
    std::vector<build_id> ids;
    for (const auto& build : *found)
      ids.push_back(build.id);
    return ids;
  }

  machine h1, h2;
  std::vector<build_id> red;
  build_id held; ///< on h1 while it is quarantined
  build_id passed;
};

} // namespace

TEST_CASE_METHOD(black_hole_fixture, "healing: a host that fails what others pass is quarantined") {
  CHECK(record(passed).outcome == result::success);
  auto view = view_of("h1");
  CHECK(view.state == host_state::quarantined);
  CHECK(view.record.hold.by == "farm");
  CHECK(view.reason.find("passed on h2") != std::string::npos);
  REQUIRE(journal(event_kind::host_quarantined).size() == 1);
  CHECK(repeated() == std::multiset<build_id>{red.begin(), red.end()}); // once, elsewhere
}

TEST_CASE_METHOD(black_hole_fixture, "healing: what fails there after that is repeated as well") {
  auto outcome = GENERATE(result::failure, result::success);
  finish(h1, outcome); // what it held when it was quarantined
  REQUIRE(record(held).outcome == outcome);
  std::multiset<build_id> wanted{red.begin(), red.end()};
  if (outcome == result::failure)
    wanted.insert(held);
  CHECK(repeated() == wanted);
  CHECK(journal(event_kind::host_quarantined).size() == 1);
}

TEST_CASE_METHOD(black_hole_fixture,
                 "healing: a coordinator that dies after a quarantine repeats what it owes") {
  auto again = repeated();
  storage::write_batch lost; // as if it had died before the second try of one of them was durable
  for (auto id : tries_of(red[1])) {
    lost.remove(storage::family::history, storage::keys::build(id));
    lost.remove(storage::family::active, storage::keys::active_build(id));
  }
  REQUIRE_FALSE(store->commit(lost, storage::durability::synced));
  restart();
  h1 = join("h1");
  h2 = join("h2");
  CHECK(repeated().empty());
  pass(limits::blame_recovery_after + 1s, {&h1, &h2});
  CHECK(repeated() == std::multiset<build_id>{red[1]});
  pass(limits::blame_recovery_after + 1s, {&h1, &h2});
  CHECK(tries_of(red[0]).size() == 1);
}

TEST_CASE_METHOD(black_hole_fixture, "healing: no opinion is asked of a host in quarantine") {
  finish(h1, result::failure);
  CHECK_FALSE(repeated().empty());
  CHECK(record(red[0]).fault == blame::host); // green elsewhere: at home it would be asked again
  CHECK(journal(event_kind::opinion_asked).empty());
}

TEST_CASE_METHOD(black_hole_fixture, "healing: a quarantined host is proven by a probe build") {
  finish(h1); // what ran there
  CHECK(view_of("h1").state == host_state::quarantined);
  auto before = works_of(h1);
  h1.known.clear();
  h2.known.clear();
  finish(h2);
  pass(limits::probe_first + 2s, {&h1, &h2});
  REQUIRE(works_of(h1) == before + 1);
  CHECK_FALSE(h1.heard.all<assignment>().back().step.cache.on); // what h2 passed proves nothing
  auto probe = h1.heard.all<assignment>().back().token;
  CHECK(record(probe.attempt.build).requested_because.find("probe of h1") != std::string::npos);
  SECTION("it passes and the host is back") {
    finish(h1);
    CHECK(view_of("h1").state == host_state::up);
    CHECK(journal(event_kind::host_released).size() == 1);
  }
  SECTION("it fails and the next one comes later") {
    finish(h1, result::failure);
    CHECK(view_of("h1").state == host_state::quarantined);
    pass(limits::probe_first - 5s, {&h1, &h2});
    CHECK(works_of(h1) == before + 1);
    pass(limits::probe_first + 10s, {&h1, &h2});
    CHECK(works_of(h1) == before + 2);
  }
  SECTION("the host loses it and it runs there once more") {
    pass(limits::lease + 1s, {&h2});
    h1 = join("h1");
    CHECK(view_of("h1").state == host_state::quarantined);
    pass(2s, {&h1, &h2});
    REQUIRE(works_of(h1) == 1);
    CHECK(h1.heard.all<assignment>()[0].token.attempt.build == probe.attempt.build);
    finish(h1);
    CHECK(view_of("h1").state == host_state::up);
  }
}

TEST_CASE_METHOD(healing_fixture, "healing: the defect of trusting black holes is noticed") {
  core::active_mutant = core::mutant::no_quarantine;
  auto h1 = join("h1");
  for (int i = 0; i < 3; ++i) {
    submit_one();
    finish(h1, result::failure);
  }
  submit_one();
  auto h2 = join("h2");
  submit_one();
  finish(h2);
  CHECK(view_of("h1").state == host_state::up); // what the case above forbids
}

// -- the ladder ----------------------------------------------------------------------------------

namespace {

struct ladder_fixture : healing_fixture {
  ladder_fixture() {
    host_spec spec;
    spec.name = "h1";
    spec.slots = 1;
    spec.restart = {"start-agent", "reboot-it", "", 0, 0ms};
    settings.config.hosts = {spec};
    restart();
  }
};

} // namespace

TEST_CASE_METHOD(ladder_fixture, "healing: a lost host is brought back rung by rung") {
  join("h1");
  pass(limits::lease + 1s, {});
  CHECK(commands->runs.empty()); // it may come back by itself
  pass(limits::ladder_first + 2s, {});
  REQUIRE(commands->runs.size() == 1);
  CHECK(commands->runs[0].command == "start-agent");
  CHECK(commands->runs[0].environment.at("DROVER_HOST") == "h1");
  pass(limits::ladder_wait_agent + 2s, {});
  CHECK(commands->runs.size() == 1); // not while it runs
  commands->runs[0].over(1, "no route to host\n");
  settle();
  auto told = journal(event_kind::ladder_climbed);
  REQUIRE(told.size() == 1);
  CHECK(told[0].text.find("agent command, try 1") != std::string::npos);
  CHECK(told[0].text.find("exit code 1: no route to host") != std::string::npos);
  pass(2s, {});
  REQUIRE(commands->runs.size() == 2);
  commands->runs[1].over(0, "");
  settle();
  restart(); // what was tried is in the store: it does not begin anew
  pass(limits::lease + 2 * limits::ladder_wait_agent + 2s, {});
  REQUIRE(commands->runs.size() == 3);
  CHECK(commands->runs[2].command == "reboot-it");
  commands->runs[2].over(0, "");
  settle();
  CHECK(view_of("h1").record.ladder.note.find("reboot, try 1") != std::string::npos);
  join("h1");
  CHECK(view_of("h1").record.ladder.rung == ladder_rung::none);
  CHECK(view_of("h1").state == host_state::up); // no canary could prove it
  pass(5s, {});
  CHECK(commands->runs.size() == 3);
}

TEST_CASE_METHOD(ladder_fixture, "healing: who was brought back must pass a canary first") {
  auto canary = core::recipe_of({core::step("prove")});
  canary.name = "canary";
  canary.canary = true;
  settings.config.builders.push_back(canary);
  restart();
  join("h1");
  pass(limits::lease + limits::ladder_first + 3s, {});
  REQUIRE(commands->runs.size() == 1);
  commands->runs[0].over(0, "");
  auto h1 = join("h1");
  auto id = submit_one();
  pass(2s, {&h1});
  auto work = h1.heard.all<assignment>();
  REQUIRE(work.size() == 1);
  CHECK(work[0].builder == "canary");
  CHECK(view_of("h1").state == host_state::quarantined);
  finish(h1);
  CHECK(view_of("h1").state == host_state::up);
  CHECK(h1.heard.all<assignment>().back().token.attempt.build == id);
}

TEST_CASE_METHOD(ladder_fixture, "healing: what does not come back is given up and told") {
  join("h1");
  for (int i = 0; i < 40 && journal(event_kind::host_quarantined).empty(); ++i) {
    pass(30s, {});
    for (auto& run : commands->runs)
      if (auto over = std::exchange(run.over, {}))
        over(0, "");
  }
  CHECK(commands->runs.size() == 4); // agent twice, reboot twice
  REQUIRE(journal(event_kind::host_quarantined).size() == 1);
  CHECK(view_of("h1").record.ladder.rung == ladder_rung::given_up);
  pass(60s, {});
  CHECK(commands->runs.size() == 4);
  join("h1"); // it comes back after all, and nothing could prove it
  CHECK(view_of("h1").state == host_state::up);
  CHECK(journal(event_kind::host_released).size() == 1);
}

TEST_CASE_METHOD(ladder_fixture, "healing: a host that a person took out is left alone") {
  join("h1");
  host_order drain{{"h1"}, host_action::drain, "ann", "new disk", 0ms};
  REQUIRE(ask<expected<accepted>>(farm.coordinator, drain).ready());
  pass(limits::lease + limits::ladder_first + 10s, {});
  CHECK(commands->runs.empty());
}

TEST_CASE_METHOD(healing_fixture, "healing: on-demand hosts come for work and go when idle") {
  host_spec spec;
  spec.name = "h1";
  spec.slots = 1;
  spec.start_command = "start-it";
  spec.stop_command = "stop-it";
  spec.idle = 20s;
  settings.config.hosts = {spec};
  restart();
  pass(3s, {});
  CHECK(commands->runs.empty());
  submit_one();
  pass(2s, {});
  REQUIRE(commands->runs.size() == 1);
  CHECK(commands->runs[0].command == "start-it");
  commands->runs[0].over(0, "");
  auto h1 = join("h1");
  finish(h1);
  pass(15s, {&h1});
  CHECK(commands->runs.size() == 1);
  pass(10s, {&h1});
  REQUIRE(commands->runs.size() == 2);
  CHECK(commands->runs[1].command == "stop-it");
  commands->runs[1].over(0, "");
  pass(limits::lease + 30s, {});
  CHECK(commands->runs.size() == 2);
}

// -- health --------------------------------------------------------------------------------------

TEST_CASE_METHOD(healing_fixture, "healing: a host that is unwell gets no work until it is well") {
  auto h1 = join("h1");
  say(h1, host_news_told{{{"os", "linux"}}, "only 3 MiB of disk are free"});
  auto id = submit_one();
  CHECK(h1.heard.all<assignment>().empty());
  CHECK(view_of("h1").state == host_state::draining);
  CHECK(view_of("h1").reason.find("3 MiB") != std::string::npos);
  auto why = ask<std::vector<waiting_view>>(farm.coordinator, waiting_query{{id}});
  CHECK(why.get()->at(0).evidence.at(0).find("3 MiB") != std::string::npos);
  say(h1, host_news_told{{{"os", "linux"}}, ""});
  CHECK(h1.heard.all<assignment>().size() == 1);
}

TEST_CASE_METHOD(healing_fixture, "healing: what a host does not take when unwell runs elsewhere") {
  auto h1 = join("h1");
  auto id = submit_one();
  REQUIRE(h1.heard.all<assignment>().size() == 1);
  auto token = h1.heard.all<assignment>()[0].token;
  auto h2 = join("h2");
  say(h1, host_news_told{{{"os", "linux"}}, "it can't keep attempts: disk full"});
  attempt_ended refused{token, result::exception, {}, "it can't be kept", false, 0, {}, {1}, {}};
  say(h1, refused);
  auto again = h2.heard.all<assignment>();
  REQUIRE(again.size() == 1);
  CHECK(again[0].token.attempt.build == id);
  CHECK(again[0].token.attempt.attempt.value == 2);
  say(h1, refused); // once more, as after an order that was said twice
  CHECK(h2.heard.all<assignment>().size() == 1);
}

TEST_CASE_METHOD(healing_fixture, "healing: a person's hold is not ended by good health") {
  auto h1 = join("h1");
  host_order drain{{"h1"}, host_action::drain, "ann", "new disk", 0ms};
  REQUIRE(ask<expected<accepted>>(farm.coordinator, drain).ready());
  say(h1, host_news_told{{}, "only 3 MiB of disk are free"});
  say(h1, host_news_told{{}, ""});
  CHECK(view_of("h1").record.hold.kind == hold_kind::drain);
}
