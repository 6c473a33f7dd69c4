// SPDX-License-Identifier: Apache-2.0
#include "nodes/sources/watch.hpp"

#include "config/forms.hpp"
#include "nodes/process.hpp"
#include "nodes/sources/fetch.hpp"
#include "nodes/sources/tarball_names.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

namespace drover::sources {

namespace {

bool is_url(const std::string& location) {
  return location.rfind("http://", 0) == 0 || location.rfind("https://", 0) == 0;
}

} // namespace

watcher::watcher(std::string folder, std::string config_folder)
    : folder_{std::move(folder)}, config_folder_{std::move(config_folder)} {}

std::optional<failure> watcher::make_folder() const {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error)
    return failure{ec::unavailable, folder_ + ": " + error.message()};
  return std::nullopt;
}

/// With its path from the root.
source_spec watcher::located(const source_spec& source) const {
  auto with_path = source;
  bool is_path = source.location.find(':') == std::string::npos;
  if (is_path && !source.location.empty() && source.location[0] != '/')
    with_path.location =
      (std::filesystem::path{config_folder_} / source.location).lexically_normal().string();
  return with_path;
}

std::mutex& watcher::door_of(const source_spec& source) {
  std::lock_guard hold{doors_guard_};
  return doors_[source.name];
}

expected<source_look> watcher::look(const source_spec& source, const string_map& cursor,
                                    const known_test& is_known) {
  if (auto problem = make_folder())
    return *problem;
  auto with_path = located(source);
  switch (source.kind) {
  case source_kind::tarball:
    return is_url(source.location) ? look_at_index(with_path, cursor, is_known, folder_, stopping_)
                                   : look_at_folder(with_path, cursor, is_known, stopping_);
  case source_kind::git:
  case source_kind::hg: {
    std::lock_guard hold{door_of(source)};
    return look_at_repository(with_path, cursor, folder_, stopping_);
  }
  case source_kind::none:
  case source_kind::set:
  case source_kind::timer:
    break;
  }
  return failure{ec::bad_input, "source " + source.name + " is of a kind that can't be watched"};
}

expected<found_change> watcher::take(const source_spec& source, const std::string& name) {
  if (source.kind != source_kind::git && source.kind != source_kind::hg)
    return failure{ec::bad_input,
                   "source " + source.name + " is no repository: it has no revisions"};
  if (auto problem = make_folder())
    return *problem;
  std::lock_guard hold{door_of(source)};
  return take_revision(located(source), name, folder_, stopping_);
}

expected<found_change> watcher::download_tarball(const std::string& url, const std::string& name) {
  if (!address_ok(url, {"http", "https"}))
    return failure{ec::bad_input, "'" + printable(url, limits::name_bytes_max)
                                    + "' is no address; write e.g. https://example.org/a.tar.gz"};
  if (!is_candidate(name, "*"))
    return failure{ec::bad_input, "'" + printable(name, limits::name_bytes_max)
                                    + "' can't be a tarball's name; say another one"};
  if (auto problem = make_folder())
    return *problem;
  auto got = fetch_file(url, folder_, stopping_);
  if (!got)
    return got.error();
  auto found = tarball_change(name, name + " " + got->sha256, false);
  found.file = got->path;
  found.is_temporary = true;
  return found;
}

expected<std::string> watcher::read(const std::string& file, uint64_t offset, size_t max) {
  owned_fd from{open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!from.valid())
    return system_failure(file);
  std::string bytes(max, '\0');
  auto got = pread(from.get(), bytes.data(), max, static_cast<off_t>(offset));
  if (got < 0)
    return system_failure(file);
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

void watcher::discard(const std::string& file) {
  std::error_code ignored; // what is left is overwritten or found by whoever looks at the folder
  std::filesystem::remove(file, ignored);
}

} // namespace drover::sources
