// SPDX-License-Identifier: Apache-2.0
#include "schema/limits.hpp"
#include "tests/catch.hpp"
#include "tests/core/make.hpp"

using namespace drover;
using namespace drover::core;

namespace {

build_file placed_build(std::vector<step_spec> steps) {
  auto file = queued_build(std::move(steps));
  apply_placed(file, {"h1"}, {50});
  return file;
}

/// Runs the next step to an end.
void run_step(build_file& file, result outcome, std::string reason = {}) {
  auto token = grant_next(file);
  REQUIRE(apply_started(file, token, {110}));
  REQUIRE(apply_ended(file, ended(token, outcome, std::move(reason))) == verdict::accepted);
  settle_skipped(file);
}

finish_build finish(build_file& file) {
  REQUIRE(std::holds_alternative<close_workspace>(decide_next(file)));
  apply_closed(file, {file.build.id, file.build.placement, {}, {}});
  return std::get<finish_build>(decide_next(file));
}

/// Passes the next step; its host says whether $DROVER_OUT was empty then.
void pass_step(build_file& file, bool out_empty) {
  auto report = ended(grant_next(file), result::success);
  report.out_empty = out_empty;
  REQUIRE(apply_ended(file, report) == verdict::accepted);
}

bool waits_for_workspace(const build_file& file) {
  return std::holds_alternative<close_workspace>(decide_next(file));
}

} // namespace

TEST_CASE("progress: a fresh build needs a host") {
  CHECK(std::holds_alternative<need_host>(decide_next(queued_build({step("build")}))));
}

TEST_CASE("progress: steps run one after the other, then the workspace is closed") {
  auto file = placed_build({step("build"), step("test")});
  auto token = grant_next(file);
  CHECK(std::holds_alternative<wait_for_attempt>(decide_next(file)));
  CHECK(apply_ended(file, ended(token, result::success)) == verdict::accepted);
  run_step(file, result::success);
  auto end = finish(file);
  CHECK(end.outcome == result::success);
  CHECK(end.reason == "all steps passed on h1");
}

TEST_CASE("progress: a build that passed waits for its workspace only if that may hold something") {
  auto bare = placed_build({step("build")});
  pass_step(bare, true);
  CHECK(std::get<finish_build>(decide_next(bare)).outcome == result::success);

  auto unknown = placed_build({step("build")}); // a host of an earlier version does not say
  pass_step(unknown, false);
  CHECK(waits_for_workspace(unknown));

  auto with_artifacts = placed_build({step("build")});
  with_artifacts.recipe.artifacts = {"*.deb"};
  pass_step(with_artifacts, true);
  CHECK(waits_for_workspace(with_artifacts));

  auto with_reports = placed_build({step("test")});
  with_reports.recipe.steps[0].tests = {"report.xml"};
  pass_step(with_reports, true);
  CHECK(waits_for_workspace(with_reports));

  auto failed = placed_build({step("build")}); // its host keeps what is left for people
  run_step(failed, result::failure, "exit code 2");
  CHECK(waits_for_workspace(failed));
}

TEST_CASE("progress: whether $DROVER_OUT is empty is said by the last step, where the build is") {
  auto late = placed_build({step("build"), step("pack")});
  pass_step(late, true);
  pass_step(late, false);
  CHECK(waits_for_workspace(late));

  auto elsewhere = placed_build({step("build")});
  pass_step(elsewhere, true);
  elsewhere.build.placement = 2;
  CHECK(waits_for_workspace(elsewhere));
}

TEST_CASE("progress: a failed step skips the later ones but those that always run") {
  auto file = placed_build({step("build"), step("test"), always("clean")});
  run_step(file, result::failure, "exit code 2");
  CHECK(file.steps[1].outcome == result::skipped);
  CHECK(file.steps[1].reason == "not run: step 'build' ended with failure");
  CHECK(std::get<grant_step>(decide_next(file)).step == step_index{2});
  run_step(file, result::success);
  auto end = finish(file);
  CHECK(end.outcome == result::failure);
  CHECK(end.reason == "step 'build' failed on h1 with exit code 2");
}

TEST_CASE("progress: a step that only warns lets the build go on") {
  auto file = placed_build({warn_only("lint"), step("test")});
  run_step(file, result::failure, "exit code 2");
  run_step(file, result::success);
  auto end = finish(file);
  CHECK(end.outcome == result::warnings);
  CHECK(end.reason == "step 'lint', which only warns, failed on h1 with exit code 2");
}

TEST_CASE("progress: a result is accepted once") {
  auto file = placed_build({step("build")});
  auto token = grant_next(file);
  CHECK(apply_ended(file, ended(token, result::success)) == verdict::accepted);
  CHECK(apply_ended(file, ended(token, result::failure)) == verdict::duplicate);
  CHECK(file.steps[0].outcome == result::success);
}

TEST_CASE("progress: a token that was never granted changes nothing") {
  auto file = placed_build({step("build")});
  auto token = grant_next(file);
  auto before = file;
  auto other_epoch = token;
  other_epoch.granted_in.incarnation = 43;
  auto other_attempt = token;
  other_attempt.attempt.attempt = {2};
  auto other_step = token;
  other_step.attempt.step = {9};
  for (const auto& forged : {other_epoch, other_attempt, other_step})
    CHECK(apply_ended(file, ended(forged, result::success)) == verdict::unknown);
  CHECK(file == before);
}

TEST_CASE("progress: a step whose keeper was lost runs once more, and the build says so") {
  auto file = placed_build({step("build")});
  auto token = grant_next(file);
  CHECK(apply_ended(file, keeper_lost(token)) == verdict::recorded);
  run_step(file, result::success);
  CHECK(file.steps[0].accepted == attempt_number{2});
  auto end = finish(file);
  CHECK(end.outcome == result::success);
  CHECK(
    end.reason
    == "its step passed on h1; step 'build' ran again after attempt 1 on h1 ended: keeper lost");
}

TEST_CASE("progress: a step whose keeper is lost again and again ends with exception") {
  auto file = placed_build({step("build")});
  CHECK(apply_ended(file, keeper_lost(grant_next(file))) == verdict::recorded);
  CHECK(apply_ended(file, keeper_lost(grant_next(file))) == verdict::accepted);
  CHECK(finish(file).outcome == result::exception);
}

TEST_CASE("progress: a lost host sends the build elsewhere, where what had passed is repeated") {
  auto file = placed_build({step("build"), step("test")});
  run_step(file, result::success);
  auto lost = grant_next(file);
  CHECK(apply_lost(file, lost, "h1 is silent", {200}));
  CHECK(std::holds_alternative<need_host>(decide_next(file)));
  apply_placed(file, {"h2"}, {300});
  auto repeat = std::get<grant_step>(decide_next(file));
  CHECK(repeat == grant_step{{0}, attempt_role::repeats});
  auto token = grant_next(file);
  CHECK(apply_ended(file, ended(token, result::success)) == verdict::recorded);
  CHECK(file.steps[0].accepted == attempt_number{1});
  CHECK(std::get<grant_step>(decide_next(file)) == grant_step{{1}, attempt_role::counts});
  run_step(file, result::success);
  CHECK(finish(file).outcome == result::success);
}

TEST_CASE("progress: the last step's success needs no repeat anywhere") {
  auto file = placed_build({step("build")});
  auto token = grant_next(file);
  CHECK(apply_lost(file, token, "h1 is silent", {200}));
  CHECK(apply_ended(file, ended(token, result::success)) == verdict::accepted);
  CHECK(std::get<finish_build>(decide_next(file)).outcome == result::success);
}

TEST_CASE("progress: a late result is evidence when another stands") {
  auto file = placed_build({step("build")});
  auto lost = grant_next(file);
  apply_lost(file, lost, "h1 is silent", {200});
  apply_placed(file, {"h2"}, {300});
  run_step(file, result::success);
  CHECK(apply_ended(file, ended(lost, result::failure, "exit code 2")) == verdict::evidence);
  CHECK(file.steps[0].outcome == result::success);
  CHECK(file.steps[0].attempts[0].outcome == result::host_lost);
  CHECK(file.steps[0].attempts[0].reason
        == "h1 is silent; reported too late: failure, exit code 2");
}

TEST_CASE("progress: a lost attempt's late complaint does not become the result") {
  auto file = placed_build({step("build")});
  auto lost = grant_next(file);
  apply_lost(file, lost, "h1 is silent", {200});
  CHECK(apply_ended(file, ended(lost, result::cancelled)) == verdict::evidence);
  CHECK(std::holds_alternative<need_host>(decide_next(file)));
}

TEST_CASE("progress: a step that fails where it is repeated ends the build as an exception") {
  auto file = placed_build({step("build"), step("test")});
  run_step(file, result::success);
  apply_lost(file, grant_next(file), "h1 is silent", {200});
  apply_placed(file, {"h2"}, {300});
  auto token = grant_next(file);
  CHECK(apply_ended(file, ended(token, result::failure, "exit code 2")) == verdict::recorded);
  settle_skipped(file);
  auto end = finish(file);
  CHECK(end.outcome == result::exception);
  CHECK(end.reason.find("step 'build' had passed, but failed on h2") != std::string::npos);
}

TEST_CASE("progress: a build whose host is lost again and again ends as host_lost") {
  auto file = queued_build({step("build")});
  for (uint32_t i = 0; i < limits::placements_max; ++i) {
    apply_placed(file, {"h1"}, {50});
    apply_lost(file, grant_next(file), "it is silent", {200});
  }
  auto end = std::get<finish_build>(decide_next(file));
  CHECK(end.outcome == result::host_lost);
}

TEST_CASE("progress: cancelling a queued build ends it") {
  auto file = queued_build({step("build"), always("clean")});
  CHECK(apply_cancel(file, "cancelled by ada"));
  settle_skipped(file);
  auto end = std::get<finish_build>(decide_next(file));
  CHECK(end == finish_build{result::cancelled, "cancelled by ada"});
  CHECK_FALSE(apply_cancel(file, "again"));
}

TEST_CASE("progress: cancelling a running build ends its attempt, and clean-up still runs") {
  auto file = placed_build({step("build"), step("test"), always("clean")});
  auto token = grant_next(file);
  CHECK(apply_cancel(file, "cancelled by ada"));
  settle_skipped(file);
  CHECK(file.steps[1].outcome == result::skipped);
  CHECK(apply_ended(file, ended(token, result::cancelled, "cancelled by ada"))
        == verdict::accepted);
  run_step(file, result::success);
  CHECK(finish(file).outcome == result::cancelled);
}

TEST_CASE("progress: a success that races a cancellation stands") {
  auto file = placed_build({step("build")});
  auto token = grant_next(file);
  CHECK(apply_cancel(file, "cancelled by ada"));
  CHECK(apply_ended(file, ended(token, result::success)) == verdict::accepted);
  CHECK(finish(file).outcome == result::success);
}

TEST_CASE("progress: missing artifacts turn a success into warnings, and say why") {
  auto file = placed_build({step("build")});
  run_step(file, result::success);
  apply_closed(file, {file.build.id, 1, {}, "the disk is full"});
  apply_finished(file, std::get<finish_build>(decide_next(file)), {900});
  CHECK(file.build.outcome == result::warnings);
  CHECK(file.build.reason == "its step passed on h1; artifacts: the disk is full");
}

TEST_CASE("progress: nothing ends before it began, though clocks are set back") {
  auto file = queued_build({step("build"), step("test")});
  apply_placed(file, {"h1"}, {5000});
  auto report = ended(grant_next(file), result::success);
  report.started_at = {5100};
  report.finished_at = {1000};
  apply_ended(file, report);
  CHECK(file.steps[0].attempts[0].finished_at.ms == 5100);
  auto second = grant_next(file);
  apply_started(file, second, {9000});
  apply_lost(file, second, "h1 is silent", {1000});
  CHECK(file.steps[1].attempts[0].finished_at.ms == 9000);
  apply_finished(file, {result::failure, "why"}, {1000});
  CHECK(file.build.finished_at.ms == 5000);
}
