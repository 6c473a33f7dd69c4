// SPDX-License-Identifier: Apache-2.0
#include "actors/core/hedge.hpp"
#include "actors/core/poison.hpp"
#include "tests/catch.hpp"
#include "tests/core/make.hpp"

using namespace drover;
using namespace drover::core;

namespace {

/// Three steps; the first has passed on h1, the second runs there.
struct race {
  race() {
    file = queued_build({step("configure"), step("build"), step("test")});
    apply_placed(file, {"h1"}, {100});
    apply_ended(file, ended(grant_next(file), result::success));
    own = grant_next(file);
    apply_started(file, own, {150});
  }

  grant_token hedge(const char* host = "h2") {
    REQUIRE(why_no_hedge(file).empty());
    return apply_hedged(file, {host}, first_epoch, {200});
  }

  /// The hedge repeats the first step and begins the second.
  grant_token hedge_up_to_the_race() {
    apply_ended(file, ended(hedge(), result::success));
    auto next = next_of_hedge(file);
    REQUIRE(next);
    return apply_hedge_grant(file, *next, first_epoch, {210});
  }

  const attempt_record& attempt(const grant_token& token) { return *find_attempt(file, token); }

  build_file file;
  grant_token own;
};

} // namespace

TEST_CASE("hedge: the second seat repeats what has passed, then runs what is waited for") {
  race r;
  auto first = r.hedge();
  CHECK(first.attempt.step.value == 0);
  CHECK(r.attempt(first).role == attempt_role::repeats);
  CHECK(r.attempt(first).hedge);
  CHECK(r.attempt(first).placement == 2);
  CHECK(r.file.build.placement == 1);
  CHECK_FALSE(next_of_hedge(r.file));
  apply_ended(r.file, ended(first, result::success));
  CHECK(open_hedge(r.file));
  auto next = next_of_hedge(r.file);
  REQUIRE(next);
  CHECK(*next == grant_step{{1}, attempt_role::counts});
  CHECK(r.file.steps[0].accepted.value == 1);
}

TEST_CASE("hedge: the second attempt is first and the build goes on there") {
  race r;
  auto second = r.hedge_up_to_the_race();
  auto before = r.file;
  CHECK(apply_ended(r.file, ended(second, result::success)) == verdict::accepted);
  CHECK(r.file.build.host.value == "h2");
  CHECK(r.file.build.placement == 2);
  CHECK(r.attempt(r.own).state == attempt_state::lost);
  CHECK(r.attempt(r.own).outcome == result::cancelled);
  CHECK(given_up(before, r.file) == std::vector{r.own});
  CHECK_FALSE(open_hedge(r.file));
  CHECK(std::get<grant_step>(decide_next(r.file)) == grant_step{{2}, attempt_role::counts});
}

TEST_CASE("hedge: the silent host comes back first and the build stays") {
  race r;
  auto second = r.hedge_up_to_the_race();
  CHECK(apply_ended(r.file, ended(r.own, result::success)) == verdict::accepted);
  CHECK(r.file.build.host.value == "h1");
  CHECK(r.file.build.placement == 1);
  CHECK(r.attempt(second).outcome == result::cancelled);
  CHECK_FALSE(open_hedge(r.file));
  // What the loser reports is kept and changes nothing.
  CHECK(apply_ended(r.file, ended(second, result::failure)) == verdict::evidence);
  CHECK(r.file.steps[1].outcome == result::success);
  CHECK(r.attempt(second).reason.find("reported too late: failure") != std::string::npos);
}

TEST_CASE("hedge: no result is accepted twice whoever is first") {
  for (bool own_first : {true, false}) {
    race r;
    auto second = r.hedge_up_to_the_race();
    apply_ended(r.file, ended(own_first ? r.own : second, result::success));
    auto accepted = r.file.steps[1].accepted;
    CHECK(apply_ended(r.file, ended(own_first ? second : r.own, result::success))
          == verdict::evidence);
    CHECK(r.file.steps[1].accepted == accepted);
  }
}

TEST_CASE("hedge: when the silent host is lost the second attempt simply stays") {
  race r;
  auto second = r.hedge_up_to_the_race();
  CHECK(apply_lost(r.file, r.own, "h1 has been silent", {300}));
  CHECK(r.file.build.host.value == "h2");
  CHECK(r.file.build.state == build_state::running);
  CHECK(std::get<wait_for_attempt>(decide_next(r.file)).attempt == second.attempt.attempt);
  apply_ended(r.file, ended(second, result::success));
  CHECK(r.file.steps[1].outcome == result::success);
}

TEST_CASE("hedge: it is lost itself and nothing else changes") {
  race r;
  auto first = r.hedge();
  CHECK(apply_lost(r.file, first, "h2 has been silent", {300}));
  CHECK_FALSE(open_hedge(r.file));
  CHECK(r.file.build.state == build_state::running);
  CHECK(std::get<wait_for_attempt>(decide_next(r.file)).attempt == r.own.attempt.attempt);
  apply_ended(r.file, ended(r.own, result::success));
  CHECK(r.file.steps[1].outcome == result::success);
}

TEST_CASE("hedge: a late result of a lost second attempt stands, but nothing moves to its host") {
  race r;
  auto second = r.hedge_up_to_the_race();
  auto with_many = [](const char* why) { return why + std::string{lost_with_many}; };
  apply_lost(r.file, second, with_many("h2 fell silent"), {300});
  SECTION("while the build goes on where it was") {
    CHECK(apply_ended(r.file, ended(second, result::success)) == verdict::accepted);
    CHECK(r.file.build.host.value == "h1");
    CHECK(r.attempt(r.own).state == attempt_state::running);
    CHECK(std::get<wait_for_attempt>(decide_next(r.file)).step.value == 1);
  }
  SECTION("while the build waits for a host") {
    apply_lost(r.file, r.own, with_many("h1 is gone"), {310});
    CHECK(apply_ended(r.file, ended(second, result::success)) == verdict::accepted);
    CHECK(r.file.build.state == build_state::waiting);
    CHECK(std::holds_alternative<need_host>(decide_next(r.file)));
  }
  CHECK(r.file.steps[1].outcome == result::success);
  CHECK(r.file.build.placement == 1);
}

TEST_CASE("hedge: a fault of its host or of a repeat ends it without a verdict") {
  race r;
  auto report = GENERATE(result::exception, result::failure);
  auto first = r.hedge();
  CHECK(apply_ended(r.file, ended(first, report, "no disk")) == verdict::recorded);
  CHECK_FALSE(open_hedge(r.file));
  CHECK_FALSE(next_of_hedge(r.file));
  CHECK(r.file.steps[1].state == step_state::running);
}

TEST_CASE("hedge: a failure of the step itself is a result like any other") {
  race r;
  auto second = r.hedge_up_to_the_race();
  CHECK(apply_ended(r.file, ended(second, result::failure)) == verdict::accepted);
  CHECK(r.file.steps[1].outcome == result::failure);
}

TEST_CASE("hedge: one for each step, and none where it may not be") {
  SECTION("never two") {
    race r;
    r.hedge();
    CHECK_FALSE(why_no_hedge(r.file).empty());
  }
  SECTION("not again after it was lost") {
    race r;
    apply_lost(r.file, r.hedge(), "gone", {300});
    CHECK_FALSE(why_no_hedge(r.file).empty());
  }
  SECTION("again for a later step") {
    race r;
    auto second = r.hedge_up_to_the_race();
    apply_ended(r.file, ended(r.own, result::success));
    auto next = std::get<grant_step>(decide_next(r.file));
    apply_grant(r.file, next, first_epoch, {400});
    CHECK(why_no_hedge(r.file).empty());
    CHECK(find_attempt(r.file, apply_hedged(r.file, {"h3"}, first_epoch, {500}))->placement == 3);
    CHECK(find_attempt(r.file, second)->placement == 2);
  }
  SECTION("exclusive steps") {
    race r;
    r.file.recipe.steps[1].exclusive = true;
    CHECK(why_no_hedge(r.file).find("exclusive") != std::string::npos);
  }
  SECTION("bound to a host") {
    race r;
    r.file.build.pinned = {"h1"};
    CHECK(why_no_hedge(r.file).find("h1") != std::string::npos);
  }
  SECTION("cancelled") {
    race r;
    apply_cancel(r.file, "cancelled by ann");
    CHECK_FALSE(why_no_hedge(r.file).empty());
  }
}

TEST_CASE("hedge: a host that was lost under an earlier step may take the second attempt") {
  auto file = queued_build({step("configure"), step("build")});
  apply_placed(file, {"h2"}, {100});
  apply_started(file, grant_next(file), {105});
  apply_lost(file, {first_epoch, {file.build.id, {0}, 1}}, "h2 is gone", {110});
  apply_placed(file, {"h1"}, {120});
  apply_ended(file, ended(grant_next(file), result::success));
  apply_started(file, grant_next(file), {150});
  REQUIRE(why_no_hedge(file).empty());
  host_offer silent{{"h1"}, host_state::suspect, "it is silent", 1, 1, {}};
  host_offer back{{"h2"}, host_state::up, "", 1, 0, {}};
  auto wish = wish_of_hedge(file);
  auto found = place_builds({&wish}, {silent, back});
  REQUIRE(found.size() == 1);
  CHECK(found.front().host == back.name);
}

TEST_CASE("hedge: a placement's number is never used again") {
  race r;
  auto first = r.hedge();
  apply_lost(r.file, first, "gone", {300});
  apply_lost(r.file, r.own, "gone too", {310});
  CHECK(std::holds_alternative<need_host>(decide_next(r.file)));
  apply_placed(r.file, {"h3"}, {320});
  CHECK(r.file.build.placement == 3);
}

TEST_CASE("poison: a step under which two different hosts were lost is not tried again") {
  auto file = queued_build({step("build"), always("report")});
  for (const auto* host : {"h1", "h2"}) {
    CHECK(poison_sentence(file).empty());
    apply_placed(file, {host}, {100});
    apply_lost(file, grant_next(file), std::string{host} + " has been silent", {200});
  }
  auto sentence = poison_sentence(file);
  CHECK(sentence.find("h1 and h2") != std::string::npos);
  settle_skipped(file);
  auto end = std::get<finish_build>(decide_next(file)); // not even `always` steps need a host
  CHECK(end.outcome == result::exception);
  CHECK(end.reason.find("h1 and h2") != std::string::npos);
}

TEST_CASE("poison: the same host twice, or losses among many, prove nothing") {
  auto file = queued_build({step("build")});
  auto why = GENERATE(std::string{"h1 has been silent"}, std::string{lost_with_many});
  for (int i = 0; i < 2; ++i) {
    auto host = why == lost_with_many ? "h" + std::to_string(i) : std::string{"h1"};
    apply_placed(file, {host}, {100});
    apply_lost(file, grant_next(file), why, {200});
  }
  CHECK(poison_sentence(file).empty());
  CHECK(std::holds_alternative<need_host>(decide_next(file)));
}

TEST_CASE("poison: no third host is risked while the second one's silence may be the proof") {
  race r;
  auto second = r.hedge_up_to_the_race();
  CHECK(apply_lost(r.file, r.own, "h1 has been silent", {300}));
  auto why = why_no_hedge(r.file); // h2 is silent now as well
  CHECK(why.find("h1 was lost under step 'build'") != std::string::npos);
  CHECK(apply_lost(r.file, second, "h2 has been silent", {400}));
  CHECK(poison_sentence(r.file).find("h1 and h2") != std::string::npos);
}

TEST_CASE("poison: a host that comes back without its keeper was killed all the same") {
  auto file = queued_build({step("build")});
  apply_placed(file, {"h1"}, {100});
  auto first = grant_next(file);
  apply_lost(file, first, "h1 is silent", {200});
  apply_placed(file, {"h2"}, {300});
  auto second = grant_next(file);
  apply_ended(file, keeper_lost(first));
  apply_lost(file, second, "h2 is silent", {400});
  CHECK(poison_sentence(file).find("h1 and h2") != std::string::npos);

  // One that had gone on and reports its end too late was not.
  auto well = queued_build({step("build")});
  apply_placed(well, {"h1"}, {100});
  first = grant_next(well);
  apply_lost(well, first, "h1 is silent", {200});
  apply_ended(well, ended(first, result::cancelled));
  CHECK(hosts_killed(well.steps[0]).empty());
}
