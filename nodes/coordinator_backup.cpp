// SPDX-License-Identifier: Apache-2.0
#include "nodes/coordinator_backup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace drover {

namespace fs = std::filesystem;

namespace {

failure at(const std::string& path, const std::string& what, const std::error_code& why) {
  return {ec::io, "backup " + path + ": " + what + ": " + why.message()};
}

/// Copies what is not the store, and makes it durable.
std::optional<failure> copy_rest(const backup_sources& from, const std::string& to) {
  std::error_code error;
  if (fs::is_directory(from.keys, error)) {
    fs::copy(from.keys, to + "/keys", fs::copy_options::recursive, error);
    if (error)
      return at(to, "can't copy the keys", error);
  }
  fs::copy_file(from.config, to + "/farm.yaml", error);
  if (error)
    return at(to, "can't copy " + from.config, error);
  return std::nullopt;
}

/// What was written there reaches the disk before the backup has its name.
std::optional<failure> sync_all(const std::string& folder) {
  auto fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return at(folder, "can't open it", {errno, std::generic_category()});
  auto failed = ::syncfs(fd) != 0;
  auto why = errno;
  ::close(fd);
  if (failed)
    return at(folder, "can't write it to the disk", {why, std::generic_category()});
  return std::nullopt;
}

expected<uint64_t> bytes_in(const std::string& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator entry{folder, error}, end; !error && entry != end;
       entry.increment(error))
    if (entry->is_regular_file(error))
      bytes += entry->file_size(error);
  if (error)
    return at(folder, "can't count it", error);
  return bytes;
}

/// Fills the folder `to`, which is there and empty.
expected<http::backup_report> fill(storage::rocks_store& store, const backup_sources& from,
                                   const std::string& to) {
  auto sequence = store.copy_to(to + "/store");
  if (!sequence)
    return sequence.error();
  if (auto problem = copy_rest(from, to))
    return *problem;
  auto bytes = bytes_in(to);
  if (!bytes)
    return bytes.error();
  if (auto problem = sync_all(to))
    return *problem;
  return http::backup_report{to, *bytes, *sequence};
}

} // namespace

expected<http::backup_report> make_backup(storage::rocks_store& store, const backup_sources& from,
                                          const std::string& to) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(to, error)))
    return failure{ec::conflict, "backup " + to + ": is there already; name a new folder"};
  auto unfinished = to + ".unfinished";
  fs::remove_all(unfinished, error); // of a backup that was cut short
  if (::mkdir(unfinished.c_str(), S_IRWXU) != 0)
    return at(to, "can't make it", {errno, std::generic_category()});
  auto made = fill(store, from, unfinished);
  if (made && ::rename(unfinished.c_str(), to.c_str()) != 0)
    made = at(to, "can't give it its name", {errno, std::generic_category()});
  if (!made)
    fs::remove_all(unfinished, error); // the failure is what counts
  else
    made->path = to;
  return made;
}

} // namespace drover
