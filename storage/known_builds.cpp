// SPDX-License-Identifier: Apache-2.0
#include "storage/known_builds.hpp"

#include "schema/record_codec.hpp"
#include "storage/read_records.hpp"

namespace drover::storage {

expected<std::vector<build_record>> builds_after(const store& from, build_id after, size_t rows) {
  key_range newest_first{keys::build({after.value + 1}), keys::build({highest_id}),
                         scan_order::descending, rows};
  auto builds =
    read_range(from, newest_first, record::decode_build, [](const build_record&) { return true; });
  if (!builds)
    return about("builds", builds.error());
  return builds;
}

expected<bool> has_build(const store& from, build_id build) {
  auto bytes = from.get(family::history, keys::build(build));
  if (!bytes)
    return about("builds", bytes.error());
  return bytes->has_value();
}

} // namespace drover::storage
