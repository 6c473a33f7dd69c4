// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/explain.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::http;

namespace {

attempt_record make_attempt(uint32_t number, attempt_state state) {
  attempt_record out;
  out.number = {number};
  out.host = {"h" + std::to_string(number)};
  out.state = state;
  out.granted_at = {1'769'860'800'000};
  if (state != attempt_state::granted)
    out.started_at = {1'769'860'801'000};
  if (state == attempt_state::finished)
    out.finished_at = {1'769'860'804'200};
  return out;
}

step_record make_step(uint32_t index, const std::string& name) {
  step_record out;
  out.index = {index};
  out.name = name;
  return out;
}

build_file make_build(build_state state, result outcome) {
  build_file out;
  out.build.id = {12};
  out.build.builder = "check";
  out.build.state = state;
  out.build.outcome = outcome;
  out.build.host = {"h1"};
  out.build.created_at = out.build.started_at = {1'769'860'800'000};
  if (state == build_state::finished)
    out.build.finished_at = {1'769'860'803'250};
  out.steps = {make_step(0, "build"), make_step(1, "test")};
  return out;
}

/// The second step ended so; the first one well.
build_file ended_by(result outcome, int32_t exit_code, const std::string& reason) {
  auto out = make_build(build_state::finished, outcome);
  for (auto& step : out.steps) {
    step.state = step_state::finished;
    step.outcome = result::success;
    step.attempts = {make_attempt(1, attempt_state::finished)};
    step.attempts[0].outcome = result::success;
    step.accepted = {1};
  }
  auto& test = out.steps[1];
  test.outcome = test.attempts[0].outcome = outcome;
  test.exit_code = test.attempts[0].exit_code = exit_code;
  test.attempts[0].reason = reason;
  return out;
}

bool has(const std::vector<std::string>& lines, const std::string& part) {
  for (const auto& line : lines)
    if (line.find(part) != std::string::npos)
      return true;
  return false;
}

} // namespace

TEST_CASE("explain: a queued build says what it waits for, from the coordinator if it knows") {
  auto file = make_build(build_state::queued, result::none);
  CHECK(explain_build(file, nullptr).reason
        == "build 12 of check is queued: it starts as soon as a slot is free");
  waiting_view now{{12}, build_state::queued, "all 2 slots of h1 are in use", {"h2 is lost"}};
  auto why = explain_build(file, &now);
  CHECK(why.reason == "build 12 of check is queued: all 2 slots of h1 are in use");
  CHECK(why.evidence.at(0) == "h2 is lost");
}

TEST_CASE("explain: a waiting build says so although its record is older") {
  auto file = make_build(build_state::queued, result::none);
  waiting_view now{{12}, build_state::waiting, "no host serves it", {"ram is 1GiB, needs 2GiB"}};
  CHECK(explain_build(file, &now).reason == "build 12 of check waits: no host serves it");
}

TEST_CASE("explain: a running build names step, host and since when") {
  auto file = make_build(build_state::running, result::none);
  file.steps[0].state = step_state::running;
  file.steps[0].attempts = {make_attempt(1, attempt_state::lost),
                            make_attempt(2, attempt_state::running)};
  auto why = explain_build(file, nullptr);
  CHECK(why.reason
        == "build 12 of check is running; step 'build' runs on h2 since "
           "2026-01-31T12:00:01.000Z (attempt 2)");
  CHECK(has(why.evidence, "attempt 1 on h1: lost"));
}

TEST_CASE("explain: a running build between steps, unconfirmed, or handing over says which") {
  auto file = make_build(build_state::running, result::none);
  CHECK(explain_build(file, nullptr).reason == "build 12 of check is on h1, between two steps");
  file.steps[0].attempts = {make_attempt(1, attempt_state::granted)};
  CHECK(explain_build(file, nullptr).reason.find("was sent to h1") != std::string::npos);
  file = ended_by(result::success, 0, "");
  file.build.state = build_state::running;
  CHECK(explain_build(file, nullptr).reason.find("handing over") != std::string::npos);
  file.build.cancel_requested = true;
  file.build.cancel_reason = "wrong tarball";
  CHECK(explain_build(file, nullptr).reason
        == "build 12 of check is being cancelled: wrong tarball");
}

TEST_CASE("explain: success says where and how long") {
  CHECK(explain_build(ended_by(result::success, 0, ""), nullptr).reason
        == "build 12 of check succeeded on h1 in 3.2 s");
}

TEST_CASE("explain: a failure names the first failing step, its exit code and the reason") {
  auto why = explain_build(ended_by(result::failure, 2, "2 of 9 tests failed"), nullptr);
  CHECK(why.reason
        == "build 12 of check failed: step 'test' failed on h1 with exit code 2: "
           "2 of 9 tests failed");
  CHECK(has(why.evidence, "step 'build', attempt 1 on h1: success"));
  CHECK(has(why.evidence, "step 'test', attempt 1 on h1: failure, exit code 2, after 3.2 s"));
}

TEST_CASE("explain: an exit code is told once") {
  auto why = explain_build(ended_by(result::failure, 2, "exit code 2"), nullptr);
  CHECK(why.reason == "build 12 of check failed: step 'test' failed on h1 with exit code 2");
  CHECK(has(why.evidence, "step 'test', attempt 1 on h1: failure, exit code 2, after 3.2 s"));
  for (const auto& line : why.evidence)
    CHECK(line.find("exit code 2, after 3.2 s: ") == std::string::npos);
}

TEST_CASE("explain: every other end has its own words") {
  auto [outcome, words] = GENERATE(table<result, std::string>({
    {result::warnings, "has warnings"},
    {result::exception, "a fault of the farm"},
    {result::host_lost, "lost its host"},
    {result::timeout, "ran out of time"},
  }));
  auto why = explain_build(ended_by(outcome, -1, "the evidence"), nullptr);
  INFO(why.reason);
  CHECK(why.reason.find(words) != std::string::npos);
  CHECK(why.reason.find("the evidence") != std::string::npos);
}

TEST_CASE("explain: warnings name the step that only warns") {
  auto file = ended_by(result::failure, 1, "no rule to make target");
  file.build.outcome = result::warnings;
  CHECK(explain_build(file, nullptr).reason.find("step 'test' failed on h1 with exit code 1")
        != std::string::npos);
}

TEST_CASE("explain: cancelled and skipped builds say by what") {
  auto file = make_build(build_state::finished, result::cancelled);
  file.build.cancel_reason = "ann: wrong tarball";
  CHECK(explain_build(file, nullptr).reason
        == "build 12 of check was cancelled: ann: wrong tarball");
  file = make_build(build_state::finished, result::skipped);
  file.build.reason = "nothing to do";
  CHECK(explain_build(file, nullptr).reason == "build 12 of check was skipped: nothing to do");
}

TEST_CASE("explain: a hostile reason stays one line without control characters") {
  auto why = explain_build(ended_by(result::failure, 1, "a\nb\x1b[2J"), nullptr);
  for (const auto& line : why.evidence)
    CHECK(line.find_first_of("\n\x1b") == std::string::npos);
  CHECK(why.reason.find_first_of("\n\x1b") == std::string::npos);
}

TEST_CASE("explain: each state of a host is a sentence of its own") {
  std::vector<std::string> seen;
  for (auto state : {host_state::joining, host_state::up, host_state::suspect, host_state::lost,
                     host_state::draining, host_state::paused, host_state::quarantined}) {
    host_view host;
    host.record.name = {"h1"};
    host.state = state;
    host.reason = "silent for 3 s";
    auto why = explain_host(host);
    CHECK(why.reason.find("host h1 is ") == 0);
    CHECK(std::find(seen.begin(), seen.end(), why.reason) == seen.end());
    if (state != host_state::up)
      CHECK(why.reason.find("silent for 3 s") != std::string::npos);
    seen.push_back(why.reason);
  }
}

TEST_CASE("campaign: it runs until all its builds are over, then shows the worst") {
  auto good = make_build(build_state::finished, result::success).build;
  auto bad = make_build(build_state::finished, result::failure).build;
  auto lost = make_build(build_state::finished, result::host_lost).build;
  auto open = make_build(build_state::running, result::none).build;
  CHECK(judge_campaign({good, open, bad}) == campaign_verdict{build_state::running, result::none});
  CHECK(judge_campaign({good, good}) == campaign_verdict{build_state::finished, result::success});
  CHECK(judge_campaign({good, bad, lost})
        == campaign_verdict{build_state::finished, result::failure});
  CHECK(judge_campaign({}) == campaign_verdict{build_state::finished, result::skipped});
}
