// SPDX-License-Identifier: Apache-2.0
#include "storage/unsealed.hpp"

#include "storage/keys.hpp"
#include "storage/tables.hpp"

#include <algorithm>
#include <limits>

namespace drover::storage {

namespace {

expected<bool> has_ended(const store& from, attempt_id attempt) {
  auto file = read_build_file(from, attempt.build);
  if (!file)
    return file.error();
  if (!*file)
    return true; // retention has taken its records, and takes the log next
  for (const auto& step : (*file)->steps)
    for (const auto& one : step.attempts)
      if (step.index == attempt.step && one.number == attempt.attempt)
        return one.state == attempt_state::finished || one.state == attempt_state::lost;
  return false;
}

} // namespace

expected<std::vector<unsealed_log>> read_unsealed(const store& from) {
  std::vector<unsealed_log> logs;
  auto start = std::string{static_cast<char>(keys::tag::log_chunk)};
  while (true) {
    std::optional<attempt_id> found;
    auto visit = [&](std::string_view key, std::string_view) {
      if (auto position = keys::read_log_chunk(key))
        found = position->attempt;
      return false;
    };
    if (auto problem = from.scan(family::log, start, keys::end_of(keys::tag::log_chunk),
                                 scan_order::ascending, visit))
      return *problem;
    if (!found)
      return logs;
    auto ended = has_ended(from, *found);
    if (!ended)
      return ended.error();
    logs.push_back({*found, *ended});
    start = keys::after(keys::log_chunk({*found, std::numeric_limits<uint64_t>::max()}));
  }
}

} // namespace drover::storage
