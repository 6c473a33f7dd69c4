// SPDX-License-Identifier: Apache-2.0
#include "actors/core/canary.hpp"

#include "actors/core/explain/words.hpp"
#include "actors/core/owner_rules.hpp"
#include "actors/core/params.hpp"
#include "actors/core/progress.hpp"
#include "actors/core/test_history.hpp"
#include "schema/limits_trust.hpp"
#include "schema/names.hpp"

#include <algorithm>
#include <tuple>

namespace drover::core {

namespace {

bool is_good(result outcome) {
  return outcome == result::success || outcome == result::warnings;
}

bool serves(const builder_spec& builder, const string_map& traits) {
  auto parsed = requirement::parse(builder.requirement);
  auto* needs = std::get_if<requirement>(&parsed);
  return needs != nullptr && needs->unmet(traits).empty();
}

std::string named(const canary_end& end) {
  return "build " + to_string(end.build) + " of " + end.builder;
}

std::string in_words(const std::vector<test_key>& tests) {
  auto words = (tests.front().suite.empty() ? "" : tests.front().suite + ": ") + tests.front().name;
  if (tests.size() > 1)
    words += " and " + counted(tests.size() - 1, "more test");
  return words;
}

void compare_tests(const canary_end& own, const canary_end& peer,
                   std::vector<std::string>& differences) {
  for (const auto& [step, report] : own.tests) {
    auto other = peer.tests.find(step);
    if (other == peer.tests.end()) {
      differences.push_back("step " + in_quotes(step) + " has run tests here and none there");
      continue;
    }
    auto changes = compare(other->second, report);
    if (!changes.new_failures.empty())
      differences.push_back("fails here and not there: " + in_words(changes.new_failures));
    if (!changes.fixed.empty())
      differences.push_back("fails there and not here: " + in_words(changes.fixed));
    if (!changes.missing.empty())
      differences.push_back("ran there and not here: " + in_words(changes.missing));
  }
  for (const auto& [step, report] : peer.tests)
    if (!own.tests.contains(step))
      differences.push_back("step " + in_quotes(step) + " has run tests there and none here");
}

std::vector<std::string> compare_ends(const canary_end& own, const canary_end& peer) {
  std::vector<std::string> differences;
  for (const auto& [step, outcome] : own.steps) {
    auto other = peer.steps.find(step);
    if (other != peer.steps.end() && other->second != outcome)
      differences.push_back("step " + in_quotes(step) + " ended in " + plain(outcome)
                            + " here and in " + plain(other->second) + " there");
  }
  compare_tests(own, peer, differences);
  if (differences.empty() && own.outcome != peer.outcome)
    differences.push_back("it ended in " + plain(own.outcome) + " here (" + own.why + ") and in "
                          + plain(peer.outcome) + " there");
  return differences;
}

} // namespace

bool is_canary_run(const build_file& file) {
  return file.recipe.canary && file.build.requested_by == "farm"
         && !file.build.pinned.value.empty();
}

std::vector<builder_spec> canaries_for(const farm_config& config, const string_map& traits) {
  std::vector<builder_spec> found;
  for (const auto& builder : config.builders)
    if (builder.canary && builder.source.empty() && found.size() < limits::canaries_max
        && serves(builder, traits) && !owner_objection(traits, builder.name)
        && !params_problem(builder, {}))
      found.push_back(builder);
  if (found.empty())
    found.push_back(shipped_canary());
  return found;
}

build_file make_canary(const builder_spec& canary, const host_name& host, const std::string& why,
                       wall_time now) {
  auto recipe = canary;
  recipe.canary = true;
  recipe.second_opinion = false; // it is compared as it is
  for (auto& step : recipe.steps) {
    step.cache = {}; // a kept result tells of another host
    step.env["FARM_TIME"] = std::to_string(now.ms / 1000);
  }
  auto file = make_build({}, recipe, {}, {});
  file.build.params = params_of(recipe, {});
  file.build.pinned = host;
  file.build.requested_by = "farm";
  file.build.requested_because = why;
  file.build.created_at = now;
  return file;
}

canary_end end_of_canary(const build_file& file, std::map<std::string, test_report> tests) {
  canary_end end{file.build.id,
                 file.build.builder,
                 file.build.host,
                 file.build.outcome,
                 {},
                 std::move(tests),
                 {}};
  for (const auto& step : file.steps)
    end.steps[step.name] = step.outcome;
  end.why = one_line(file.build.reason);
  return end;
}

bool is_telling(const canary_end& end) {
  switch (end.outcome) {
  case result::success:
  case result::warnings:
  case result::failure:
  case result::exception:
  case result::timeout:
    return true;
  default:
    return false;
  }
}

canary_verdict judge_canary(const canary_end& own, const canary_end* peer,
                            const std::string& alone) {
  if (!is_telling(own) || (peer != nullptr && !is_telling(*peer)))
    return {};
  if (peer == nullptr && is_good(own.outcome))
    return {proof::given, one_line(named(own) + " passed there; " + alone)};
  if (peer == nullptr)
    return {proof::denied, one_line(named(own) + " ended in " + plain(own.outcome) + " there ("
                                    + own.why + "); " + alone)};
  auto differences = compare_ends(own, *peer);
  if (differences.empty())
    return {proof::given,
            one_line(named(own) + " ended in " + plain(own.outcome) + " there, as build "
                     + to_string(peer->build) + " did on " + peer->host.value)};
  if (auto more = differences.size(); more > limits::canary_differences_told) {
    differences.resize(limits::canary_differences_told);
    differences.push_back(counted(more - limits::canary_differences_told, "more difference"));
  }
  return {proof::denied, one_line(named(own) + " differs from build " + to_string(peer->build)
                                  + " on " + peer->host.value + ": " + joined(differences, "; "))};
}

// -- peers ---------------------------------------------------------------------------------------

std::string kind_of_host(const string_map& facts) {
  auto fact = [&](const char* name) {
    auto found = facts.find(name);
    return found == facts.end() ? std::string{} : found->second;
  };
  return fact("os") + "/" + fact("arch");
}

peer_choice choose_peer(const builder_spec& canary, const peer_offer& newcomer,
                        const std::vector<peer_offer>& hosts) {
  const auto kind = kind_of_host(newcomer.offer.traits);
  peer_choice made;
  const peer_offer* best = nullptr;
  auto rank = [&](const peer_offer& host) {
    return std::tuple{host.machine_id != newcomer.machine_id, host.offer.slots - host.offer.used};
  };
  bool any = false;
  for (const auto& host : hosts) {
    const auto& offer = host.offer;
    if (offer.name == newcomer.offer.name || offer.stage != host_stage::trusted || !host.was_here)
      continue;
    any = true;
    if (kind_of_host(offer.traits) != kind || !serves(canary, offer.traits)
        || owner_objection(offer.traits, canary.name))
      continue;
    bool is_up = offer.state == host_state::up;
    made.may_come |=
      is_up || offer.state == host_state::suspect || offer.state == host_state::joining;
    if (!is_up || offer.used >= offer.slots)
      continue;
    if (best == nullptr || rank(host) > rank(*best)
        || (rank(host) == rank(*best) && offer.name < best->offer.name))
      best = &host;
  }
  if (best != nullptr)
    made.host = best->offer.name;
  if (!made.may_come)
    made.alone = any ? "no known-good host of its kind (" + kind + ") is up to compare with"
                     : std::string{"there is no peer to compare with"};
  return made;
}

} // namespace drover::core
