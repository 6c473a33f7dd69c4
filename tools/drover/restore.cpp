// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/restore.hpp"

#include "schema/names.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <optional>
#include <utility>

namespace drover::cli {

namespace fs = std::filesystem;

namespace {

failure about(const fs::path& path, const std::string& what) {
  return {ec::bad_input, printable(path.string(), 400) + ": " + what};
}

failure not_done(const fs::path& path, const char* what, const std::error_code& error) {
  return {ec::io, printable(path.string(), 400) + ": " + what + ": " + error.message()
                    + "; the store is as it was"};
}

struct open_file {
  int fd = -1;
  ~open_file() {
    if (fd >= 0)
      ::close(fd);
  }
};

/// RocksDB locks its folder so; asking does not take the lock.
bool open_elsewhere(const fs::path& store) {
  open_file lock{::open((store / "LOCK").c_str(), O_RDWR | O_CLOEXEC)};
  struct flock asked {};
  asked.l_type = F_WRLCK;
  asked.l_whence = SEEK_SET;
  return lock.fd >= 0 && ::fcntl(lock.fd, F_GETLK, &asked) == 0 && asked.l_type != F_UNLCK;
}

/// Names sort by time.
std::string stamp() {
  auto now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &parts);
  return text;
}

/// All files of a folder, and the folder itself, are on the disk.
std::optional<failure> sync_folder(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    open_file file{::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.fd < 0 || ::fsync(file.fd) != 0)
      return not_done(entry.path(), "can't be made durable", {errno, std::generic_category()});
  }
  if (error)
    return not_done(folder, "can't be read", error);
  return std::nullopt;
}

std::optional<failure> problem_of(const fs::path& backup, const fs::path& store) {
  std::error_code error;
  if (!fs::is_directory(backup, error))
    return about(backup, "there is no such folder; `drover admin backup FOLDER` makes one");
  if (!fs::exists(backup / "store" / "CURRENT", error))
    return about(backup, "is no backup of a farm: it has no store/CURRENT");
  if (!fs::is_directory(store.parent_path(), error))
    return about(store.parent_path(), "there is no such folder; --dir names the farm's");
  if (fs::weakly_canonical(backup / "store", error) == fs::weakly_canonical(store, error))
    return about(backup, "is the store itself");
  if (open_elsewhere(store))
    return failure{ec::conflict, printable(store.string(), 400)
                                   + ": a coordinator has this store open; stop the farm first"};
  return std::nullopt;
}

/// Keys and configuration, where the farm has none: on a new machine after the old one's end.
std::optional<failure> restore_rest(const fs::path& backup, const fs::path& dir) {
  const std::pair<fs::path, fs::path> parts[] = {{backup / "keys", dir / "coordinator" / "keys"},
                                                 {backup / "farm.yaml", dir / "farm.yaml"}};
  for (const auto& [from, to] : parts) {
    std::error_code error;
    if (!fs::exists(from, error) || fs::exists(to, error))
      continue;
    fs::copy(from, to, fs::copy_options::recursive, error);
    if (error)
      return failure{ec::io, printable(to.string(), 400) + ": can't be written: " + error.message()
                               + "; the store is as in the backup already"};
  }
  return std::nullopt;
}

} // namespace

expected<std::string> restore_store(const std::string& backup, const std::string& dir) {
  fs::path store = fs::path{dir} / "coordinator" / "store";
  if (auto wrong = problem_of(backup, store))
    return *wrong;
  // `drover up` holds this lock as long as it runs.
  open_file lock{::open((fs::path{dir} / "lock").c_str(), O_RDWR | O_CLOEXEC)};
  if (lock.fd >= 0 && ::flock(lock.fd, LOCK_EX | LOCK_NB) != 0)
    return failure{ec::conflict,
                   printable(dir, 400) + ": `drover up` runs this farm; stop it first"};
  auto beside = [&](const std::string& ending) { return fs::path{store.string() + ending}; };
  auto fresh = beside(".restoring"), old = beside(".before-" + stamp());
  std::error_code error;
  fs::remove_all(fresh, error);
  if (!error)
    fs::copy(fs::path{backup} / "store", fresh, fs::copy_options::recursive, error);
  if (error)
    return not_done(fresh, "can't be written", error);
  if (auto wrong = sync_folder(fresh))
    return *wrong;
  bool had = fs::exists(store, error);
  if (had)
    fs::rename(store, old, error);
  if (error)
    return not_done(store, "can't be moved aside", error);
  // It says how much the old store held; the one that was put back holds less, knowingly.
  auto mark = beside(".high-water");
  if (fs::exists(mark, error))
    fs::rename(mark, fs::path{old.string() + ".high-water"}, error);
  if (!error)
    fs::rename(fresh, store, error);
  if (error)
    return failure{ec::io, printable(store.string(), 400)
                             + ": can't be put in place: " + error.message() + "; the old store is "
                             + printable(old.string(), 400)};
  if (auto wrong = restore_rest(backup, dir))
    return *wrong;
  return "the store is as in " + printable(backup, 400)
         + (had ? "; the one that was there is kept as " + printable(old.string(), 400) : "");
}

} // namespace drover::cli
