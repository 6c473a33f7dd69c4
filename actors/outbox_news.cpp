// What entries of the journal mean for people.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/canary.hpp"
#include "actors/core/explain/first_error.hpp"
#include "actors/core/explain/words.hpp"
#include "actors/core/schedule.hpp"
#include "actors/outbox.hpp"
#include "schema/limits_notices.hpp"
#include "schema/names.hpp"
#include "storage/notices.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

namespace {

/// What was read, or nothing; why not is logged.
template <class Value>
std::optional<Value> or_logged(expected<std::optional<Value>> found, const char* what) {
  if (found)
    return *std::move(found);
  spdlog::error("outbox: {} can't be read: {}", what, found.error().text);
  return std::nullopt;
}

/// The class of the host where it ran, by the keys of its builder.
std::string class_of(const storage::store& store, const farm_config& config,
                     const build_file& file) {
  if (file.recipe.on.kind != placement_kind::each_class)
    return {};
  auto hosts = storage::read_hosts(store);
  string_map traits;
  for (size_t i = 0; hosts && i < hosts->size(); ++i)
    if ((*hosts)[i].name == file.build.host)
      traits = (*hosts)[i].facts;
  for (const auto& host : config.hosts)
    if (host.name == file.build.host.value)
      for (const auto& [label, value] : host.labels)
        traits[label] = value;
  std::string name;
  for (const auto& key : file.recipe.on.class_keys)
    name += (name.empty() ? "" : "/") + traits[key];
  return name;
}

bool same_content(const source_ref& a, const source_ref& b) {
  return a.kind == b.kind && a.id == b.id && a.sha256 == b.sha256 && a.revision == b.revision;
}

/// The newest changes of a source, newest first, from the one that brought `what` on; none: it
/// brought no such thing lately.
std::vector<change_record> changes_from(const storage::store& store, const std::string& source,
                                        const source_ref& what) {
  auto changes = storage::list_changes(store, {}, limits::notice_range_max, source);
  if (!changes) {
    spdlog::error("outbox: {}", changes.error().text);
    return {};
  }
  auto begin = std::find_if(changes->begin(), changes->end(), [&](const change_record& change) {
    return same_content(change.ref, what);
  });
  return {std::make_move_iterator(begin), std::make_move_iterator(changes->end())};
}

/// Changes of the source that brought the red build, from its own down to what was seen when the
/// last good one's was; without a last good build from a change, the red one's alone.
std::vector<change_record> red_range(const storage::store& store, const build_file& red,
                                     const std::optional<build_record>& good) {
  std::vector<change_record> out;
  auto sources = red.recipe.more_sources;
  if (!red.recipe.source.empty())
    sources.insert(sources.begin(), red.recipe.source);
  change_id last_good;
  for (const auto& source : sources) {
    if (out.empty())
      out = changes_from(store, source, red.build.source);
    if (auto found = good ? changes_from(store, source, good->source) : decltype(out){};
        !found.empty())
      last_good = std::max(last_good, found.front().id);
  }
  if (last_good.value == 0)
    out.resize(std::min<size_t>(out.size(), 1));
  std::erase_if(out, [&, branch = out.empty() ? std::string{}
                                              : out.front().branch](const change_record& change) {
    return change.id <= last_good || change.branch != branch;
  });
  return out;
}

event_record made_event(const notice_record& notice, const std::string& kind) {
  event_record event;
  event.kind = event_kind::notice_made;
  event.at = notice.made_at;
  event.build = notice.build;
  event.campaign = notice.campaign;
  event.builder = notice.builder;
  event.host = notice.host;
  event.text = core::one_line("notice " + std::to_string(notice.id) + " to " + notice.reporter
                              + " (" + kind + "): " + notice.subject);
  return event;
}

} // namespace

storage::write_batch outbox_state::notices_of(const event_record& event) {
  storage::write_batch batch;
  if (event.kind == event_kind::build_finished)
    on_build(event, batch);
  else if (event.kind == event_kind::campaign_finished)
    on_campaign(event, batch);
  else
    on_host(event, batch);
  return batch;
}

std::optional<build_file> outbox_state::build_file_of(build_id build) const {
  return or_logged(storage::read_build_file(*farm.store, build), "a build");
}

std::vector<incident_record> outbox_state::all_incidents() const {
  std::vector<incident_record> all;
  for (const auto& [key, incident] : incidents)
    all.push_back(incident);
  return all;
}

void outbox_state::keep(const incident_record& incident, storage::write_batch& batch) {
  incidents[{incident.builder, incident.place}] = incident;
  noted.erase({incident.builder, incident.place});
  storage::put_incident(batch, incident);
}

void outbox_state::note(const incident_record& incident) {
  incidents[{incident.builder, incident.place}] = incident;
  noted.insert({incident.builder, incident.place});
}

// -- builds --------------------------------------------------------------------------------------

void outbox_state::on_build(const event_record& event, storage::write_batch& batch) {
  auto file = build_file_of(event.build);
  if (!file || core::is_canary_run(*file)) // which tells of a host, and nothing of its builder
    return;
  const auto& build = file->build;
  core::build_surroundings around; // of a green one nothing is needed
  if (core::judge(build, false) == core::judgement::red)
    around = farm.look_around(*file);
  core::build_news news;
  news.how = core::judge(build, !around.retried_by.empty());
  if (news.how == core::judgement::none)
    return;
  std::optional<campaign_record> campaign; // long; only a class of hosts is read from it
  if (build.campaign.value != 0 && file->recipe.on.kind == placement_kind::each_class)
    campaign = or_logged(storage::read_campaign(*farm.store, build.campaign), "a campaign");
  news.event = event.sequence;
  news.at = farm.clock();
  news.builder = build.builder;
  news.place =
    core::place_of(*file, campaign ? &*campaign : nullptr, class_of(*farm.store, config, *file));
  news.build = build.id;
  news.campaign = build.campaign;
  news.thread = core::thread_name(config.farm, event.sequence, news.at);
  if (news.how == core::judgement::red)
    news.cause = core::cause_of(*file, core::first_error(around.log_tail).line);
  auto known = incidents.find({news.builder, news.place});
  auto change = core::after_build(known == incidents.end() ? nullptr : &known->second, news);
  if (change.what == core::turn::noted)
    note(change.incident);
  else if (change.what != core::turn::nothing)
    keep(change.incident, batch);
  if (change.what == core::turn::to_tell)
    tell_due({}, batch);
  else if (change.what == core::turn::over)
    tell_recovery(change.incident, build, batch);
  if (build.campaign.value != 0)
    return;
  // A build of no campaign is its own; who heard of it as a problem or its end knows all of it.
  announcement what;
  what.common.kind = notice_kind::finished;
  what.common.event = event.sequence;
  what.common.build = build.id;
  what.common.builder = build.builder;
  what.common.thread = news.thread;
  what.builders = {build.builder};
  auto told = change.what == core::turn::to_tell ? std::optional{notice_kind::problem}
              : change.what == core::turn::over  ? std::optional{notice_kind::recovery}
                                                 : std::nullopt;
  for (const auto& reporter : config.reporters)
    if (core::wants(reporter, notice_kind::finished, what.builders)
        && !(told && core::wants(reporter, *told, what.builders)))
      make(
        reporter, what,
        [&](const core::notice_heading& heading) {
          return core::build_words(heading, build, core::explain_build(*file, nullptr, around));
        },
        batch);
}

void outbox_state::tell_due(const std::set<campaign_id>& settled, storage::write_batch& batch) {
  for (const auto& group : core::due_groups(all_incidents(), farm.clock(), settled)) {
    if (group.known_thread.empty())
      tell_problem(group, batch);
    else
      for (const auto& member : group.members)
        keep(core::after_told(member, group.known_thread, {}), batch);
  }
}

void outbox_state::tell_problem(const core::incident_group& group, storage::write_batch& batch) {
  const auto& first = group.members.front();
  auto thread =
    group.another_cause ? first.thread : core::thread_name(config.farm, first.event, farm.clock());
  core::problem_story story;
  story.another_cause = group.another_cause;
  std::optional<build_file> told;
  for (const auto& member : group.members) {
    auto file = build_file_of(member.newest);
    if (!file)
      continue; // removed since
    story.builds.push_back(file->build);
    story.places.push_back(member.place);
    if (!told)
      told = std::move(file);
  }
  announcement what;
  if (told) {
    auto around = farm.look_around(*told);
    around.now = farm.clock();
    story.last_good = around.last_good;
    if (first.last_green.value != 0)
      if (auto good = or_logged(storage::read_build(*farm.store, first.last_green), "a build"))
        story.last_good = good;
    around.last_good = story.last_good;
    story.why = core::explain_build(*told, nullptr, around);
    story.changes = red_range(*farm.store, *told, story.last_good);
    what.authors = core::authors_of(story.changes, config.users);
    what.common.kind = notice_kind::problem;
    what.common.event = first.event;
    what.common.build = told->build.id;
    what.common.campaign = told->build.campaign;
    what.common.builder = first.builder;
    what.common.host = {told->build.host};
    what.common.thread = thread;
    what.builders = {first.builder};
    announce(
      what,
      [&](const core::notice_heading& heading) { return core::problem_words(heading, story); },
      batch);
  }
  for (const auto& member : group.members)
    keep(core::after_told(member, thread, what.authors), batch);
}

/// Once for a thread: when the last one of its incidents is over.
void outbox_state::tell_recovery(const incident_record& over, const build_record& build,
                                 storage::write_batch& batch) {
  auto all = all_incidents();
  if (!core::is_thread_over(all, over.thread))
    return;
  core::recovery_story story;
  story.build = build;
  story.since = over.since;
  announcement what;
  for (const auto& incident : all) {
    if (incident.thread != over.thread)
      continue;
    story.places.push_back(incident.place);
    story.since = std::min(story.since, incident.since);
    what.authors.insert(what.authors.end(), incident.authors_told.begin(),
                        incident.authors_told.end());
  }
  what.common.kind = notice_kind::recovery;
  what.common.event = mark.event;
  what.common.build = build.id;
  what.common.campaign = build.campaign;
  what.common.builder = build.builder;
  what.common.host = build.host;
  what.common.thread = over.thread;
  what.builders = {build.builder};
  announce(
    what, [&](const core::notice_heading& heading) { return core::recovery_words(heading, story); },
    batch);
}

// -- campaigns, hosts ----------------------------------------------------------------------------

void outbox_state::on_campaign(const event_record& event, storage::write_batch& batch) {
  tell_due({event.campaign}, batch);
  auto campaign = or_logged(storage::read_campaign(*farm.store, event.campaign), "a campaign");
  if (!campaign)
    return;
  std::vector<build_record> builds;
  announcement what;
  for (const auto& cell : campaign->cells) {
    what.builders.push_back(cell.builder);
    if (cell.build.value == 0)
      continue;
    if (auto build = or_logged(storage::read_build(*farm.store, cell.build), "a build"))
      builds.push_back(std::move(*build));
  }
  std::sort(what.builders.begin(), what.builders.end());
  what.builders.erase(std::unique(what.builders.begin(), what.builders.end()), what.builders.end());
  what.common.kind = notice_kind::finished;
  what.common.event = event.sequence;
  what.common.campaign = event.campaign;
  what.common.thread = core::thread_name(config.farm, event.sequence, farm.clock());
  announce(
    what,
    [&](const core::notice_heading& heading) {
      return core::campaign_words(heading, *campaign, builds);
    },
    batch);
}

void outbox_state::on_host(const event_record& event, storage::write_batch& batch) {
  if (event.kind == event_kind::host_misbehaved)
    return on_misuse(event, batch);
  auto known = incidents.find({std::string{}, event.host.value});
  auto change = core::after_host(known == incidents.end() ? nullptr : &known->second, event,
                                 core::thread_name(config.farm, event.sequence, farm.clock()));
  if (change.what == core::turn::nothing)
    return;
  keep(change.incident, batch);
  announcement what;
  what.common.kind =
    change.what == core::turn::over ? notice_kind::host_back : notice_kind::quarantined;
  what.common.event = event.sequence;
  what.common.host = event.host;
  what.common.thread = change.incident.thread;
  announce(
    what, [&](const core::notice_heading& heading) { return core::host_words(heading, event); },
    batch);
}

/// Told each time: nothing that the host does ends it.
void outbox_state::on_misuse(const event_record& event, storage::write_batch& batch) {
  if (event.host.value.empty())
    return; // a guess of a stranger
  announcement what;
  what.common.kind = notice_kind::quarantined;
  what.common.event = event.sequence;
  what.common.host = event.host;
  what.common.thread = core::thread_name(config.farm, event.sequence, farm.clock());
  announce(
    what, [&](const core::notice_heading& heading) { return core::host_words(heading, event); },
    batch);
}

// -- notices -------------------------------------------------------------------------------------

void outbox_state::announce(const announcement& what, const words_for& words,
                            storage::write_batch& batch) {
  for (const auto& reporter : config.reporters)
    if (core::wants(reporter, what.common.kind, what.builders))
      make(reporter, what, words, batch);
}

void outbox_state::make(const reporter_spec& to, const announcement& what, const words_for& words,
                        storage::write_batch& batch) {
  auto common = what.common;
  common.made_at = farm.clock();
  auto said = words({common.kind, config.farm, core::base_of(to), common.thread, common.made_at});
  common.subject = std::move(said.subject);
  common.text = std::move(said.text);
  common.payload = std::move(said.payload);
  for (auto& notice : core::addressed(to, common, what.authors)) {
    notice.id = ++mark.notice;
    storage::put_notice(batch, notice);
    batch.events.push_back(made_event(notice, std::string{to_string(notice.kind)}));
    if (notice.id > limits::notices_kept)
      if (auto old = or_logged(storage::read_notice(*farm.store, notice.id - limits::notices_kept),
                               "a notice"))
        storage::remove_notice(batch, *old);
  }
  activity.did("told " + to.name + ": " + common.subject, self->clock().now());
}

} // namespace drover
