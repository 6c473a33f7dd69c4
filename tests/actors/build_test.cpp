// SPDX-License-Identifier: Apache-2.0
#include "actors/build.hpp"
#include "tests/actors/farm_fixture.hpp"
#include "tests/core/make.hpp"

using namespace drover;
using namespace drover::test;
using core::ended;

namespace {

/// A build of two steps, "configure" and "test", with number 7.
struct build_fixture : farm_fixture {
  struct neighbour {
    notebook told;
    host_supervisor_actor supervisor;
  };

  build_fixture() {
    file.recipe.artifacts = {"*.deb"};
    storage::write_batch batch;
    storage::put_build(batch, file.build);
    storage::put_recipe(batch, file.build.id, file.recipe);
    for (const auto& step : file.steps)
      storage::put_step(batch, file.build.id, step);
    if (store->commit(batch, storage::durability::synced))
      throw std::logic_error{"the store in memory refuses"};
    for (auto* host : {&h1, &h2})
      host->supervisor = spawn_scribe<host_supervisor_actor>(host->told);
    uut = spawn_build(file, {});
  }

  build_actor spawn_build(const build_file& known, const host_supervisor_actor& at) {
    build_context context{settings.now, settings.clock, recorder,
                          spawn_scribe<log_sink_actor>(logs), farm};
    return keep(system.spawn(build, context, known, build_seats{at, {}}));
  }

  void place(const char* name, const neighbour& host) {
    tell(uut, placed{{name}, host.supervisor});
  }

  void report(const neighbour& from, const attempt_ended& said) {
    speak(from.supervisor, uut, said);
  }

  /// Both steps pass on `host`.
  void pass_all(const neighbour& host) {
    report(host, ended(token_of(7, 0), result::success));
    report(host, ended(token_of(7, 1), result::success));
  }

  build_file stored() const {
    store->crash(); // only what is durable counts
    auto found = storage::read_build_file(*store, {7});
    REQUIRE(found);
    REQUIRE(*found);
    return **found;
  }

  std::vector<grant_token> ordered(const neighbour& host) const {
    std::vector<grant_token> tokens;
    for (const auto& one : host.told.all<grant_order>())
      tokens.push_back(one.work.token);
    return tokens;
  }

  void lose_h1(const std::string& why = "h1 has been silent") {
    speak(h1.supervisor, uut, attempt_lost{token_of(7, 1), {"h1"}, why});
  }

  notebook logs, coordinator;
  neighbour h1, h2;
  recorder_actor recorder = spawn_held_recorder();
  coordinator_actor farm = spawn_scribe<coordinator_actor>(coordinator);
  build_file file = core::queued_build({core::step("configure"), core::step("test")});
  build_actor uut;
};

using tokens = std::vector<grant_token>;

} // namespace

TEST_CASE_METHOD(build_fixture, "build: the order leaves only once the grant is durable") {
  disk->open = false;
  place("h1", h1);
  CHECK(disk->queue.size() == 1);
  CHECK(ordered(h1).empty());
  CHECK(stored().steps[0].attempts.empty());
  release(recorder);
  CHECK(ordered(h1) == tokens{token_of(7, 0)});
  REQUIRE(stored().steps[0].attempts.size() == 1);
  CHECK(stored().steps[0].attempts[0].host.value == "h1");
  CHECK(stored().build.placement == 1);
}

TEST_CASE_METHOD(build_fixture, "build: a result is confirmed only once it is durable") {
  place("h1", h1);
  disk->open = false;
  report(h1, ended(token_of(7, 0), result::success));
  report(h1, ended(token_of(7, 0), result::success)); // said again: must not overtake the first
  CHECK(h1.told.all<grant_over>().empty());
  CHECK(ordered(h1).size() == 1);
  release(recorder);
  CHECK(h1.told.all<grant_over>().size() == 2);
  CHECK(ordered(h1) == tokens{token_of(7, 0), token_of(7, 1)});
  CHECK(stored().steps[0].outcome == result::success);
  CHECK(stored().steps[0].attempts.size() == 1);
}

TEST_CASE_METHOD(build_fixture, "build: a result is accepted once") {
  place("h1", h1);
  report(h1, ended(token_of(7, 0), result::success));
  auto before = stored();
  report(h1, ended(token_of(7, 0), result::failure));
  CHECK(stored() == before);
  CHECK(h1.told.all<grant_over>().size() == 2); // so that the host can forget it
}

TEST_CASE_METHOD(build_fixture, "build: a result under a token that was never granted is nothing") {
  place("h1", h1);
  auto before = stored();
  auto forged = token_of(7, 0);
  forged.granted_in = {3, 78};
  report(h1, ended(forged, result::success));
  report(h1, ended(token_of(7, 1), result::success));
  report(h1, ended(token_of(7, 9), result::success));
  CHECK(stored() == before);
  CHECK(ordered(h1) == tokens{token_of(7, 0)});
}

TEST_CASE_METHOD(build_fixture,
                 "build: the log of an ended attempt is sealed, once it is durable") {
  place("h1", h1);
  disk->open = false;
  report(h1, ended(token_of(7, 0), result::success));
  CHECK(logs.all<attempt_id>().empty());
  release(recorder);
  CHECK(logs.all<attempt_id>() == std::vector<attempt_id>{token_of(7, 0).attempt});
}

TEST_CASE_METHOD(build_fixture, "build: a start is recorded") {
  place("h1", h1);
  speak(h1.supervisor, uut, attempt_started{token_of(7, 0), {4000}});
  CHECK(stored().steps[0].state == step_state::running);
  CHECK(stored().steps[0].attempts[0].started_at.ms == 4000);
}

TEST_CASE_METHOD(build_fixture, "build: artifacts are recorded, then the build is over") {
  place("h1", h1);
  pass_all(h1);
  REQUIRE(h1.told.all<close_build>().size() == 1);
  auto order = h1.told.all<close_build>()[0];
  CHECK(order.keep_artifacts);
  CHECK(order.globs == std::vector<std::string>{"*.deb"});
  CHECK(coordinator.all<build_over>().empty());
  disk->open = false;
  speak(h1.supervisor, uut, build_closed{{7}, 1, {{"a.deb", "sha", 3}}, ""});
  CHECK(coordinator.all<build_over>().empty());
  CHECK(h1.told.all<build_id>().empty());
  disk->open = true;
  release(recorder);
  CHECK(stored().build.state == build_state::finished);
  CHECK(stored().build.outcome == result::success);
  REQUIRE(stored().build.artifacts.size() == 1);
  CHECK(stored().build.artifacts[0].path == "a.deb");
  CHECK(coordinator.all<build_over>().size() == 1);
  CHECK(h1.told.all<build_id>() == std::vector<build_id>{{7}}); // no answer is awaited any more
  CHECK(ask<actor_entry>(uut, atom::describe::value).failed());
}

TEST_CASE_METHOD(
  build_fixture,
  "build: with nothing to hand over it is over as soon as its last step is durable") {
  file.recipe.artifacts.clear();
  uut = spawn_build(file, {});
  place("h1", h1);
  report(h1, ended(token_of(7, 0), result::success));
  disk->open = false;
  auto last = ended(token_of(7, 1), result::success);
  last.out_empty = true;
  report(h1, last);
  CHECK(h1.told.all<close_build>().empty());
  CHECK(coordinator.all<build_over>().empty());
  release(recorder);
  CHECK(stored().build.state == build_state::finished);
  CHECK(stored().build.outcome == result::success);
  CHECK(coordinator.all<build_over>().size() == 1);
  CHECK(h1.told.all<grant_over>().size() == 2);
  REQUIRE(h1.told.all<close_build>().size() == 1);
  CHECK_FALSE(h1.told.all<close_build>()[0].keep_artifacts); // nobody waits for the answer
  CHECK(h1.told.all<close_build>()[0].placement == 1);
  CHECK(ask<actor_entry>(uut, atom::describe::value).failed());
}

TEST_CASE_METHOD(build_fixture, "build: the answer to another placement's close is not taken") {
  place("h1", h1);
  pass_all(h1);
  speak(h1.supervisor, uut, build_closed{{7}, 2, {{"a.deb", "sha", 3}}, ""});
  CHECK(coordinator.all<build_over>().empty());
  CHECK(stored().build.artifacts.empty());
}

TEST_CASE_METHOD(build_fixture,
                 "build: after a failed step the rest is skipped, the outputs kept") {
  place("h1", h1);
  report(h1, ended(token_of(7, 0), result::failure, "exit code 2"));
  CHECK(ordered(h1).size() == 1);
  CHECK(h1.told.all<close_build>().size() == 1);
  CHECK(stored().steps[1].outcome == result::skipped);
  speak(h1.supervisor, uut, build_closed{{7}, 1, {}, ""});
  CHECK(stored().build.outcome == result::failure);
}

TEST_CASE_METHOD(build_fixture, "build: a lost host makes it homeless, once that is durable") {
  place("h1", h1);
  report(h1, ended(token_of(7, 0), result::success));
  disk->open = false;
  lose_h1();
  CHECK(coordinator.all<build_homeless>().empty());
  release(recorder);
  REQUIRE(coordinator.all<build_homeless>().size() == 1);
  CHECK(stored().steps[1].attempts[0].state == attempt_state::lost);
  REQUIRE(h1.told.all<close_build>().size() == 1);
  CHECK_FALSE(h1.told.all<close_build>()[0].keep_artifacts);
}

TEST_CASE_METHOD(build_fixture, "build: on its next host the passed step is repeated first") {
  place("h1", h1);
  report(h1, ended(token_of(7, 0), result::success));
  lose_h1();
  lose_h1(); // said again
  CHECK(coordinator.all<build_homeless>().size() == 1);
  place("h2", h2);
  CHECK(ordered(h2) == tokens{token_of(7, 0, 2)});
  CHECK(h2.told.all<grant_order>()[0].work.placement == 2);
  report(h2, ended(token_of(7, 0, 2), result::success));
  CHECK(ordered(h2) == tokens{token_of(7, 0, 2), token_of(7, 1, 2)});
  report(h2, ended(token_of(7, 1, 2), result::success));
  auto now = stored();
  CHECK(now.steps[0].accepted.value == 1); // what was accepted stays accepted
  CHECK(now.steps[0].attempts[1].role == attempt_role::repeats);
  CHECK(now.steps[1].accepted.value == 2);
  CHECK(h2.told.all<close_build>().size() == 1);
}

TEST_CASE_METHOD(build_fixture,
                 "build: a late result of an earlier placement is evidence, and closes that one") {
  place("h1", h1);
  report(h1, ended(token_of(7, 0), result::success));
  lose_h1();
  place("h2", h2);
  report(h2, ended(token_of(7, 0, 2), result::success));
  report(h2, ended(token_of(7, 1, 2), result::success));
  h1.told.clear();
  report(h1, ended(token_of(7, 1), result::failure));
  CHECK(h1.told.all<grant_over>().size() == 1);
  REQUIRE(h1.told.all<close_build>().size() == 1);
  CHECK(h1.told.all<close_build>()[0].placement == 1);
  CHECK_FALSE(h1.told.all<close_build>()[0].keep_artifacts);
  CHECK(stored().steps[1].outcome == result::success);
  CHECK(stored().steps[1].accepted.value == 2);
}

TEST_CASE_METHOD(build_fixture, "build: cancel reaches the running attempt once it is durable") {
  place("h1", h1);
  disk->open = false;
  auto answer = ask<expected<accepted>>(uut, cancel_build{{7}, "ann", "wrong branch"});
  CHECK_FALSE(answer.ready());
  CHECK(h1.told.all<cancel_attempt>().empty());
  disk->open = true;
  release(recorder);
  REQUIRE(h1.told.all<cancel_attempt>().size() == 1);
  CHECK(h1.told.all<cancel_attempt>()[0].token == token_of(7, 0));
  REQUIRE(*answer.get());
  CHECK((**answer.get()).text == "build 7 is being cancelled: step 'configure' is ended on h1");
  report(h1, ended(token_of(7, 0), result::cancelled, "cancelled by ann: wrong branch"));
  speak(h1.supervisor, uut, build_closed{{7}, 1, {}, ""});
  CHECK(stored().build.outcome == result::cancelled);
  CHECK(stored().steps[1].outcome == result::skipped);
}

TEST_CASE_METHOD(build_fixture, "build: it is cancelled once") {
  place("h1", h1);
  ask<expected<accepted>>(uut, cancel_build{{7}, "ann", ""});
  auto again = ask<expected<accepted>>(uut, cancel_build{{7}, "bob", ""});
  REQUIRE_FALSE(*again.get());
  CHECK(again.get()->error().code == ec::conflict);
  CHECK(h1.told.all<cancel_attempt>().size() == 1);
}

TEST_CASE_METHOD(build_fixture, "build: read back, it says its order again under the same token") {
  place("h1", h1);
  auto known = stored();
  crash(uut);
  h1.told.clear();
  auto commits = store->commits();
  uut = spawn_build(known, h1.supervisor);
  settle();
  CHECK(ordered(h1) == tokens{token_of(7, 0)});
  CHECK(store->commits() == commits);
  pass_all(h1);
  CHECK(h1.told.all<close_build>().size() == 1);
}

TEST_CASE_METHOD(build_fixture, "build: read back after a cancel, it says that again too") {
  place("h1", h1);
  ask<expected<accepted>>(uut, cancel_build{{7}, "ann", ""});
  auto known = stored();
  crash(uut);
  h1.told.clear();
  uut = spawn_build(known, h1.supervisor);
  settle();
  REQUIRE(h1.told.all<cancel_attempt>().size() == 1);
  CHECK(h1.told.all<cancel_attempt>()[0].token == token_of(7, 0));
}

TEST_CASE_METHOD(build_fixture,
                 "build: read back with all steps over, it asks for the artifacts again") {
  place("h1", h1);
  pass_all(h1);
  auto known = stored();
  crash(uut);
  h1.told.clear();
  uut = spawn_build(known, h1.supervisor);
  settle();
  CHECK(ordered(h1).empty());
  CHECK(h1.told.all<close_build>().size() == 1);
}

TEST_CASE_METHOD(build_fixture, "build: read back without a host, it asks for one") {
  place("h1", h1);
  report(h1, ended(token_of(7, 0), result::success));
  lose_h1();
  auto known = stored();
  crash(uut);
  coordinator.clear();
  uut = spawn_build(known, {});
  settle();
  CHECK(coordinator.all<build_homeless>().size() == 1);
}

TEST_CASE_METHOD(build_fixture,
                 "build: a stray attempt that is live gets its order, another is ended") {
  place("h1", h1);
  report(h1, ended(token_of(7, 0), result::success));
  h1.told.clear();
  speak(h1.supervisor, uut, stray_attempt{{"h1"}, {token_of(7, 1), known_state::running, 0}});
  CHECK(ordered(h1) == tokens{token_of(7, 1)});
  lose_h1();
  h1.told.clear();
  speak(h1.supervisor, uut, stray_attempt{{"h1"}, {token_of(7, 1), known_state::running, 0}});
  CHECK(ordered(h1).empty());
  CHECK(h1.told.all<cancel_attempt>().size() == 1);
}
