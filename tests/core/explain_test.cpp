// SPDX-License-Identifier: Apache-2.0
#include "tests/core/explain_samples.hpp"

using namespace drover;
using namespace drover::core;

namespace {

const std::string subject = "build 12 of check";

host_case one(const std::string& name, obstacle why, host_state state = host_state::up) {
  return {{name}, why, state, {}, {}, 1, 1, {}};
}

} // namespace

// -- waiting -------------------------------------------------------------------------------------

TEST_CASE("explain: each state of a host that is away is told with its reason and since when") {
  std::vector<std::string> sentences;
  for (auto state : all_of<host_state>()) {
    if (state == host_state::up)
      continue;
    auto host = one("h2", obstacle::away, state);
    host.reason = "h2 has been silent for 1 min";
    host.since = noon;
    auto view = explain_waiting({{}, 3, {host}});
    INFO(view.reason);
    CHECK(view.state == build_state::waiting);
    CHECK(view.reason.find("waits for its only host h2, ") == 0);
    CHECK(view.reason.find("since 2026-01-31 12:00:00 UTC (silent for 1 min)")
          != std::string::npos);
    sentences.push_back(view.reason);
    view = explain_waiting({{"h2"}, 3, {host}});
    CHECK(view.reason.find("waits for its host h2, ") == 0);
  }
  check_distinct(sentences);
  CHECK(sentences.size() == 6);
}

TEST_CASE("explain: each obstacle is a line of evidence of its own") {
  auto unmet = one("h1", obstacle::unmet);
  unmet.unmet = {"class is slow, needs 'fast'"};
  auto view =
    explain_waiting({{},
                     4,
                     {unmet, one("h2", obstacle::busy), one("h3", obstacle::away, host_state::lost),
                      one("h4", obstacle::avoided)}});
  CHECK(view.state == build_state::queued);
  CHECK(view.reason == "waits for a free slot on h2; h3, lost would serve it as well");
  CHECK(has(view.evidence, "h1 does not serve: class is slow, needs 'fast'"));
  CHECK(has(view.evidence, "h2 is up, 1 of 1 slots in use"));
  CHECK(has(view.evidence, "h3, lost"));
  CHECK(has(view.evidence, "h4 was lost under this build"));
}

TEST_CASE("explain: where no host serves, the nearest miss is in the sentence") {
  auto far = one("h1", obstacle::unmet);
  far.unmet = {"os is sunos, needs 'linux'", "has no label 'class'"};
  auto near = one("h2", obstacle::unmet);
  near.unmet = {"class is slow, needs 'fast'"};
  auto view = explain_waiting({{}, 2, {far, near}});
  CHECK(view.reason
        == "waits for a host that serves it: there is none; the nearest miss is h2: class is "
           "slow, needs 'fast'; add such a host, or change the builder's `requires`");
  CHECK(view.evidence.front().find("h2 ") == 0);
  view = explain_waiting({{"h1"}, 2, {far}});
  CHECK(view.reason.find("waits for its host h1, which does not serve it: os is sunos") == 0);
}

TEST_CASE("explain: hundreds of hosts make neither the sentence nor the evidence long") {
  waiting_case told;
  for (int i = 0; i < 300; ++i)
    told.hosts.push_back(one("host-" + std::to_string(i), obstacle::busy));
  told.hosts_known = told.hosts.size();
  auto view = explain_waiting(told);
  CHECK(view.reason == "waits for a free slot on host-0, host-1, host-2, host-3 or 296 more");
  CHECK(view.evidence.size() == 13);
  CHECK(view.evidence.back() == "and 288 more hosts");
  for (auto& host : told.hosts)
    host.why = obstacle::away, host.state = host_state::lost;
  CHECK(explain_waiting(told).reason.find("and 296 more") != std::string::npos);
}

TEST_CASE("explain: a place in the queue is told before what comes behind the semicolon") {
  CHECK(behind("waits for a free slot on h1", 0) == "waits for a free slot on h1");
  CHECK(behind("waits for a free slot on h1; h2, lost would serve it as well", 3)
        == "waits for a free slot on h1, behind 3 builds; h2, lost would serve it as well");
}

// -- builds that are not over --------------------------------------------------------------------

TEST_CASE("explain: every state of a build has a sentence, with and without the coordinator") {
  std::vector<std::string> sentences, shown;
  for (auto state : all_of<build_state>()) {
    auto file =
      sample_build(state, state == build_state::finished ? result::failure : result::none);
    check_form(explain_build(file, nullptr, {}), subject);
    waiting_view now{{12}, state, "", {"h1 is up"}};
    check_form(explain_build(file, &now, {}), subject);
    sentences.push_back(sentence_of(file));
    shown.push_back(build_sentence(file.build));
  }
  check_distinct(sentences);
  check_distinct(shown);
}

TEST_CASE("explain: a queued build and a waiting one go on with the coordinator's words") {
  auto file = sample_build(build_state::queued, result::none);
  waiting_view now{{12}, build_state::queued, "waits for a free slot on h1", {"h1 is up"}};
  CHECK(sentence_of(file, &now) == "build 12 of check is queued and waits for a free slot on h1");
  now.state = build_state::waiting;
  now.reason = "waits for its only host h1, lost";
  CHECK(sentence_of(file, &now) == "build 12 of check waits for its only host h1, lost");
  CHECK(explain_build(file, &now, {}).evidence.at(0) == "h1 is up");
  now.reason = "h2 has been silent for 1 min";
  CHECK(sentence_of(file, &now) == "build 12 of check waits: h2 has been silent for 1 min");
}

TEST_CASE("explain: a build says the same in a list as when it is asked") {
  auto file = ended_by(result::failure, 7, "exit code 7");
  file.build.reason = why_ended(file, result::failure);
  CHECK(sentence_of(file) == build_sentence(file.build));
  file = sample_build(build_state::waiting, result::none);
  file.build.reason = "waits for a free slot on h1";
  CHECK(sentence_of(file) == build_sentence(file.build));
}

TEST_CASE("explain: a running build names step, host, since when, how long and how long quiet") {
  auto file = sample_build(build_state::running, result::none);
  file.steps[0].state = step_state::running;
  file.steps[0].attempts = {make_attempt(1, attempt_state::running)};
  CHECK(sentence_of(file)
        == "build 12 of check is running: step 'build' runs on h1 since 2026-01-31 12:00:01 UTC");
  build_surroundings around;
  around.now = {noon.ms + 31'000};
  around.quiet = milliseconds{2500};
  CHECK(sentence_of(file, nullptr, around)
        == "build 12 of check is running: step 'build' runs on h1 since 2026-01-31 12:00:01 UTC "
           "(for 30.0 s), quiet for 2.5 s");
}

TEST_CASE("explain: what waits for room on the coordinator's disk says so") {
  auto file = sample_build(build_state::running, result::none);
  build_surroundings around;
  around.short_of_room = "the coordinator's disk has 1.0 MiB free";
  file.steps[0].attempts = {make_attempt(1, attempt_state::running)};
  auto why = explain_build(file, nullptr, around);
  CHECK(has(why.evidence, "what its host hands over waits: the coordinator's disk has 1.0 MiB"));
  for (auto& step : file.steps) {
    step.state = step_state::finished;
    step.attempts.clear();
  }
  why = explain_build(file, nullptr, around);
  CHECK(why.sentence.find("hands over what is to be kept, which waits: the coordinator's disk has")
        != std::string::npos);
  CHECK_FALSE(has(why.evidence, "waits")); // it is not said twice
}

TEST_CASE("explain: more than one attempt is told with its cause") {
  auto file = sample_build(build_state::running, result::none);
  file.steps[0].attempts = {make_attempt(1, attempt_state::lost),
                            make_attempt(2, attempt_state::running)};
  file.steps[0].attempts[0].reason = "h1 has been silent for 1 min, longer than its lease";
  auto why = explain_build(file, nullptr, {});
  CHECK(why.sentence.find("as attempt 2 because attempt 1 on h1 ended: h1 has been silent")
        != std::string::npos);
  CHECK(has(why.evidence, "attempt 1 on h1: lost with its host"));
  file.steps[0].attempts[1].role = attempt_role::repeats;
  CHECK(sentence_of(file).find("to prepare the workspace on its new host") != std::string::npos);
}

TEST_CASE("explain: every state of an attempt is told, and that of its host when it is not up") {
  std::vector<std::string> lines;
  for (auto state : all_of<attempt_state>()) {
    auto file = sample_build(build_state::running, result::none);
    file.build.source.kind = source_kind::tarball;
    file.steps[0].attempts = {make_attempt(1, state)};
    check_form(explain_build(file, nullptr, {}), subject);
    lines.push_back(attempt_line(file.steps[0], file.steps[0].attempts[0]));
    for (auto host_is : all_of<host_state>()) {
      build_surroundings around;
      around.host = host_view{};
      around.host->record.name = {"h1"};
      around.host->state = host_is;
      bool told = sentence_of(file, nullptr, around).find("; h1, ") != std::string::npos;
      CHECK(told == (host_is != host_state::up));
    }
  }
  check_distinct(lines);
}

TEST_CASE("explain: a build that was sent out, is between steps, or hands over says which") {
  auto file = sample_build(build_state::running, result::none);
  CHECK(sentence_of(file)
        == "build 12 of check is running on h1, between two steps: next is step 'build'");
  file.steps[0].attempts = {make_attempt(1, attempt_state::granted)};
  CHECK(sentence_of(file).find("step 'build' was sent to h1 since") != std::string::npos);
  file.build.source.kind = source_kind::tarball;
  CHECK(sentence_of(file).find("which prepares the source") != std::string::npos);
  file = ended_by(result::success, 0, "");
  file.build.state = build_state::running;
  CHECK(sentence_of(file).find("hands over what is to be kept") != std::string::npos);
  file.build.cancel_requested = true;
  file.build.cancel_reason = "cancelled by ann: wrong tarball";
  CHECK(sentence_of(file) == "build 12 of check is being cancelled by ann: wrong tarball");
}

// -- builds that are over ------------------------------------------------------------------------

TEST_CASE("explain: every result has words of its own, for builds and for steps") {
  std::vector<std::string> builds, steps;
  for (auto outcome : all_of<result>()) {
    auto file = ended_by(outcome, outcome == result::success ? 0 : 2, "the evidence");
    file.build.cancel_reason = outcome == result::cancelled ? "cancelled by ann" : "";
    check_form(explain_build(file, nullptr, {}), subject);
    builds.push_back(sentence_of(file));
    steps.push_back(step_ending(file.steps[1]));
    CHECK(steps.back().find("the evidence") != std::string::npos);
  }
  check_distinct(builds);
  check_distinct(steps);
  CHECK(builds.size() == 9);
}

TEST_CASE("explain: success says where and how long, and what ran again") {
  CHECK(sentence_of(ended_by(result::success, 0, ""))
        == "build 12 of check succeeded in 3.2 s: all steps passed on h1");
}

TEST_CASE("explain: a cause of failure is told in words") {
  auto [exit_code, reason, words] = GENERATE(table<int32_t, std::string, std::string>({
    {7, "exit code 7", "step 'test' failed on h1 with exit code 7"},
    {2, "2 of 9 tests failed", "with exit code 2: 2 of 9 tests failed"},
    {127, "exit code 127", "with exit code 127 (a command was not found)"},
    {139, "exit code 139", "with exit code 139 (as after SIGSEGV, a segmentation fault)"},
    {139, "killed by signal 11 (SIGSEGV)",
     "failed on h1: killed by signal 11 (SIGSEGV), a segmentation fault"},
    {137, "killed at its memory limit of 64MiB (peak 63.9MiB)",
     "failed on h1: killed at its memory limit of 64MiB (peak 63.9MiB)"},
    {3, "exit code 3; not enforced on this host: the limit of memory",
     "with exit code 3: not enforced on this host: the limit of memory"},
    {143, "printed more than 4MiB, the limit of a step's log",
     "failed on h1: printed more than 4MiB, the limit of a step's log"},
    {143, "hit its limit of 60 processes", "failed on h1: hit its limit of 60 processes"},
    {143, "used more than 8MiB of the disk, its limit (seen: 9MiB)",
     "failed on h1: used more than 8MiB of the disk, its limit (seen: 9MiB)"},
  }));
  auto sentence = sentence_of(ended_by(result::failure, exit_code, reason));
  INFO(sentence);
  CHECK(sentence.find(words) != std::string::npos);
  CHECK(sentence.find("build 12 of check failed: step 'test' failed on h1") == 0);
}

TEST_CASE("explain: what met a limit is told how to raise it, and what it used") {
  auto [outcome, reason, key] = GENERATE(table<result, std::string, std::string>({
    {result::timeout, "ran longer than 10s", "`timeout`"},
    {result::timeout, "printed nothing for 5s", "`silence`"},
    {result::failure, "killed at its memory limit of 64MiB (peak 63MiB)", "`limits.memory`"},
    {result::failure, "hit its limit of 60 processes", "`limits.pids`"},
    {result::failure, "printed more than 4MiB, the limit of a step's log", "`limits.log`"},
    {result::failure, "used more than 8MiB of the disk, its limit", "`limits.disk`"},
  }));
  auto file = ended_by(outcome, 143, reason);
  file.steps[1].attempts[0].usage.memory_peak = 63 * 1024 * 1024;
  auto why = explain_build(file, nullptr, {});
  INFO(why.sentence);
  CHECK(why.sentence.find(reason) != std::string::npos);
  CHECK(has(why.evidence, "raise " + key + " of step 'test'"));
  CHECK(has(why.evidence, "step 'test' used 63 MiB of memory at most"));
  file.steps[1].attempts[0].usage = {};
  file.steps[1].attempts[0].usage.pids_peak = 1;
  CHECK(has(explain_build(file, nullptr, {}).evidence, "step 'test' used 1 process at most"));
}

TEST_CASE("explain: a lost keeper, a lost host and a source that can't be unpacked are not the "
          "source's fault") {
  CHECK(sentence_of(ended_by(result::exception, -1, "keeper lost: the process that ran it ended"))
        == "build 12 of check ended by a fault of the farm, not of the source: step 'test' could "
           "not be run to its end on h1: keeper lost: the process that ran it ended");
  CHECK(sentence_of(ended_by(result::host_lost, -1, "3 hosts were lost under this build"))
        == "build 12 of check lost its host: step 'test' lost its host h1: 3 hosts were lost under "
           "this build");
  auto file = ended_by(result::failure, 1, "no rule to make target");
  file.build.outcome = file.steps[1].outcome = result::warnings;
  CHECK(sentence_of(file).find("has warnings: step 'test', which only warns, failed on h1")
        != std::string::npos);
}

TEST_CASE("explain: cancelled and skipped builds say by what") {
  auto file = sample_build(build_state::finished, result::cancelled);
  file.build.cancel_reason = cancel_phrase("ann", "wrong tarball");
  CHECK(sentence_of(file) == "build 12 of check was cancelled by ann: wrong tarball");
  CHECK(cancel_phrase("ann", "cancelled by ann") == "cancelled by ann");
  file = sample_build(build_state::finished, result::skipped);
  file.build.reason = "nothing to do";
  CHECK(sentence_of(file) == "build 12 of check was skipped: nothing to do");
}

TEST_CASE("explain: a hostile reason, log and name stay short lines without control characters") {
  auto file = ended_by(result::failure, 1, "a\nb\x1b[2J" + std::string(5000, 'x'));
  file.build.requested_by = "ann\n\x1b[2J";
  file.steps[1].name = "te\rst";
  build_surroundings around;
  around.log_tail = "error: \x1b[31m\x01\xff" + std::string(9000, 'y') + "\nnext\x1b]0;title\a";
  check_form(explain_build(file, nullptr, around), subject);
}

TEST_CASE("explain: a failure shows its first error, the last good build and the same elsewhere") {
  auto file = ended_by(result::failure, 2, "exit code 2");
  build_surroundings around;
  around.log_tail = "cc -c a.c\na.c:3:1: error: expected ';'\nmake: *** [all] Error 1\n";
  around.last_good = cell_build(9, build_state::finished, result::success);
  around.elsewhere = {cell_build(13, build_state::finished, result::failure, "step 'test' failed"),
                      cell_build(11, build_state::finished, result::success)};
  auto why = explain_build(file, nullptr, around);
  check_form(why, subject);
  CHECK(why.sentence
        == "build 12 of check failed: step 'test' failed on h1 with exit code 2: a.c:3:1: error: "
           "expected ';'");
  CHECK(has(why.evidence, "| make: *** [all] Error 1"));
  CHECK(has(why.evidence, "last good: build 9 of check on h1"));
  CHECK(
    has(why.evidence, "of 2 other builds of the same builder and source, 1 ended the same way"));
  around.last_good.reset();
  around.searched = 4;
  CHECK(has(explain_build(file, nullptr, around).evidence,
            "no build of check before it was good (4 looked at)"));
}

TEST_CASE("explain: retries, the config's generation and who asked are told") {
  auto file = ended_by(result::failure, 2, "exit code 2");
  file.build.retry_of = {10};
  file.build.generation = 3;
  file.build.requested_by = "ann";
  file.build.requested_because = "to see";
  build_surroundings around;
  around.retry_chain = {{10}, {8}};
  around.retried_by = {{14}};
  around.generation = 4;
  around.problems = {"its log can't be read: damaged"};
  auto lines = explain_build(file, nullptr, around).evidence;
  for (auto part : {"it repeats build 10, which repeats 8", "it is repeated by build 14",
                    "its recipe is of configuration 3; in force is 4", "asked for by ann: to see",
                    "its log can't be read: damaged"})
    CHECK(has(lines, part));
}
