// SPDX-License-Identifier: Apache-2.0
#include "nodes/sources/watch.hpp"

#include "nodes/process.hpp"

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

expected<source_look> watcher::look(const source_spec& source, const string_map& cursor,
                                    const known_test& is_known) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error)
    return failure{ec::unavailable, folder_ + ": " + error.message()};
  auto with_path = source;
  bool is_path = source.location.find("://") == std::string::npos
                 && source.location.find(':') == std::string::npos;
  if (is_path && source.location[0] != '/')
    with_path.location = config_folder_ + "/" + source.location;
  switch (source.kind) {
  case source_kind::tarball:
    return is_url(source.location) ? look_at_index(with_path, cursor, is_known, folder_)
                                   : look_at_folder(with_path, cursor, is_known);
  case source_kind::git:
    return look_at_git(with_path, cursor, folder_, stopping_);
  case source_kind::hg:
    return look_at_hg(with_path, cursor, folder_, stopping_);
  case source_kind::none:
  case source_kind::set:
  case source_kind::timer:
    break;
  }
  return failure{ec::bad_input, "source " + source.name + " is of a kind that can't be watched"};
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
