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

/// Builds of the same work: of the same builder, from the same source and parameters. What differs
/// in its mark is not the same: a glance tells that of most.
size_t mark_of_work(const build_record& build);
bool same_work(const build_record& a, const build_record& b);

/// A build as far as it was read.
struct past_build {
  core::build_ending ending; ///< `build` at once and without artifacts; the rest by `end_of`
  size_t work = 0;           ///< its mark
  bool settled = false;      ///< the rest of `ending` is read, and changes no more
  bool log_open = false;     ///< all but the log is: of a lost attempt more of it may come
  bool never_asked = false;  ///< no second opinion on it is possible, ever; by `end_of`
  attempt_id searched;       ///< whose log gave `ending.error`
  uint64_t log_bytes = 0;    ///< so much of it
};

/// Failures are compared with dozens of ends. Those change no more, so they are read once: the
/// newest at the start, later ones as each ends. Only that they are still there is asked again:
/// nobody has to tell that a build was deleted.
class past_builds {
public:
  using item = std::shared_ptr<past_build>;

  void open(std::shared_ptr<const storage::store> store) { store_ = std::move(store); }

  /// Reads the builds that are newer than all that were read before. False, with a line in the
  /// log: the store failed, and not all is known.
  bool look_for_new();
  /// It is over; its record as it is now.
  item learn(build_record over);
  void forget(build_id build);
  /// One that was not over when it was read, as it is now. Nothing: it is not there any more, or,
  /// with a line in the log, can't be read.
  item read_again(const item& build);

  /// Builds of the same work that are near enough to be compared, newest first, itself among them;
  /// red ones of other work of the builder before it, newest first, `most` at most: both as far as
  /// they are known.
  std::vector<item> same_near(const build_record& build) const;
  std::vector<item> red_before(const build_record& build, size_t most) const;
  /// All that are known, by builder.
  const std::map<std::string, std::map<build_id, item>>& all() const { return by_builder_; }

  /// A failure of the store leaves parts out, with a line in the log.
  const core::build_ending& end_of(const item& build);
  /// What is not is forgotten. Where the store can't tell it counts as there.
  bool is_there(const item& build);
  /// Whether something that was asked for since the last call could not be read.
  bool missed_something() { return std::exchange(missed_, false); }

private:
  /// What was read, or nothing with a line in the log and a note that it is missing.
  template <class Value>
  std::optional<Value> take(expected<Value> found, const build_record& build) {
    missed_ |= !found;
    return readable(std::move(found), build);
  }
  item renew(build_record record);
  void read_steps(past_build& one);
  void read_error(past_build& one, const attempt_id& attempt);

  std::shared_ptr<const storage::store> store_;
  std::map<build_id, item> remembered_;
  // The same ones:
  std::map<std::string, std::map<build_id, item>> by_builder_;
  std::map<size_t, std::map<build_id, item>> by_work_; ///< by its mark
  build_id newest_;                                    ///< that `look_for_new` has seen
  bool missed_ = false;
};

} // namespace drover
