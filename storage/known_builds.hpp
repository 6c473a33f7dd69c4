#pragma once
// A walk over builds for those who remember most of them: only what is new or changed is decoded.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"
#include "storage/store.hpp"

#include <functional>

namespace drover::storage {

/// Who walks: `known` is asked first, with the stored bytes; where it answers false the record is
/// decoded and given to `fresh`.
struct build_visitor {
  std::function<bool(build_id, std::string_view bytes)> known;
  std::function<void(build_record, std::string_view bytes)> fresh;
};

/// Goes over the builds before `before` (0: all), newest first, `rows` at most.
std::optional<failure> visit_builds(const store& from, build_id before, size_t rows,
                                    const build_visitor& visitor);

/// Whether it has a record, which is not decoded.
expected<bool> has_build(const store& from, build_id build);

} // namespace drover::storage
