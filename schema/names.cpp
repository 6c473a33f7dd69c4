// SPDX-License-Identifier: Apache-2.0
#include "schema/names.hpp"

#include "schema/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <utility>

namespace drover {
namespace {

bool letter_digit_or_underscore(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool name_char(char c) {
  return letter_digit_or_underscore(c) || c == '.' || c == '-';
}

/// Plain decimal, without sign, blanks or leading zeros, so that one id has one spelling.
std::optional<uint64_t> parse_counted(std::string_view text) {
  if (text.empty() || text.front() == '0')
    return std::nullopt;
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

struct code_point {
  uint32_t value = 0;
  size_t bytes = 0; ///< 0: no valid UTF-8 here
};

/// What a lead byte announces; 0 bytes for one that can't begin a character.
code_point lead_of(unsigned char lead) {
  if (lead < 0x80)
    return {lead, 1};
  if (lead >= 0xC2 && lead <= 0xDF)
    return {lead & 0x1Fu, 2};
  if (lead >= 0xE0 && lead <= 0xEF)
    return {lead & 0x0Fu, 3};
  if (lead >= 0xF0 && lead <= 0xF4)
    return {lead & 0x07u, 4};
  return {};
}

/// Decodes the character at the front of `bytes`, which is not empty. Overlong forms, surrogates
/// and values beyond U+10FFFF are not valid.
code_point decode(std::string_view bytes) {
  auto result = lead_of(static_cast<unsigned char>(bytes.front()));
  if (result.bytes > bytes.size())
    return {};
  for (size_t i = 1; i < result.bytes; ++i) {
    auto byte = static_cast<unsigned char>(bytes[i]);
    if ((byte & 0xC0u) != 0x80u)
      return {};
    result.value = (result.value << 6) | (byte & 0x3Fu);
  }
  bool overlong =
    (result.bytes == 3 && result.value < 0x800) || (result.bytes == 4 && result.value < 0x10000);
  bool surrogate = result.value >= 0xD800 && result.value <= 0xDFFF;
  if (overlong || surrogate || result.value > 0x10FFFF)
    return {};
  return result;
}

/// Characters that move the cursor, start an escape sequence, break the line or reorder what a
/// reader sees (bidi controls), all of which foreign text could abuse.
bool unprintable(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x061C || c == 0x200E || c == 0x200F
         || c == 0x2028 || c == 0x2029 || (c >= 0x202A && c <= 0x202E)
         || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr std::string_view ellipsis = "...";

} // namespace

bool valid_name(std::string_view name) {
  return !name_problem("", name);
}

std::optional<std::string> name_problem(std::string_view what, std::string_view name) {
  if (name.empty())
    return fmt::format("{} name is empty", what);
  if (name.size() > limits::name_bytes_max)
    return fmt::format("{} name '{}' has {} bytes, at most {} are allowed", what,
                       printable(name, limits::name_bytes_max), name.size(),
                       limits::name_bytes_max);
  if (!letter_digit_or_underscore(name.front()))
    return fmt::format("{} name '{}' must begin with a letter, a digit or '_'", what,
                       printable(name, limits::name_bytes_max));
  for (size_t i = 0; i < name.size();) {
    if (name_char(name[i])) {
      ++i;
      continue;
    }
    auto bad = name.substr(i, std::max<size_t>(1, decode(name.substr(i)).bytes));
    return fmt::format("{} name '{}' has '{}', use letters, digits, '.', '_' and '-'", what,
                       printable(name, limits::name_bytes_max), printable(bad, 8));
  }
  return std::nullopt;
}

std::string_view to_string(result value) {
  switch (value) {
  case result::none:
    return "none";
  case result::success:
    return "success";
  case result::warnings:
    return "warnings";
  case result::failure:
    return "failure";
  case result::exception:
    return "exception";
  case result::host_lost:
    return "host_lost";
  case result::timeout:
    return "timeout";
  case result::cancelled:
    return "cancelled";
  case result::skipped:
    return "skipped";
  }
  return "unknown";
}

std::string_view to_string(build_state value) {
  switch (value) {
  case build_state::queued:
    return "queued";
  case build_state::waiting:
    return "waiting";
  case build_state::running:
    return "running";
  case build_state::finished:
    return "finished";
  }
  return "unknown";
}

std::string_view to_string(step_state value) {
  switch (value) {
  case step_state::pending:
    return "pending";
  case step_state::waiting:
    return "waiting";
  case step_state::running:
    return "running";
  case step_state::finished:
    return "finished";
  }
  return "unknown";
}

std::string_view to_string(attempt_state value) {
  switch (value) {
  case attempt_state::granted:
    return "granted";
  case attempt_state::running:
    return "running";
  case attempt_state::finished:
    return "finished";
  case attempt_state::lost:
    return "lost";
  }
  return "unknown";
}

std::string_view to_string(host_state value) {
  switch (value) {
  case host_state::joining:
    return "joining";
  case host_state::up:
    return "up";
  case host_state::suspect:
    return "suspect";
  case host_state::lost:
    return "lost";
  case host_state::draining:
    return "draining";
  case host_state::paused:
    return "paused";
  case host_state::quarantined:
    return "quarantined";
  }
  return "unknown";
}

std::string_view to_string(source_kind value) {
  switch (value) {
  case source_kind::none:
    return "none";
  case source_kind::tarball:
    return "tarball";
  case source_kind::hg:
    return "hg";
  case source_kind::git:
    return "git";
  case source_kind::set:
    return "set";
  case source_kind::timer:
    return "timer";
  }
  return "unknown";
}

namespace {

constexpr std::pair<event_kind, std::string_view> event_names[] = {
  {event_kind::farm_started, "farm_started"},
  {event_kind::config_loaded, "config_loaded"},
  {event_kind::build_submitted, "build_submitted"},
  {event_kind::build_started, "build_started"},
  {event_kind::build_finished, "build_finished"},
  {event_kind::step_started, "step_started"},
  {event_kind::step_finished, "step_finished"},
  {event_kind::attempt_lost, "attempt_lost"},
  {event_kind::cancel_requested, "cancel_requested"},
  {event_kind::campaign_created, "campaign_created"},
  {event_kind::campaign_finished, "campaign_finished"},
  {event_kind::host_changed, "host_changed"},
  {event_kind::host_ordered, "host_ordered"},
  {event_kind::token_changed, "token_changed"},
  {event_kind::store_kept, "store_kept"},
  {event_kind::change_seen, "change_seen"},
  {event_kind::source_failed, "source_failed"},
  {event_kind::source_back, "source_back"},
  {event_kind::ladder_climbed, "ladder_climbed"},
  {event_kind::host_quarantined, "host_quarantined"},
  {event_kind::host_released, "host_released"},
  {event_kind::build_poisoned, "build_poisoned"},
  {event_kind::attempt_hedged, "attempt_hedged"},
  {event_kind::herd_alarm, "herd_alarm"},
  {event_kind::user_changed, "user_changed"},
  {event_kind::signed_in, "signed_in"},
  {event_kind::notice_made, "notice_made"},
  {event_kind::notice_failed, "notice_failed"},
  {event_kind::step_reused, "step_reused"},
  {event_kind::opinion_asked, "opinion_asked"},
  {event_kind::blame_changed, "blame_changed"},
  {event_kind::artifacts_dropped, "artifacts_dropped"},
  {event_kind::host_joined, "host_joined"},
  {event_kind::host_stage_changed, "host_stage_changed"},
  {event_kind::host_revoked, "host_revoked"},
  {event_kind::host_misbehaved, "host_misbehaved"},
};

} // namespace

std::string_view to_string(event_kind value) {
  for (const auto& [kind, name] : event_names)
    if (kind == value)
      return name;
  return "unknown";
}

std::optional<event_kind> parse_event_kind(std::string_view text) {
  for (const auto& [kind, name] : event_names)
    if (name == text)
      return kind;
  return std::nullopt;
}

std::string_view to_string(param_kind value) {
  constexpr std::string_view names[] = {"text", "choice", "number", "yes_no"};
  return names[static_cast<size_t>(value)];
}

std::string_view to_string(hold_kind value) {
  constexpr std::string_view names[] = {"none", "drain", "pause", "quarantine", "health"};
  return names[static_cast<size_t>(value)];
}

std::string_view to_string(blame value) {
  constexpr std::string_view names[] = {"none", "code", "host", "network", "environment", "flaky"};
  return names[static_cast<size_t>(value)];
}

std::string_view to_string(host_stage value) {
  constexpr std::string_view names[] = {"trusted", "probation", "retired"};
  return names[static_cast<size_t>(value)];
}

std::string_view to_string(ladder_rung value) {
  constexpr std::string_view names[] = {"none", "agent", "reboot", "power", "given up"};
  return names[static_cast<size_t>(value)];
}

std::string_view to_string(notice_kind value) {
  constexpr std::string_view names[] = {
    "", "problem", "recovery", "finished", "quarantined", "host_back", "test"};
  return names[static_cast<size_t>(value)];
}

std::string_view to_string(notice_state value) {
  constexpr std::string_view names[] = {"waiting", "delivered", "failed"};
  return names[static_cast<size_t>(value)];
}

std::string to_string(build_id id) {
  return std::to_string(id.value);
}

std::string to_string(campaign_id id) {
  return fmt::format("c{}", id.value);
}

std::string to_string(attempt_id id) {
  return fmt::format("{}/{}/{}", id.build.value, id.step.value, id.attempt.value);
}

std::optional<build_id> parse_build_id(std::string_view text) {
  auto number = parse_counted(text);
  return number ? std::optional{build_id{*number}} : std::nullopt;
}

std::optional<campaign_id> parse_campaign_id(std::string_view text) {
  if (!text.empty() && text.front() == 'c')
    text.remove_prefix(1);
  auto number = parse_counted(text);
  return number ? std::optional{campaign_id{*number}} : std::nullopt;
}

std::string to_string(wall_time when) {
  if (when.ms == 0)
    return {};
  // Floor towards the past, so that milliseconds are 0 to 999 before 1970, too.
  int64_t ms = when.ms % 1000;
  int64_t seconds = when.ms / 1000;
  if (ms < 0) {
    ms += 1000;
    seconds -= 1;
  }
  std::tm parts{};
  auto since_1970 = static_cast<std::time_t>(seconds);
  if (gmtime_r(&since_1970, &parts) == nullptr)
    return "out of range";
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", int64_t{parts.tm_year} + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     ms);
}

std::string printable(std::string_view bytes, size_t bytes_max) {
  std::string out;
  size_t fits = 0; // the longest prefix of `out` that leaves room for the ellipsis
  while (!bytes.empty()) {
    auto here = decode(bytes);
    auto taken = std::max<size_t>(1, here.bytes);
    if (here.bytes == 0)
      out += replacement;
    else if (here.bytes == 1 && unprintable(here.value))
      out += fmt::format("\\x{:02X}", here.value);
    else if (unprintable(here.value))
      for (char byte : bytes.substr(0, taken))
        out += fmt::format("\\x{:02X}", static_cast<unsigned char>(byte));
    else
      out += bytes.substr(0, taken);
    if (out.size() > bytes_max) {
      out.resize(fits);
      out += ellipsis.substr(0, bytes_max - std::min(bytes_max, fits));
      return out;
    }
    if (out.size() + ellipsis.size() <= bytes_max)
      fits = out.size();
    bytes.remove_prefix(taken);
  }
  return out;
}

} // namespace drover
