#pragma once
// Small words that sentences for people are made of. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace drover::core {

/// 'name', fit to be shown.
std::string in_quotes(std::string_view name);
/// Foreign text as one line of at most limits::reason_bytes_max.
std::string one_line(std::string_view text);
/// "host lost" for result::host_lost: as people write it.
std::string plain(result outcome);
/// "the code's": whose fault it is, as people say it.
std::string blame_words(blame fault);
/// "2026-01-31 12:00:01 UTC"; empty for "not yet".
std::string moment(wall_time when);
/// "3.2 s" between two moments; empty if one of them is not known.
std::string span_between(wall_time from, wall_time to);
/// "1 build", "2 builds".
std::string counted(size_t count, const std::string& noun);
std::string joined(const std::vector<std::string>& parts, std::string_view separator);
/// "h1", "h1 or h2", "h1, h2 or 7 more".
std::string any_of_them(const std::vector<std::string>& names);
/// "2nd", "11th".
std::string ordinal(size_t number);
/// "SIGSEGV, a segmentation fault" for 11; empty for a signal that has no meaning of its own.
std::string signal_words(int number);
/// What an exit code says beside its number: of the shell, or of a signal; empty if nothing.
std::string exit_code_words(int32_t exit_code);

/// "build 12 of check".
std::string subject_of(const build_record& build);

} // namespace drover::core
