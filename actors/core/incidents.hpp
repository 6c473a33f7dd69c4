#pragma once
// When people are told: what a build's end means for its builder, and which ends are one cause.
// Pure.
//
// An incident is a builder that is red at a place: a host or a class of hosts where the builder
// runs on each of them, else anywhere. While it is open nothing more is said unless the cause
// changes, and each cause is said once.
// SPDX-License-Identifier: Apache-2.0

#include "schema/incident.hpp"

#include <set>

namespace drover::core {

/// `none`: it says nothing new about the source: cancelled, skipped, lost with its host and
/// repeated, or a second opinion, which is told with the build that it judges.
enum class judgement : uint8_t { none, green, red };
/// `repeated`: another build repeats it.
judgement judge(const build_record& build, bool repeated);

/// What is equal as long as a build fails for the same cause: builder, step, result and the first
/// error, without the numbers in it. `error`: the log's most telling line; may be empty.
std::string cause_of(const build_file& file, const std::string& error);

/// Where its builder is red or green by it.
std::string place_of(const build_file& file, const campaign_record* campaign,
                     const std::string& host_class);

/// A build has ended.
struct build_news {
  uint64_t event = 0; ///< the journal's entry that says so
  wall_time at;
  std::string builder, place;
  build_id build;
  campaign_id campaign; ///< 0: none
  judgement how = judgement::none;
  std::string cause;  ///< of a red one
  std::string thread; ///< for a new incident
};

enum class turn : uint8_t {
  nothing, ///< the incident is as it was
  noted,   ///< it changed, and nobody is to be told
  to_tell, ///< a problem waits until `tell_at`
  over,    ///< a problem that people know of is over
};
struct incident_change {
  turn what = turn::nothing;
  incident_record incident;
};
/// `before`: null if nothing is known of this builder at this place. A build that is older than the
/// last one that was judged there changes nothing.
incident_change after_build(const incident_record* before, const build_news& news);

/// What becomes one notice: the same builder, red for the same cause, in the same campaign.
struct incident_group {
  std::vector<incident_record> members; ///< not empty; the first one opened is the first one
  bool another_cause = false;           ///< people know already that it is red
  /// Not empty: people know of this cause in this campaign; the members join that thread silently.
  std::string known_thread;
};
/// All that is to be told now. A problem waits for the other cells of its campaign until its
/// `tell_at`, unless the campaign is among `settled`; what shares its cause comes with it.
std::vector<incident_group> due_groups(const std::vector<incident_record>& all, wall_time now,
                                       const std::set<campaign_id>& settled);
/// When something waits at the latest; 0: nothing does.
wall_time next_due(const std::vector<incident_record>& all);

/// The incident once people know.
incident_record after_told(incident_record incident, const std::string& thread,
                           const std::vector<std::string>& authors);

/// Whether all incidents of a thread are over.
bool is_thread_over(const std::vector<incident_record>& all, const std::string& thread);

/// The name of a thread: of the farm, and of no other moment of its life.
std::string thread_name(const std::string& farm, uint64_t event, wall_time at);
/// Whether a notice is the first one of its thread.
bool begins_thread(const notice_record& notice);

// -- hosts ---------------------------------------------------------------------------------------

/// What an entry of the journal says of a host: `red` that it is out, `green` that it is in again.
judgement judge_host(const event_record& event);
/// The same for a host; `to_tell` is to be told at once.
incident_change after_host(const incident_record* before, const event_record& event,
                           const std::string& thread);

} // namespace drover::core
