// SPDX-License-Identifier: Apache-2.0
#include "nodes/emptied_folders.hpp"

#include "nodes/folder_entries.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

namespace drover {

namespace fs = std::filesystem;

namespace {

constexpr auto prefix = ".emptied-";

constexpr mode_t made_with = 0755;

} // namespace

bool is_bare(const std::string& folder) {
  struct stat info {};
  return lstat(folder.c_str(), &info) == 0 && S_ISDIR(info.st_mode)
         && (info.st_mode & ALLPERMS) == made_with && info.st_uid == geteuid()
         && entries_in(folder) == 0;
}

emptied_folders::emptied_folders(std::string root, size_t most)
    : root_{std::move(root)}, most_{most} {}

void emptied_folders::clear() const {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{root_, error})
    if (entry.path().filename().string().starts_with(prefix)) {
      std::error_code ignored;
      fs::remove_all(entry.path(), ignored);
    }
}

std::optional<std::string> emptied_folders::set_aside(const std::string& folder) {
  std::lock_guard guard{mutex_};
  if (offered_.size() >= most_)
    return std::nullopt;
  auto aside = root_ + "/" + prefix + std::to_string(next_++);
  if (std::rename(folder.c_str(), aside.c_str()) != 0)
    return std::nullopt;
  return aside;
}

void emptied_folders::offer(std::string aside) {
  std::lock_guard guard{mutex_};
  offered_.push_back(std::move(aside));
}

std::optional<std::string> emptied_folders::take() {
  std::lock_guard guard{mutex_};
  if (offered_.empty())
    return std::nullopt;
  auto one = std::move(offered_.back());
  offered_.pop_back();
  return one;
}

} // namespace drover
