// SPDX-License-Identifier: Apache-2.0
#include "actors/core/holds.hpp"
#include "tests/core/explain_samples.hpp"

using namespace drover;
using namespace drover::core;

// -- hosts ---------------------------------------------------------------------------------------

TEST_CASE("explain: each state of a host is a sentence of its own") {
  std::vector<std::string> seen;
  for (auto state : all_of<host_state>()) {
    host_view host;
    host.record.name = {"h1"};
    host.record.first_seen = host.record.last_seen = noon;
    host.last_seen_ms = 3000;
    host.state = state;
    host.reason = "h1 has been busy elsewhere";
    auto why = explain_host(host, {});
    check_form(why, "host h1 ");
    if (state != host_state::joining)
      CHECK(why.sentence.find("busy elsewhere") != std::string::npos);
    seen.push_back(why.sentence);
    host.record.first_seen = host.record.last_seen = {};
    host.last_seen_ms = -1;
    if (state == host_state::joining || state == host_state::lost)
      CHECK(explain_host(host, {}).sentence
            == "host h1 has never joined this farm; start drover-host on h1");
  }
  check_distinct(seen);
}

TEST_CASE("explain: a host that is up says how busy it is, and that a second agent was refused") {
  host_view host;
  host.record.name = {"h1"};
  host.record.slots = 2;
  host.state = host_state::up;
  CHECK(explain_host(host, {}).sentence == "host h1 is up and idle: 2 slots free");
  host.slots_used = 1;
  CHECK(explain_host(host, {}).sentence == "host h1 is up: 1 of 2 slots in use");
  host.slots_used = 2;
  host.reason = "a second agent was refused: another machine";
  CHECK(explain_host(host, {}).sentence
        == "host h1 is up and busy: all of its 2 slots are in use; a second agent was refused: "
           "another machine");
}

TEST_CASE("explain: a held host says by whom, why and what ends it") {
  host_view host;
  host.record.name = {"h1"};
  host.state = host_state::draining;
  host.record.hold = {hold_kind::drain, "ann", "new disk", noon, {}};
  host.reason = "drained by ann since 2026-01-31T12:00:00.000Z: new disk";
  CHECK(explain_host(host, {}).sentence
        == "host h1 is drained by ann since 2026-01-31T12:00:00.000Z: new disk; what runs there "
           "goes on, nothing new comes; `drover host h1 resume` lets it take builds again");
  host.state = host_state::lost;
  host.record.first_seen = noon;
  host.record.hold = {hold_kind::drain, "ann", "new disk", noon, {}};
  CHECK(has(explain_host(host, {}).evidence, "also kept from new work by ann"));
}

TEST_CASE("explain: nobody is advised to resume a host that its owner keeps from work") {
  host_view host;
  host.record.name = {"h1"};
  host.state = host_state::draining;
  host.reason = "draining: its owner allows no work before 22:00";
  CHECK(explain_host(host, {}).sentence.find("before 22:00") != std::string::npos);
  CHECK(explain_host(host, {}).sentence.find("resume") == std::string::npos);
}

TEST_CASE("explain: hosts that the farm itself keeps from work say why and what ends it") {
  host_view host;
  host.record.name = {"h1"};
  host.state = host_state::quarantined;
  host.record.hold = {hold_kind::quarantine, "farm", "failed 3 builds in a row", noon, {}};
  host.reason = hold_sentence(host.record.hold);
  auto why = explain_host(host, {});
  check_form(why, "host h1 is quarantined by farm since ");
  CHECK(why.sentence.find("failed 3 builds in a row") != std::string::npos);
  CHECK(why.sentence.find("back when one passes") != std::string::npos);
  host.state = host_state::draining;
  host.record.hold = {hold_kind::health, "h1", "only 3 MiB of disk are free", noon, {}};
  host.reason = hold_sentence(host.record.hold);
  why = explain_host(host, {});
  check_form(why, "host h1 is unwell since ");
  CHECK(why.sentence.find("3 MiB") != std::string::npos);
  host.state = host_state::lost;
  host.record.first_seen = noon;
  host.record.ladder.note = "reboot, try 1 at noon, because h1 is lost; it ran well";
  for (auto rung : {ladder_rung::reboot, ladder_rung::given_up}) {
    host.record.ladder.rung = rung;
    why = explain_host(host, {});
    check_form(why, "host h1 ");
    CHECK(has(why.evidence, "what was tried to bring it back: reboot, try 1"));
    CHECK(has(why.evidence, "look after it yourself") == (rung == ladder_rung::given_up));
  }
}

TEST_CASE("explain: a host tells what it runs, its restarts, and what was written about it") {
  host_view host;
  host.record.name = {"h1"};
  host.record.restarts = 2;
  host.state = host_state::up;
  host_surroundings around;
  around.work = {{{{12}, {0}, {1}}, "check", "build", noon}, {{{13}, {0}, {1}}, {}, {}, {}}};
  for (uint16_t kind = 1; kind < 64; ++kind) {
    auto name = to_string(static_cast<event_kind>(kind));
    if (name == "unknown")
      continue;
    event_record event;
    event.kind = static_cast<event_kind>(kind);
    event.at = noon;
    event.state = "lost";
    event.text = "its words";
    around.journal = {event};
    CHECK(has(explain_host(host, around).evidence, "2026-01-31 12:00:00 UTC "));
    CHECK(has(explain_host(host, around).evidence, ": its words"));
  }
  auto lines = explain_host(host, around).evidence;
  CHECK(has(lines, "runs step 'build' of build 12 of check, since 2026-01-31 12:00:00 UTC"));
  CHECK(has(lines, "holds attempt 13/0/1"));
  CHECK(has(lines, "its agent was restarted 2 times"));
}

// -- campaigns -----------------------------------------------------------------------------------

TEST_CASE("explain: a campaign counts its cells and tells the worst, then each that is not green") {
  campaign_record campaign;
  campaign.id = {3};
  campaign.source.id = "gap-4.12.tar.gz";
  for (uint64_t id = 1; id <= 4; ++id)
    campaign.cells.push_back({"check", {"h" + std::to_string(id)}, {}, {id}, {}});
  campaign.cells.push_back({"check", {"h5"}, {}, {}, "h5 does not serve: os is sunos"});
  std::vector builds{
    cell_build(1, build_state::finished, result::success),
    cell_build(2, build_state::finished, result::failure, "step 'test' failed on h2"),
    cell_build(3, build_state::waiting, result::none, "waits for its host h3, lost"),
    cell_build(4, build_state::running, result::none)};
  auto why = explain_campaign(campaign, builds);
  check_form(why, "campaign c3 of gap-4.12.tar.gz");
  CHECK(why.sentence
        == "campaign c3 of gap-4.12.tar.gz: 1 of 5 green, 1 red, 1 hole, 1 runs, 1 waits: build 2 "
           "of check failed: step 'test' failed on h2");
  REQUIRE(why.evidence.size() == 4);
  CHECK(why.evidence[1] == "check on h5 is not built: h5 does not serve: os is sunos");
  CHECK(why.evidence[2] == "build 3 of check waits for its host h3, lost");
}

TEST_CASE("explain: a cell of every state and result is told, and only green ones need no words") {
  campaign_cell cell{"check", {"h1"}, {}, {1}, {}};
  for (auto state : all_of<build_state>())
    for (auto outcome : all_of<result>()) {
      auto build = cell_build(1, state, outcome, "the reason");
      bool green = state == build_state::finished && outcome == result::success;
      CHECK(explain_cell(cell, &build).empty() == green);
    }
  CHECK(explain_cell(cell, nullptr)
        == "check on h1 is not built: its build is not stored any more");
}

TEST_CASE("campaign: it runs until all its builds are over, then shows the worst") {
  auto good = cell_build(1, build_state::finished, result::success);
  auto bad = cell_build(2, build_state::finished, result::failure);
  auto lost = cell_build(3, build_state::finished, result::host_lost);
  auto open = cell_build(4, build_state::running, result::none);
  CHECK(judge_campaign({good, open, bad}) == campaign_verdict{build_state::running, result::none});
  CHECK(judge_campaign({good, good}) == campaign_verdict{build_state::finished, result::success});
  CHECK(judge_campaign({good, bad, lost})
        == campaign_verdict{build_state::finished, result::failure});
  CHECK(judge_campaign({}) == campaign_verdict{build_state::finished, result::skipped});
}
