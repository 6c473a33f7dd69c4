// Watched folders of tarballs.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/look_problem.hpp"
#include "nodes/process.hpp"
#include "nodes/sha256.hpp"
#include "nodes/sources/tarball_names.hpp"
#include "nodes/sources/watch.hpp"
#include "nodes/sources/whole.hpp"
#include "schema/limits_sources.hpp"
#include "schema/names.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace drover::sources {

namespace {

namespace fs = std::filesystem;

/// Marks in the cursor what was seen to be cut off, as it looked.
const std::string cut_off = "cut ";

/// What a file looked like: as long as this stays the same, its content does.
std::string stamp_of(const struct stat& seen) {
  return std::to_string(seen.st_size) + " " + std::to_string(seen.st_mtim.tv_sec) + "."
         + std::to_string(seen.st_mtim.tv_nsec) + " " + std::to_string(seen.st_ino);
}

bool has_settled(const struct stat& seen) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  auto age_ms =
    (now.tv_sec - seen.st_mtim.tv_sec) * 1000 + (now.tv_nsec - seen.st_mtim.tv_nsec) / 1'000'000;
  return age_ms >= limits::tarball_settle.count() || age_ms < 0; // a clock that was set back
}

struct candidate {
  std::string path;
  struct stat seen {};
};

/// Regular files that match, by name.
expected<std::map<std::string, candidate>> list_folder(const source_spec& source) {
  std::map<std::string, candidate> files;
  std::error_code error;
  fs::directory_iterator entries{source.location, error};
  if (error)
    return failure{ec::unavailable, "folder " + source.location + ": " + error.message()};
  for (const auto& entry : entries) {
    auto name = entry.path().filename().string();
    candidate file{entry.path().string(), {}};
    if (!is_candidate(name, source.match) || lstat(file.path.c_str(), &file.seen) != 0
        || !S_ISREG(file.seen.st_mode) || file.seen.st_size == 0)
      continue;
    if (files.size() >= limits::source_files_max)
      return failure{ec::refused, "folder " + source.location + " has more than "
                                    + std::to_string(limits::source_files_max) + " tarballs"};
    files.emplace(name, file);
  }
  return files;
}

expected<file_digest> digest_at(const std::string& path) {
  owned_fd file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!file.valid())
    return system_failure(path);
  return digest_of_file(file.get());
}

} // namespace

expected<source_look> look_at_folder(const source_spec& source, const string_map& cursor,
                                     const known_test& is_known, const stop_flag& stopping) {
  auto files = list_folder(source);
  if (!files)
    return files.error();
  source_look look;
  for (const auto& [name, file] : *files) {
    auto stamp = stamp_of(file.seen);
    auto before = cursor.find(name);
    bool seen_before = before != cursor.end();
    if (seen_before && before->second == stamp) {
      look.cursor[name] = stamp;
      continue;
    }
    if (!has_settled(file.seen) || look.found.size() >= limits::source_found_max) {
      if (seen_before)
        look.cursor[name] = before->second;
      continue; // next time
    }
    auto cut = cursor.find(cut_off + name);
    bool was_cut = cut != cursor.end() && cut->second == stamp;
    if (was_cut || !is_whole(file.path, name, stopping)) {
      look.cursor[cut_off + name] = stamp; // not read again before it has changed
      if (seen_before)
        look.cursor[name] = before->second;
      core::add_look_problem(look.cursor, not_whole(name));
      continue;
    }
    auto digest = digest_at(file.path);
    struct stat after {};
    if (!digest || lstat(file.path.c_str(), &after) != 0 || stamp_of(after) != stamp)
      continue; // it changed or went while it was read
    look.cursor[name] = stamp;
    auto identity = name + " " + digest->sha256;
    if (is_known(identity))
      continue;
    auto found = tarball_change(name, identity, seen_before);
    found.file = file.path;
    found.change.made_at = {int64_t{file.seen.st_mtim.tv_sec} * 1000};
    look.found.push_back(std::move(found));
  }
  return look;
}

} // namespace drover::sources
