// SPDX-License-Identifier: Apache-2.0
#include "actors/core/incidents.hpp"

#include "actors/core/explain/ending.hpp"
#include "schema/limits_notices.hpp"
#include "schema/names.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <tuple>

namespace drover::core {

namespace {

/// Numbers, addresses and times differ from run to run where the cause is the same.
std::string without_numbers(const std::string& line) {
  std::string out;
  for (char byte : line) {
    bool digit = std::isdigit(static_cast<unsigned char>(byte)) != 0;
    if (!digit)
      out.push_back(byte);
    else if (out.empty() || out.back() != '#')
      out.push_back('#');
  }
  return out;
}

bool knows(const incident_record& incident, const std::string& cause) {
  const auto& told = incident.causes_told;
  return std::find(told.begin(), told.end(), cause) != told.end();
}

void open_by(incident_record& incident, const build_news& news) {
  incident.open = true;
  incident.thread = news.thread;
  incident.since = news.at;
  incident.causes_told.clear();
  incident.authors_told.clear();
}

bool waits(const incident_record& incident) {
  return incident.open && incident.tell_at.ms != 0 && !incident.builder.empty();
}

bool is_due(const incident_record& incident, wall_time now, const std::set<campaign_id>& settled) {
  // A wall clock that was set back must not silence anybody.
  bool set_back = incident.tell_at.ms > now.ms + 2 * limits::notice_settle.count();
  return waits(incident)
         && (incident.tell_at <= now || set_back || settled.contains(incident.campaign));
}

/// Incidents with equal keys are one notice.
using group_key = std::tuple<std::string, campaign_id, std::string, std::string>;
group_key key_of(const incident_record& incident) {
  bool alone = incident.campaign.value == 0;
  bool fresh = incident.causes_told.empty();
  return {incident.builder, incident.campaign, incident.cause,
          alone || !fresh ? incident.thread : std::string{}};
}

} // namespace

judgement judge(const build_record& build, bool repeated) {
  if (build.opinion_of.value != 0)
    return judgement::none;
  switch (build.outcome) {
  case result::success:
  case result::warnings:
    return judgement::green;
  case result::failure:
  case result::exception:
  case result::timeout:
    return judgement::red;
  case result::host_lost:
    return repeated ? judgement::none : judgement::red;
  case result::none:
  case result::cancelled:
  case result::skipped:
    break;
  }
  return judgement::none;
}

std::string cause_of(const build_file& file, const std::string& error) {
  auto cause = file.build.builder + "\n" + std::string{to_string(file.build.outcome)};
  const auto* step = culprit(file, file.build.outcome);
  if (step == nullptr)
    return cause + "\n" + without_numbers(printable(file.build.reason, limits::reason_bytes_max));
  cause += "\n" + step->name + "\n";
  if (!error.empty())
    return cause + without_numbers(printable(error, limits::reason_bytes_max));
  return cause + std::to_string(step->exit_code);
}

std::string place_of(const build_file& file, const campaign_record* campaign,
                     const std::string& host_class) {
  const auto& build = file.build;
  switch (file.recipe.on.kind) {
  case placement_kind::any:
    return {};
  case placement_kind::each_host:
    return build.pinned.value.empty() ? build.host.value : build.pinned.value;
  case placement_kind::each_class:
    break;
  }
  if (campaign != nullptr)
    for (const auto& cell : campaign->cells)
      if (cell.build == build.id && !cell.host_class.empty())
        return printable(cell.host_class, limits::reason_bytes_max);
  return printable(host_class, limits::reason_bytes_max);
}

incident_change after_build(const incident_record* before, const build_news& news) {
  if (news.how == judgement::none || (before != nullptr && before->newest >= news.build))
    return {};
  incident_change out{turn::noted, before == nullptr ? incident_record{} : *before};
  auto& incident = out.incident;
  incident.builder = news.builder;
  incident.place = news.place;
  incident.newest = news.build;
  if (news.how == judgement::green) {
    incident.last_green = news.build;
    if (incident.open && !incident.causes_told.empty())
      out.what = turn::over;
    incident.open = false;
    incident.tell_at = {};
    return out;
  }
  if (!incident.open)
    open_by(incident, news);
  bool waits_already = incident.tell_at.ms != 0;
  bool same = waits_already && incident.cause == news.cause;
  incident.cause = news.cause;
  if (same)
    return out;
  incident.event = news.event;
  incident.campaign = news.campaign;
  incident.tell_at = {};
  if (knows(incident, news.cause))
    return out;
  out.what = turn::to_tell;
  incident.tell_at = news.at;
  if (news.campaign.value != 0)
    incident.tell_at.ms += limits::notice_settle.count();
  return out;
}

std::vector<incident_group> due_groups(const std::vector<incident_record>& all, wall_time now,
                                       const std::set<campaign_id>& settled) {
  std::map<group_key, incident_group> groups;
  for (const auto& incident : all)
    if (is_due(incident, now, settled))
      groups[key_of(incident)];
  for (const auto& incident : all) {
    auto group = groups.find(key_of(incident));
    if (group == groups.end() || !waits(incident))
      continue;
    group->second.members.push_back(incident);
    group->second.another_cause = !incident.causes_told.empty();
  }
  std::vector<incident_group> out;
  for (auto& [key, group] : groups) {
    std::sort(group.members.begin(), group.members.end(),
              [](const auto& a, const auto& b) { return a.event < b.event; });
    const auto& first = group.members.front();
    for (const auto& other : all)
      if (other.open && other.builder == first.builder && other.campaign == first.campaign
          && first.campaign.value != 0 && other.tell_at.ms == 0 && knows(other, first.cause))
        group.known_thread = other.thread;
    out.push_back(std::move(group));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a.members.front().event < b.members.front().event;
  });
  return out;
}

wall_time next_due(const std::vector<incident_record>& all) {
  wall_time next;
  for (const auto& incident : all)
    if (waits(incident) && (next.ms == 0 || incident.tell_at < next))
      next = incident.tell_at;
  return next;
}

incident_record after_told(incident_record incident, const std::string& thread,
                           const std::vector<std::string>& authors) {
  incident.thread = thread;
  incident.tell_at = {};
  if (incident.causes_told.size() == limits::causes_told_max)
    incident.causes_told.erase(incident.causes_told.begin());
  incident.causes_told.push_back(incident.cause);
  for (const auto& author : authors)
    if (std::find(incident.authors_told.begin(), incident.authors_told.end(), author)
          == incident.authors_told.end()
        && incident.authors_told.size() < limits::notice_authors_max)
      incident.authors_told.push_back(author);
  return incident;
}

bool is_thread_over(const std::vector<incident_record>& all, const std::string& thread) {
  return std::none_of(all.begin(), all.end(), [&](const incident_record& incident) {
    return incident.open && incident.thread == thread;
  });
}

std::string thread_name(const std::string& farm, uint64_t event, wall_time at) {
  std::string name;
  for (char byte : farm) // letters, digits and '-' are safe in a Message-ID and everywhere else
    name.push_back(std::isalnum(static_cast<unsigned char>(byte)) != 0 ? byte : '-');
  return name + "-" + std::to_string(event) + "-" + std::to_string(at.ms);
}

bool begins_thread(const notice_record& notice) {
  if (notice.kind == notice_kind::test)
    return true;
  auto last = notice.thread.rfind('-');
  if (last == std::string::npos || last == 0)
    return true;
  auto before = notice.thread.rfind('-', last - 1);
  return before == std::string::npos
         || notice.thread.substr(before + 1, last - before - 1) == std::to_string(notice.event);
}

// -- hosts ---------------------------------------------------------------------------------------

judgement judge_host(const event_record& event) {
  if (event.host.value.empty())
    return judgement::none;
  if (event.kind == event_kind::host_quarantined)
    return judgement::red;
  if (event.kind == event_kind::host_released)
    return judgement::green;
  if (event.kind == event_kind::host_changed && event.state == to_string(host_state::quarantined))
    return judgement::red;
  if (event.kind == event_kind::host_changed && event.state == to_string(host_state::up))
    return judgement::green;
  return judgement::none;
}

incident_change after_host(const incident_record* before, const event_record& event,
                           const std::string& thread) {
  auto how = judge_host(event);
  bool was_out = before != nullptr && before->open;
  if (how == judgement::none || (how == judgement::red) == was_out)
    return {};
  incident_change out{turn::over, before == nullptr ? incident_record{} : *before};
  auto& incident = out.incident;
  incident.place = event.host.value;
  incident.open = how == judgement::red;
  incident.event = event.sequence;
  if (how == judgement::green)
    return out;
  out.what = turn::to_tell;
  incident.thread = thread;
  incident.since = event.at;
  incident.cause = event.text;
  return out;
}

} // namespace drover::core
