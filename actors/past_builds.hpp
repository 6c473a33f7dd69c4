#pragma once
// What failures are compared with: how builds near them ended, read from the store once.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/blame.hpp"
#include "storage/store.hpp"

#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace drover {

/// A line in the log: something that tells of this build is missing in the comparison.
void cannot_read(const build_record& build, const failure& why);

/// What was read, or nothing with a line in the log: a verdict from less is better than none.
template <class Value>
std::optional<Value> readable(expected<Value> found, const build_record& build) {
  if (found)
    return std::move(*found);
  cannot_read(build, found.error());
  return std::nullopt;
}

/// A build as far as it was read.
struct past_build {
  core::build_ending ending; ///< `build` at once and without artifacts; the rest by `end_of`
  std::string bytes;         ///< that `build` was decoded from
  bool settled = false;      ///< the rest of `ending` is read, and changes no more
  attempt_id searched;       ///< whose log gave `ending.error`
  uint64_t log_bytes = 0;    ///< so much of it
};

/// Each end of a build is compared with dozens of others. Most of them are over and change no more,
/// so that decoding their records, steps, tests and logs again and again would be most of the work.
/// The store is asked each time which builds there are and whether their records are the same
/// bytes: nobody has to tell of changes, and a build that is deleted is forgotten by itself.
class past_builds {
public:
  using item = std::shared_ptr<past_build>;

  void open(std::shared_ptr<const storage::store> store) { store_ = std::move(store); }

  /// Builds of the same builder around this one, newest first, itself among them. A failure of the
  /// store leaves parts out, with a line in the log; so does that of `end_of`.
  std::vector<item> around(const build_record& build);
  const core::build_ending& end_of(const item& build);

private:
  item renew(build_record record, std::string_view bytes);
  void read_steps(past_build& one) const;
  void read_error(past_build& one, const step_record& step, const attempt_record& attempt) const;

  std::shared_ptr<const storage::store> store_;
  std::map<build_id, item> remembered_;
};

} // namespace drover
