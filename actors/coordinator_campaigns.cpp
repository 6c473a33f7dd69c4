// When campaigns end: told once their last build is over, also if the coordinator died just then.
// SPDX-License-Identifier: Apache-2.0
#include "actors/coordinator.hpp"
#include "actors/core/events.hpp"
#include "actors/core/explain/explain.hpp"
#include "schema/limits_journal.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

void coordinator_state::count_in(const build_record& build) {
  if (build.campaign.value != 0 && campaign_of.emplace(build.id, build.campaign).second)
    ++open_builds[build.campaign];
}

void coordinator_state::count_out(build_id build) {
  auto known = campaign_of.find(build);
  if (known == campaign_of.end())
    return;
  auto campaign = known->second;
  campaign_of.erase(known);
  if (--open_builds[campaign] > 0)
    return;
  open_builds.erase(campaign);
  tell_end(campaign);
}

void coordinator_state::tell_end(campaign_id id) {
  auto campaign = storage::read_campaign(*settings.store, id);
  if (!campaign || !*campaign) {
    spdlog::error("campaign={} is over but can't be told: {}", id.value,
                  campaign ? "it is not there" : campaign.error().text);
    return;
  }
  std::vector<build_record> builds;
  for (const auto& cell : (*campaign)->cells)
    if (auto build = storage::read_build(*settings.store, cell.build); build && *build)
      builds.push_back(**build);
  auto event = core::campaign_event(event_kind::campaign_finished, **campaign);
  event.at = settings.clock();
  event.outcome = core::judge_campaign(builds).outcome;
  event.state = "finished";
  storage::write_batch batch;
  batch.events.push_back(std::move(event));
  self->request(services.recorder, caf::infinite, std::move(batch)).then([](recorded) {});
}

/// At the start: the end of a campaign is no part of its last build's batch, so it may be missing.
void coordinator_state::tell_missed_ends(uint64_t last_event) {
  auto from = last_event - std::min<uint64_t>(last_event, limits::event_look_back);
  auto page = storage::read_events(*settings.store, from, limits::event_look_back,
                                   limits::event_look_back, core::is_campaign_news);
  if (!page) {
    spdlog::error("journal unreadable at the start: {}", page.error().text);
    return;
  }
  for (auto campaign : core::ends_not_told(page->events))
    if (!open_builds.contains(campaign))
      tell_end(campaign);
}

} // namespace drover
