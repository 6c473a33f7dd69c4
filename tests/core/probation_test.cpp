// SPDX-License-Identifier: Apache-2.0
#include "actors/core/canary.hpp"
#include "actors/core/explain/explain.hpp"
#include "actors/core/owner_rules.hpp"
#include "actors/core/probation.hpp"
#include "actors/core/submit.hpp"
#include "schema/limits_trust.hpp"
#include "tests/catch.hpp"
#include "tests/core/make.hpp"

using namespace drover;
using namespace drover::core;
using namespace std::chrono_literals;

namespace {

constexpr wall_time at_join{1'000'000};

host_identity by_token(wall_time at, size_t certificates = 1) {
  host_identity identity;
  identity.name = {"vega"};
  identity.valid.resize(certificates);
  for (auto& one : identity.valid)
    one.at = at;
  return identity;
}

arrival_case arrival_of_newcomer() {
  arrival_case of;
  of.known.name = {"vega"};
  of.identity = by_token(at_join);
  of.now = {at_join.ms + 1};
  return of;
}

arrival_case arrival_of_old_hand() {
  auto of = arrival_of_newcomer();
  of.known.first_seen = {at_join.ms + 10};
  of.known.last_seen = {at_join.ms + 20};
  of.known.machine_id = "m1";
  return of;
}

} // namespace

// -- where a host stands -------------------------------------------------------------------------

TEST_CASE("probation: who joins by a token begins there, and nobody else does") {
  auto of = arrival_of_newcomer();
  auto decided = stage_on_arrival(of);
  REQUIRE(decided);
  CHECK(decided->stage == host_stage::probation);
  CHECK(decided->note.find("joined by a token at 1970") != std::string::npos);
  of.is_configured = true;
  CHECK_FALSE(stage_on_arrival(of));
  of.is_configured = false;
  of.identity.reset(); // the farm's own certificate
  CHECK_FALSE(stage_on_arrival(of));
  CHECK_FALSE(stage_on_arrival(arrival_of_old_hand()));
}

TEST_CASE("probation: who joins anew, or comes back from retirement, is there again") {
  auto of = arrival_of_old_hand();
  of.identity = by_token({of.known.last_seen.ms + 1});
  REQUIRE(stage_on_arrival(of));
  CHECK(stage_on_arrival(of)->note.find("joined anew") != std::string::npos);
  of.identity = by_token({of.known.last_seen.ms + 1}, 2); // a renewal
  CHECK_FALSE(stage_on_arrival(of));
  of.known.stage = host_stage::retired;
  REQUIRE(stage_on_arrival(of));
  CHECK(stage_on_arrival(of)->note.find("retirement") != std::string::npos);
  of.known.stage = host_stage::probation; // it does not begin anew with each connection
  CHECK_FALSE(stage_on_arrival(of));
  of.is_configured = true;
  CHECK(stage_on_arrival(of) == stage_decision{host_stage::trusted, "the configuration names it"});
}

TEST_CASE("probation: a key that comes with another state folder earns its trust anew") {
  auto of = arrival_of_old_hand();
  CHECK_FALSE(stage_on_other_machine(of, "m1"));
  REQUIRE(stage_on_other_machine(of, "m2"));
  CHECK(stage_on_other_machine(of, "m2")->stage == host_stage::probation);
  of.is_configured = true;
  CHECK_FALSE(stage_on_other_machine(of, "m2"));
}

TEST_CASE("probation: a long silence retires a host that nobody has named") {
  host_view host;
  host.state = host_state::lost;
  host.record.first_seen = host.record.last_seen = at_join;
  wall_time due{at_join.ms + limits::retire_after.count()};
  CHECK_FALSE(retirement(host, {{}, false, {due.ms - 1}}));
  auto decided = retirement(host, {{}, false, due});
  REQUIRE(decided);
  CHECK(decided->stage == host_stage::retired);
  CHECK(decided->note.find("last seen at 1970") != std::string::npos);
  CHECK_FALSE(retirement(host, {{at_join.ms + 1}, false, due})); // it was heard later
  CHECK_FALSE(retirement(host, {{}, true, due}));
  // The configuration may have more patience, or less.
  CHECK_FALSE(retirement(host, {{}, false, due, limits::retire_after + milliseconds{1}}));
  wall_time next_day{at_join.ms + milliseconds{24h}.count()};
  auto early = retirement(host, {{}, false, next_day, 24h});
  REQUIRE(early);
  CHECK(early->note.find("more than 24 h ago") != std::string::npos);
  host.state = host_state::up;
  CHECK_FALSE(retirement(host, {{}, false, due}));
  host.state = host_state::joining; // not back since the coordinator started
  CHECK(retirement(host, {{}, false, due}));
  host.record.stage = host_stage::retired;
  CHECK_FALSE(retirement(host, {{}, false, due}));
  host.record = {}; // it was never here
  CHECK_FALSE(retirement(host, {{}, false, due}));
}

TEST_CASE("probation: the journal's entry is the decision") {
  for (auto stage : {host_stage::trusted, host_stage::probation, host_stage::retired}) {
    stage_decision decided{stage, "of a good reason"};
    auto event = stage_event({"vega"}, decided, "ann", at_join);
    CHECK(decision_of(event) == decided);
    CHECK(event.by == "ann");
    event.kind = event_kind::host_changed;
    CHECK_FALSE(decision_of(event));
  }
}

// -- who gets builds -----------------------------------------------------------------------------

TEST_CASE("probation: a host there gets canaries and no other builds, which say why they wait") {
  auto vega = host("vega");
  vega.stage = host_stage::probation;
  vega.reason = "it joined by a token";
  auto plan = make_plan({entry(1)}, {vega});
  CHECK(plan.placements.empty());
  REQUIRE(plan.rest.size() == 1);
  CHECK(plan.rest[0].reason
        == "waits for its only host vega, on probation (it joined by a token); it takes builds"
           " once a canary has passed there, see `drover why vega`");
  auto file = make_canary(shipped_canary(), {"vega"}, "canary of vega", at_join);
  CHECK(make_plan({to_queue_entry(file)}, {vega}).placements.size() == 1);
  CHECK(make_plan({entry(1)}, {vega, host("h1")}).placements[0].host.value == "h1");
}

TEST_CASE("probation: a retired host is not missed") {
  auto old = host("old");
  old.state = host_state::lost;
  old.stage = host_stage::retired;
  auto rest = make_plan({entry(1)}, {old, host("h1", 1, 1)}).rest;
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].reason.find("old") == std::string::npos);
  farm_config config;
  config.builders = {recipe_of({step("build")})};
  config.builders[0].on.kind = placement_kind::each_host;
  auto plan = plan_submission(config, {old, host("h1")}, {{"check", {}}}, {});
  REQUIRE(plan);
  CHECK(plan->cells.size() == 1);
}

TEST_CASE("probation: `drover why` of a host says where it stands and what changes that") {
  host_view vega;
  vega.record.name = {"vega"};
  vega.state = host_state::up;
  vega.record.stage = host_stage::probation;
  vega.record.stage_note = "it joined by a token; a canary must pass there first";
  CHECK(explain_host(vega, {}).sentence
        == "host vega is up, on probation, and gets no builds but canaries: it joined by a token; a"
           " canary must pass there first; `drover host vega resume` trusts it at once");
  vega.record.stage = host_stage::retired;
  vega.record.stage_note = "it was last seen in spring";
  vega.state = host_state::lost;
  CHECK(explain_host(vega, {}).sentence == "host vega is retired: it was last seen in spring");
  vega.record.stage = host_stage::trusted;
  vega.record.stage_note = "build 5 of proof passed there";
  auto lines = explain_host(vega, {}).evidence;
  CHECK(std::find(lines.begin(), lines.end(), "it is trusted: build 5 of proof passed there")
        != lines.end());
}

// -- canaries ------------------------------------------------------------------------------------

TEST_CASE("canary: the marked builders that serve, else the one that is shipped") {
  farm_config config;
  CHECK(canaries_for(config, {})[0].name == limits::shipped_canary_name);
  auto proof = recipe_of({step("prove")}, "os == 'linux'");
  proof.name = "proof";
  proof.canary = true;
  config.builders = {recipe_of({step("build")}), proof};
  REQUIRE(canaries_for(config, {{"os", "linux"}}).size() == 1);
  CHECK(canaries_for(config, {{"os", "linux"}})[0].name == "proof");
  CHECK(canaries_for(config, {{"os", "plan9"}})[0].name == limits::shipped_canary_name);
  string_map picky{{"os", "linux"}, {owner_builders_fact, "nightly"}};
  CHECK(canaries_for(config, picky)[0].name == limits::shipped_canary_name);
  config.builders[1].source = "trunk";
  CHECK(canaries_for(config, {{"os", "linux"}})[0].name == limits::shipped_canary_name);
}

TEST_CASE("canary: it runs on its host alone, from no kept result, and asks no second opinion") {
  auto recipe = recipe_of({step("prove")});
  recipe.steps[0].cache.on = true;
  auto file = make_canary(recipe, {"vega"}, "canary of vega", {7'000'000});
  CHECK(is_canary_run(file));
  CHECK(file.build.pinned.value == "vega");
  CHECK_FALSE(file.recipe.steps[0].cache.on);
  CHECK_FALSE(file.recipe.second_opinion);
  CHECK(file.recipe.steps[0].env.at("FARM_TIME") == "7000");
  file.build.requested_by = "ann";
  CHECK_FALSE(is_canary_run(file)); // a person has asked for it
}

namespace {

canary_end end_with(std::map<std::string, result> steps, result outcome, const char* host = "vega",
                    uint64_t build = 5) {
  canary_end end;
  end.build = {build};
  end.builder = "proof";
  end.host = {host};
  end.outcome = outcome;
  end.steps = std::move(steps);
  end.why = "step 'sort' failed";
  return end;
}

canary_end good(const char* host = "vega", uint64_t build = 5) {
  return end_with({{"sort", result::success}}, result::success, host, build);
}

canary_end bad(const char* host = "vega", uint64_t build = 5) {
  return end_with({{"sort", result::failure}}, result::failure, host, build);
}

test_report report_of(std::initializer_list<std::pair<const char*, test_outcome>> tests) {
  test_report report;
  report.dialect = "tap";
  for (const auto& [name, outcome] : tests) {
    test_case one;
    one.name = name;
    one.outcome = outcome;
    report.tests.push_back(one);
    ++report.counts[outcome];
  }
  return report;
}

} // namespace

TEST_CASE("canary: equal ends on newcomer and peer prove, whatever they are") {
  auto peer = good("h1", 6);
  auto verdict = judge_canary(good(), &peer, "");
  CHECK(verdict.how == proof::given);
  CHECK(verdict.sentence == "build 5 of proof ended in success there, as build 6 did on h1");
  peer = bad("h1", 6); // the canary itself is broken, and must not keep newcomers out
  CHECK(judge_canary(bad(), &peer, "").how == proof::given);
}

TEST_CASE("canary: what differs is named") {
  auto peer = good("h1", 6);
  auto verdict = judge_canary(bad(), &peer, "");
  CHECK(verdict.how == proof::denied);
  CHECK(verdict.sentence
        == "build 5 of proof differs from build 6 on h1: step 'sort' ended in failure here and in"
           " success there");
  auto own = end_with({{"sort", result::success}}, result::exception);
  own.why = "its artifacts are lost";
  verdict = judge_canary(own, &peer, "");
  CHECK(verdict.how == proof::denied);
  CHECK(verdict.sentence.find("its artifacts are lost") != std::string::npos);
}

TEST_CASE("canary: tests are compared one by one") {
  auto own = good(), peer = good("h1", 6);
  own.tests["sort"] = report_of({{"a", test_outcome::passed}, {"b", test_outcome::failed}});
  peer.tests["sort"] = report_of({{"a", test_outcome::passed}, {"b", test_outcome::passed}});
  auto verdict = judge_canary(own, &peer, "");
  CHECK(verdict.how == proof::denied);
  CHECK(verdict.sentence.find("fails here and not there: b") != std::string::npos);
  peer.tests = own.tests;
  CHECK(judge_canary(own, &peer, "").how == proof::given);
  peer.tests.clear();
  CHECK(judge_canary(own, &peer, "").how == proof::denied);
}

TEST_CASE("canary: without a peer it must pass; one that was cancelled or lost tells nothing") {
  auto verdict = judge_canary(good(), nullptr, "there is no peer to compare with");
  CHECK(verdict.how == proof::given);
  CHECK(verdict.sentence == "build 5 of proof passed there; there is no peer to compare with");
  CHECK(judge_canary(bad(), nullptr, "there is no peer").how == proof::denied);
  auto peer = good("h1", 6);
  CHECK(judge_canary(end_with({}, result::cancelled), &peer, "").how == proof::none);
  CHECK(judge_canary(end_with({}, result::host_lost), nullptr, "alone").how == proof::none);
}

TEST_CASE("canary: the peer is trusted, alike and free; one that may become so is waited for") {
  auto offered = [](host_offer offer, const char* machine) {
    offer.traits["arch"] = "x86_64";
    return peer_offer{std::move(offer), machine, true};
  };
  auto newcomer = offered(host("vega", 4), "m1");
  newcomer.offer.stage = host_stage::probation;
  auto canary = shipped_canary();
  auto choose = [&](std::vector<peer_offer> hosts) {
    hosts.push_back(newcomer);
    return choose_peer(canary, newcomer, hosts);
  };
  CHECK(choose({}).alone == "there is no peer to compare with");
  auto same_machine = offered(host("h1", 8), "m1"), other = offered(host("h2", 2), "m2");
  CHECK(choose({same_machine, other}).host.value == "h2");
  CHECK(choose({same_machine}).host.value == "h1");
  other.offer.used = 2;
  CHECK(choose({other}).host.value.empty());
  CHECK(choose({other}).may_come);
  CHECK(choose({other}).alone.empty());
  other.offer.state = host_state::lost;
  CHECK_FALSE(choose({other}).may_come);
  CHECK(choose({other}).alone.find("linux/x86_64") != std::string::npos);
  other.offer.state = host_state::joining; // the coordinator has just started
  CHECK(choose({other}).may_come);
  other.was_here = false; // it is in the configuration, and nowhere else yet
  CHECK(choose({other}).alone == "there is no peer to compare with");
  auto foreign = offered(host("z1", 2), "m3");
  foreign.offer.traits["arch"] = "s390x";
  CHECK(choose({foreign}).alone.find("of its kind") != std::string::npos);
  auto unproven = offered(host("new", 2), "m4");
  unproven.offer.stage = host_stage::probation;
  CHECK(choose({unproven}).host.value.empty());
}
