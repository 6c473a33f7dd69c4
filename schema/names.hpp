#pragma once
// Names: what may be a name, how results and states are written, how ids are read. One place.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"
#include "schema/model.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace drover {

/// Names of hosts, builders, steps, sources: 1 to limits::name_bytes_max of [A-Za-z0-9._-], the
/// first one a letter, digit or underscore, so that a name is also a file name and never "..".
bool valid_name(std::string_view name);
/// Says what is wrong with `name`, or nothing. `what` begins the sentence: "builder", "host" ...
std::optional<std::string> name_problem(std::string_view what, std::string_view name);

std::string_view to_string(result value);
std::string_view to_string(build_state value);
std::string_view to_string(step_state value);
std::string_view to_string(attempt_state value);
std::string_view to_string(host_state value);
std::string_view to_string(source_kind value);
std::string_view to_string(event_kind value);
std::string_view to_string(param_kind value);
std::string_view to_string(hold_kind value);
std::string_view to_string(blame value);
std::string_view to_string(host_stage value);
std::string_view to_string(ladder_rung value);
std::string_view to_string(notice_kind value);
std::string_view to_string(notice_state value);
/// The kind that `to_string` writes like this.
std::optional<event_kind> parse_event_kind(std::string_view text);

/// "12" and "c3", as people write them.
std::string to_string(build_id id);
std::string to_string(campaign_id id);
/// "12/0/1": build, step, attempt; also the name of the attempt's folder with '-' for '/'.
std::string to_string(attempt_id id);
std::optional<build_id> parse_build_id(std::string_view text);
/// Takes "c3" and "3".
std::optional<campaign_id> parse_campaign_id(std::string_view text);

/// RFC 3339 in UTC with milliseconds, "2026-01-31T12:00:00.000Z"; empty for "not yet".
std::string to_string(wall_time when);

/// Makes foreign bytes fit to be shown in one line: control characters, invalid UTF-8 and bidi
/// controls become "\xNN" escapes or U+FFFD; at most `bytes_max`, cut with "...".
std::string printable(std::string_view bytes, size_t bytes_max);

} // namespace drover
