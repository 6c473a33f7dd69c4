#pragma once
// What a change means for the journal: which entries it makes. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <set>
#include <string>
#include <vector>

namespace drover::core {

/// An entry about a build, its campaign and its builder filled in.
event_record about_build(event_kind kind, const build_record& build, wall_time at);

/// An entry about a host; the text is cut to what an entry holds.
event_record about_host(event_kind kind, const host_name& host, const std::string& text,
                        wall_time at);

/// What happened to a build between two states of its file, in the order in which people tell it.
/// `before` of a build that is new: a file without an id.
std::vector<event_record> build_events(const build_file& before, const build_file& after,
                                       wall_time at);

/// An entry about a campaign as it was made.
event_record campaign_event(event_kind kind, const campaign_record& campaign);

/// Whether an entry says that a campaign, or a build of one, is over.
bool is_campaign_news(const event_record& event);
/// Campaigns of which a build ended and no later entry says that the campaign did.
std::set<campaign_id> ends_not_told(const std::vector<event_record>& journal);

/// An entry about something new at a source.
event_record change_event(const change_record& change, wall_time at);

/// An entry for a new state of a host, `state` as shown.
event_record host_event(const host_name& host, host_state state, const std::string& reason,
                        wall_time at);

/// Whether a host's step from one state to the other belongs in the journal. A short silence does
/// not: a loaded farm has many, and its pages show them while they last.
bool is_told(host_state before, host_state after);

/// What a host did that no host may.
event_record misconduct_event(const host_name& host, const std::string& what, wall_time at);

/// What a person did to a host.
event_record host_order_event(const host_name& host, const std::string& by, const std::string& text,
                              wall_time at);

} // namespace drover::core
