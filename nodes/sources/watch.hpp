#pragma once
// Where changes come from, for real: folders and indexes of tarballs, hg and git repositories.
// SPDX-License-Identifier: Apache-2.0

#include "actors/ports.hpp"
#include "nodes/sources/command.hpp"

#include <map>
#include <mutex>

namespace drover::sources {

using known_test = std::function<bool(const std::string& identity)>;

/// The tarballs of a folder that match. A file counts once its size and time have stood still
/// (limits::tarball_settle), nobody holds a part of it under the same name (".part", ".tmp"), and
/// it is whole (whole.hpp); of one that is not the look's problem tells. Identity: name and
/// SHA-256, so that a second upload under an old name is a new change, flagged.
expected<source_look> look_at_folder(const source_spec& source, const string_map& cursor,
                                     const known_test& is_known, const stop_flag& stopping);

/// The same of an http(s) page that links to tarballs; downloads what is new into `folder`.
expected<source_look> look_at_index(const source_spec& source, const string_map& cursor,
                                    const known_test& is_known, const std::string& folder,
                                    const stop_flag& stopping);

/// Mirrors the repository below `folder` and finds moved branches; the newest revision of each is
/// an archive of its tree. The first look takes the heads only, not the history.
expected<source_look> look_at_repository(const source_spec& source, const string_map& cursor,
                                         const std::string& folder, const stop_flag& stopping);

/// The tree of any branch, tag or revision of a git or hg source, packed into a file below
/// `folder`. What has moved since the mirror was looked at is fetched first; if that can't be, what
/// the mirror has counts. An unknown name fails with the names that are near it.
expected<found_change> take_revision(const source_spec& source, const std::string& name,
                                     const std::string& folder, const stop_flag& stopping);

/// All of them behind one port. `folder` holds mirrors and what is on its way; relative folders of
/// sources are below `config_folder`.
class watcher : public source_port {
public:
  watcher(std::string folder, std::string config_folder);
  expected<source_look> look(const source_spec& source, const string_map& cursor,
                             const known_test& is_known) override;
  expected<std::string> read(const std::string& file, uint64_t offset, size_t max) override;
  void discard(const std::string& file) override;
  /// `take_revision`; waits for a look at the same source that is under way. From any thread.
  expected<found_change> take(const source_spec& source, const std::string& name);
  /// Fetches a file by http or https, as a change of a tarball called `name`. From any thread.
  expected<found_change> download_tarball(const std::string& url, const std::string& name);
  /// Ends what runs; later looks fail at once. From any thread.
  void stop() { stopping_ = true; }

private:
  std::optional<failure> make_folder() const;
  source_spec located(const source_spec& source) const;
  std::mutex& door_of(const source_spec& source);

  std::string folder_;
  std::string config_folder_;
  std::mutex doors_guard_;
  std::map<std::string, std::mutex> doors_; ///< one a mirror: git and hg write into it
  stop_flag stopping_{false};
};

} // namespace drover::sources
