// SPDX-License-Identifier: Apache-2.0
#include "storage/known_builds.hpp"

#include "schema/record_codec.hpp"
#include "storage/read_records.hpp"

namespace drover::storage {

std::optional<failure> visit_builds(const store& from, build_id before, size_t rows,
                                    const build_visitor& visitor) {
  std::optional<failure> problem;
  auto visit = [&](std::string_view key, std::string_view bytes) {
    if (rows == 0)
      return false;
    --rows;
    auto id = keys::read_build(key);
    if (!id)
      problem = failure{ec::damaged, "builds: a key is malformed; run admin verify"};
    else if (!visitor.known(*id, bytes)) {
      if (auto build = record::decode_build(bytes))
        visitor.fresh(*std::move(build), bytes);
      else
        problem = about("builds", build.error());
    }
    return !problem;
  };
  build_id end{before.value == 0 ? highest_id : before.value};
  auto failed =
    from.scan(family::history, keys::build({0}), keys::build(end), scan_order::descending, visit);
  return failed ? failed : problem;
}

expected<bool> has_build(const store& from, build_id build) {
  auto bytes = from.get(family::history, keys::build(build));
  if (!bytes)
    return about("builds", bytes.error());
  return bytes->has_value();
}

} // namespace drover::storage
