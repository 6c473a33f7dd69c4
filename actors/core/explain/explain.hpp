#pragma once
// Why a build, a host or a campaign stands where it stands: one sentence, then the evidence. Pure.
//
// Everything that shows a reason takes it from here: lists, tables, `drover why`, events, mail.
// What is stored as a build's reason is the sentence without its subject (ending.hpp, waiting.hpp).
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/explain/waiting.hpp"
#include "schema/model.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace drover::core {

struct explanation {
  std::string sentence;              ///< without a final full stop
  std::vector<std::string> evidence; ///< one line each, in the order of their weight
  friend bool operator==(const explanation&, const explanation&) = default;
};

/// What is known around a build beside its own records; whatever is not known stays empty.
struct build_surroundings {
  wall_time now;
  milliseconds quiet{-1};        ///< how long the running step has printed nothing; -1: not known
  std::optional<host_view> host; ///< the one where the build is
  std::string log_tail;          ///< the end of the telling step's log; foreign bytes
  std::optional<build_record> last_good; ///< the newest good one of the same builder before it
  size_t searched = 0;                 ///< builds of the same builder that were looked at for that
  std::vector<build_record> elsewhere; ///< finished ones of the same builder and source, not it
  std::vector<build_id> retry_chain;   ///< what it repeats, then what that repeats ...
  std::vector<build_id> retried_by;    ///< what repeats it
  std::vector<build_record> opinions;  ///< that were asked on it, whatever their state
  uint64_t generation = 0;             ///< of the config in force; 0: not known
  std::string short_of_room;           ///< why the store takes nothing new; empty: it does
  std::vector<std::string> problems;   ///< what could not be read, one sentence each
};

/// `now`: what the coordinator says of a build that is not finished; may be missing.
explanation explain_build(const build_file& file, const waiting_view* now,
                          const build_surroundings& around);

/// The sentence alone, from the record alone: for lists, mail and the cells of a campaign.
std::string build_sentence(const build_record& build);

/// An attempt that a host holds, as people know it.
struct host_work {
  attempt_id attempt;
  std::string builder; ///< empty: not known
  std::string step;
  wall_time started_at;
};

struct host_surroundings {
  wall_time now;
  std::vector<host_work> work;
  std::vector<event_record> journal; ///< what was last written about it, newest first
  std::string revoked;               ///< who took its certificates back, and why; empty: nobody
  std::vector<std::string> problems; ///< as above
};

explanation explain_host(const host_view& host, const host_surroundings& around);

// -- campaigns -----------------------------------------------------------------------------------

/// The worse of two results: the one that a campaign shows. `none` yields to any other.
result worse(result a, result b);

/// A campaign over its builds: running until all are over, then the worst of its cells. A cell
/// without a build doesn't count; a campaign without any build is finished and `skipped`.
struct campaign_verdict {
  build_state state = build_state::running;
  result outcome = result::none;
  friend bool operator==(const campaign_verdict&, const campaign_verdict&) = default;
};
campaign_verdict judge_campaign(const std::vector<build_record>& builds);

/// Why this cell is not green; empty if it is. `build`: null for a hole.
std::string explain_cell(const campaign_cell& cell, const build_record* build);

/// `builds`: of its cells, with the coordinator's view of those that are not finished.
explanation explain_campaign(const campaign_record& campaign,
                             const std::vector<build_record>& builds);

} // namespace drover::core
