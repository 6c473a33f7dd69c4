// Removal of what is old: builds with their logs, campaigns, events, content without a reference.
// SPDX-License-Identifier: Apache-2.0
#include "schema/record_codec.hpp"
#include "storage/garbage.hpp"
#include "storage/scan_pages.hpp"
#include "storage/tables.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace drover::storage {

namespace {

failure stopping() {
  return {ec::unavailable, "the farm is stopping; what is old was not all removed"};
}

/// Of a build what decides whether it goes.
struct build_line {
  build_id id;
  campaign_id campaign;
  bool finished = false;
  wall_time created_at, finished_at;
};

struct cleaner {
  store& in;
  const clean_up_rules& rules;
  const committer* commit; ///< null: a preview
  const keep_going& go;
  clean_up_report report = {};

  std::vector<build_line> builds = {};
  std::set<build_id> kept_successes = {};
  std::set<build_id> leaving = {};
  wall_time oldest_unfinished = {}; ///< 0: none

  wall_time cutoff() const { return {rules.now.ms - rules.older_than / milliseconds{1}}; }
  std::optional<failure> done(write_batch& batch, size_t at_least);

  std::optional<failure> look_at_builds();
  std::optional<failure> look_at_campaigns();
  std::optional<failure> remove_builds();
  std::optional<failure> remove_logs();
  std::optional<failure> remove_log(build_id build);
  std::optional<failure> remove_events();
  std::optional<failure> remove_campaigns(const std::vector<campaign_id>& gone);

  std::optional<failure> remove_content();
};

/// Commits `batch` if it holds so much, and empties it.
std::optional<failure> cleaner::done(write_batch& batch, size_t at_least) {
  if (batch.operations.size() < at_least || batch.empty())
    return std::nullopt;
  if (!go())
    return stopping();
  auto full = std::exchange(batch, {});
  return commit ? (*commit)(std::move(full)) : std::nullopt;
}

// -- builds --------------------------------------------------------------------------------------

std::optional<failure> cleaner::look_at_builds() {
  std::optional<failure> damaged;
  std::map<std::string, build_id> newest_success;
  auto visit = [&](std::string_view, std::string_view value) {
    auto build = record::decode_build(value);
    if (!build) { // what can't be read can't be judged: nothing goes before it is mended
      damaged = failure{build.error().code, "builds: " + build.error().text + "; run admin verify"};
      return;
    }
    bool finished = build->state == build_state::finished;
    builds.push_back({build->id, build->campaign, finished, build->created_at, build->finished_at});
    if (finished && build->outcome == result::success)
      newest_success[build->builder] = build->id;
    if (!finished && (oldest_unfinished.ms == 0 || build->created_at < oldest_unfinished))
      oldest_unfinished = build->created_at;
  };
  auto problem = scan_pages(in, all_of(family::history, keys::tag::build), go, visit);
  if (problem || damaged)
    return problem ? problem : damaged;
  for (const auto& [builder, id] : newest_success)
    kept_successes.insert(id);
  for (const auto& build : builds)
    if (build.finished && build.finished_at < cutoff() && !kept_successes.contains(build.id)
        && build.id != builds.back().id)
      leaving.insert(build.id);
  return std::nullopt;
}

/// Keeps what belongs to a campaign that is not old; removes old ones without a build.
std::optional<failure> cleaner::look_at_campaigns() {
  std::set<build_id> staying;
  for (const auto& build : builds)
    if (!leaving.contains(build.id))
      staying.insert(build.id);
  std::vector<campaign_id> gone;
  std::optional<failure> damaged;
  auto visit = [&](std::string_view, std::string_view value) {
    auto campaign = record::decode_campaign(value);
    if (!campaign) {
      damaged = failure{campaign.error().code, "campaigns: " + campaign.error().text};
      return;
    }
    bool young = !(campaign->created_at < cutoff());
    bool used = young;
    for (const auto& cell : campaign->cells) {
      used = used || staying.contains(cell.build);
      if (young)
        leaving.erase(cell.build);
    }
    if (!used)
      gone.push_back(campaign->id);
  };
  auto problem = scan_pages(in, all_of(family::history, keys::tag::campaign), go, visit);
  if (problem || damaged)
    return problem ? problem : damaged;
  auto last = last_campaign(in);
  if (!last)
    return last.error();
  std::erase(gone, *last);
  return remove_campaigns(gone);
}

std::optional<failure> cleaner::remove_campaigns(const std::vector<campaign_id>& gone) {
  write_batch batch;
  for (auto id : gone) {
    batch.remove(family::history, keys::campaign(id));
    ++report.campaigns;
    if (auto problem = done(batch, limits::removal_operations_max))
      return problem;
  }
  return done(batch, 1);
}

std::optional<failure> cleaner::remove_builds() {
  write_batch batch;
  for (auto id : leaving) {
    auto remove = [&](std::string_view key, std::string_view value) {
      batch.remove(family::history, std::string{key});
      report.bytes += value.size();
      return true;
    };
    const step_index last{~uint32_t{0}};
    const std::pair<std::string, std::string> of_build[] = {
      {keys::build(id), keys::build(id)},
      {keys::recipe(id), keys::recipe(id)},
      {keys::step({id, {0}}), keys::step({id, last})},
      {keys::test_report({id, {0}}), keys::test_report({id, last})},
      {keys::build_facts(id, 0), keys::build_facts(id, ~uint32_t{0})}};
    for (const auto& [from, to] : of_build)
      if (auto problem =
            in.scan(family::history, from, keys::after(to), scan_order::ascending, remove))
        return problem;
    ++report.builds;
    if (auto problem = done(batch, limits::removal_operations_max))
      return problem;
  }
  return done(batch, 1);
}

// -- logs and events -----------------------------------------------------------------------------

/// Of builds that go, and of those that went before a stop: from build to build.
std::optional<failure> cleaner::remove_logs() {
  std::set<build_id> known;
  for (const auto& build : builds)
    known.insert(build.id);
  auto newest = builds.empty() ? build_id{} : builds.back().id; // later ones are not known
  std::set<build_id> without;
  for (auto key_of : {keys::log_chunk, keys::log_segment}) {
    build_id next{0};
    while (next <= newest) {
      std::optional<build_id> found;
      auto visit = [&](std::string_view key, std::string_view) {
        auto chunk = keys::read_log_chunk(key);
        auto segment = keys::read_log_segment(key);
        if (chunk || segment)
          found = (chunk ? chunk : segment)->attempt.build;
        return false;
      };
      auto end = key_of({{{newest.value + 1}, {}, {}}, 0});
      if (auto problem =
            in.scan(family::log, key_of({{next, {}, {}}, 0}), end, scan_order::ascending, visit))
        return problem;
      if (!found)
        break;
      if (leaving.contains(*found) || !known.contains(*found))
        without.insert(*found);
      next = {found->value + 1};
      if (!go())
        return stopping();
    }
  }
  for (auto id : without)
    if (auto problem = remove_log(id))
      return problem;
  return std::nullopt;
}

std::optional<failure> cleaner::remove_log(build_id build) {
  for (auto key_of : {keys::log_chunk, keys::log_segment}) {
    std::vector<std::string> gone;
    stretch of_build{family::log, key_of({{build, {}, {}}, 0}),
                     key_of({{{build.value + 1}, {}, {}}, 0})};
    auto problem = scan_pages(in, of_build, go, [&](std::string_view key, std::string_view value) {
      gone.emplace_back(key);
      report.bytes += value.size();
    });
    if (problem)
      return problem;
    write_batch batch;
    for (auto& key : gone) {
      batch.remove(family::log, std::move(key));
      if (auto wrong = done(batch, limits::removal_operations_max))
        return wrong;
    }
    if (auto wrong = done(batch, 1))
      return wrong;
  }
  return std::nullopt;
}

std::optional<failure> cleaner::remove_events() {
  auto first = first_event(in);
  auto last = last_event(in);
  if (!first || !last)
    return first ? last.error() : first.error();
  write_batch batch;
  for (auto at = *first; at != 0 && at + rules.events_kept <= *last; ++at) {
    batch.remove(family::history, keys::event(at));
    ++report.events;
    if (auto problem = done(batch, limits::removal_operations_max))
      return problem;
  }
  return done(batch, 1);
}

std::optional<failure> cleaner::remove_content() {
  // Whatever an unfinished build has stored so far is in no record yet.
  auto young = rules.now.ms - rules.content_grace / milliseconds{1};
  if (oldest_unfinished.ms != 0)
    young = std::min(young, oldest_unfinished.ms - limits::content_touch_every / milliseconds{1});
  garbage_rules content{leaving, {young}, cutoff(), commit ? sweeping::remove : sweeping::count};
  auto removed = remove_garbage(in, content, go);
  if (!removed)
    return removed.error();
  report.blobs = removed->blobs;
  report.bytes += removed->bytes;
  return std::nullopt;
}

expected<clean_up_report> run(cleaner work) {
  if (auto problem = work.look_at_builds())
    return *problem;
  if (auto problem = work.look_at_campaigns())
    return *problem;
  for (auto step : {&cleaner::remove_builds, &cleaner::remove_logs, &cleaner::remove_events,
                    &cleaner::remove_content})
    if (auto problem = (work.*step)())
      return *problem;
  return work.report;
}

} // namespace

expected<clean_up_report> clean_up(store& in, const clean_up_rules& rules, const committer& commit,
                                   const keep_going& go) {
  return run({in, rules, &commit, go});
}

expected<clean_up_report> preview_clean_up(const store& in, const clean_up_rules& rules,
                                           const keep_going& go) {
  // Without a committer nothing is written: the store is only read.
  return run({const_cast<store&>(in), rules, nullptr, go});
}

} // namespace drover::storage
