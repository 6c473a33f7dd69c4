// SPDX-License-Identifier: Apache-2.0
#include "actors/core/health.hpp"

#include "actors/core/liveness.hpp"
#include "schema/limits_healing.hpp"

namespace drover::core {

namespace {

std::string mebibytes(uint64_t bytes) {
  return std::to_string(bytes / (1024 * 1024)) + " MiB";
}

} // namespace

std::string trouble_of(const vital_signs& seen, bool was_in_trouble) {
  uint64_t margin = was_in_trouble ? 2 : 1;
  if (seen.disk_free && *seen.disk_free < margin * limits::health_disk_min)
    return "only " + mebibytes(*seen.disk_free) + " of disk are free, it needs "
           + mebibytes(2 * limits::health_disk_min);
  if (seen.inodes_free && *seen.inodes_free < margin * limits::health_inodes_min)
    return "only " + std::to_string(*seen.inodes_free) + " inodes are free, it needs "
           + std::to_string(2 * limits::health_inodes_min);
  if (seen.memory_free && *seen.memory_free < margin * limits::health_memory_min)
    return "only " + mebibytes(*seen.memory_free) + " of memory are free, it needs "
           + mebibytes(2 * limits::health_memory_min);
  if (seen.load && seen.cores > 0) {
    auto most = static_cast<double>(seen.cores * limits::health_load_per_core_max)
                / static_cast<double>(margin);
    if (*seen.load > most)
      return "its load of " + std::to_string(static_cast<uint64_t>(*seen.load)) + " on "
             + std::to_string(seen.cores) + " cores is above "
             + std::to_string(static_cast<uint64_t>(most));
  }
  return seen.compiler_trouble;
}

std::string clock_trouble(int64_t told_ms, int64_t earliest_ms, int64_t latest_ms) {
  auto borne = limits::clock_offset_borne.count();
  if (told_ms > latest_ms + borne)
    return "its clock is " + spoken(milliseconds{told_ms - latest_ms}) + " ahead";
  if (told_ms < earliest_ms - borne)
    return "its clock is " + spoken(milliseconds{earliest_ms - told_ms}) + " behind";
  return {};
}

} // namespace drover::core
