#pragma once
// Reading the farm's answers: fields as text, times as people say them, results as good or bad.
// SPDX-License-Identifier: Apache-2.0

#include "tools/drover/table.hpp"
#include "tools/drover/terminal.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace drover::cli {

using json = nlohmann::ordered_json;

/// A field as text: strings as they are, numbers written out, null or absent: `otherwise`.
std::string field_text(const json& object, const std::string& name, const std::string& otherwise);
/// The field as a number; `otherwise` if it is none.
int64_t field_number(const json& object, const std::string& name, int64_t otherwise);
/// The object or list of that name; an empty one of its kind if it is not there.
json field_object(const json& object, const std::string& name);
json field_list(const json& object, const std::string& name);

/// Milliseconds since 1970 of "2026-01-31T12:00:00.000Z", or nothing.
std::optional<int64_t> parse_time(const std::string& text);
int64_t now_ms();
/// "350 ms", "3.2 s", "4 min 3 s", "2 h 5 min", "3 d 4 h".
std::string duration_text(int64_t ms);
/// "3.2 s" between two RFC 3339 times of an answer; `to` null: empty.
std::string time_between(const json& object, const std::string& from, const std::string& to);
/// "2026-01-31 12:00:00" of an RFC 3339 time.
std::string short_time(const std::string& rfc3339);
/// When that was: "3 min ago" on a terminal, else `short_time`, which does not change by itself.
std::string when_text(const json& object, const std::string& name, const screen& out);
/// How long it took, from started_at to finished_at; on a terminal what runs shows its time so far.
std::string took_text(const json& object, const screen& out);
/// "12.3 MiB".
std::string size_text(uint64_t bytes);

/// Whether a finished build's or campaign's result is good.
bool is_green(const json& finished);
/// Whether a build, step or campaign is over.
bool is_over(const json& thing);
/// The result where there is one, else the state: what a person wants to see first.
cell verdict_cell(const json& thing);

/// Lines "  label   value", each value wrapped to the screen; what is empty is left out.
class fact_sheet {
public:
  fact_sheet(size_t label_width, const screen& out) : label_width_{label_width}, out_{out} {}
  void add(const std::string& label, const std::string& value);
  const std::string& text() const { return text_; }

private:
  size_t label_width_;
  const screen& out_;
  std::string text_;
};

} // namespace drover::cli
