// SPDX-License-Identifier: Apache-2.0
#include "nodes/step_users.hpp"

#include "nodes/keeper/process_table.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>

namespace drover {

namespace fs = std::filesystem;

namespace {

constexpr auto usual_name = "drover-step";
constexpr uint32_t range = limits::step_user_last - limits::step_user_first + 1;

bool in_range(uint32_t user) {
  return user >= limits::step_user_first && user <= limits::step_user_last;
}

std::optional<step_user> find_user(const std::string& name) {
  passwd entry{}, *found = nullptr;
  char texts[16 * 1024];
  if (getpwnam_r(name.c_str(), &entry, texts, sizeof texts, &found) != 0 || !found)
    return std::nullopt;
  return step_user{found->pw_uid, found->pw_gid};
}

bool is_somebody(uint32_t user) {
  passwd entry{}, *found = nullptr;
  char texts[16 * 1024];
  return getpwuid_r(user, &entry, texts, sizeof texts, &found) == 0 && found;
}

std::optional<uint32_t> owner_of(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0)
    return std::nullopt;
  return info.st_uid;
}

/// Users of the range that own a workspace of this host, or a process of whomever.
std::set<uint32_t> users_taken(const std::string& root) {
  std::set<uint32_t> taken;
  auto look = [&](const std::string& path) {
    if (auto owner = owner_of(path); owner && in_range(*owner))
      taken.insert(*owner);
  };
  std::error_code error;
  for (fs::directory_iterator at{root, error}, end; !error && at != end; at.increment(error))
    look(at->path().string() + "/work");
  for (const auto& process : all_processes())
    look("/proc/" + std::to_string(process.pid));
  return taken;
}

std::optional<failure> give(int parent, const char* name, const step_user& to, size_t depth) {
  if (depth > limits::path_depth_max)
    return failure{ec::refused, "the source has folders nested deeper than "
                                  + std::to_string(limits::path_depth_max)};
  if (fchownat(parent, name, to.user, to.group, AT_SYMLINK_NOFOLLOW) != 0)
    return io_failure(std::string{"can't give "} + name + " to the step's user", errno);
  int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0) // a file or a link
    return errno == ENOTDIR || errno == ELOOP ? std::nullopt
                                              : std::optional{io_failure(name, errno)};
  std::unique_ptr<DIR, int (*)(DIR*)> stream{fdopendir(folder), closedir};
  while (auto* entry = readdir(stream.get())) {
    std::string_view inside{entry->d_name};
    if (inside == "." || inside == "..")
      continue;
    if (auto problem = give(dirfd(stream.get()), entry->d_name, to, depth + 1))
      return problem;
  }
  return std::nullopt;
}

} // namespace

std::string closed_folder(const std::string& path) {
  for (auto folder = fs::path{path}; folder.has_relative_path(); folder = folder.parent_path()) {
    struct stat info {};
    if (stat(folder.c_str(), &info) == 0 && (info.st_mode & S_IXOTH) == 0)
      return folder.string();
  }
  return {};
}

expected<step_users> step_users::open(const std::string& choice, const std::string& workspaces) {
  step_users users;
  users.root_ = workspaces;
  if (choice == "none")
    return users;
  bool must = choice != "auto";
  auto without = [&](const std::string& why) -> expected<step_users> {
    if (must)
      return failure{ec::refused, "--step-user " + choice + ": " + why};
    users.text_ = "the agent's user, since " + why;
    return users;
  };
  if (geteuid() != 0)
    return without("only root may run them as another");
  if (auto closed = closed_folder(workspaces); !closed.empty())
    return without("others may not pass " + closed + " (chmod o+x it)");
  auto named = find_user(must ? choice : usual_name);
  if (named && named->user == 0)
    return without(choice + " is root");
  if (must && !named)
    return without("there is no such user");
  users.kind_ = named ? kind::named : kind::one_a_workspace;
  users.named_ = named.value_or(step_user{});
  users.text_ = named ? "user " + (must ? choice : std::string{usual_name})
                      : "a user of its own for each workspace";
  return users;
}

expected<step_user> step_users::user_of(const std::string& folder) const {
  if (kind_ != kind::one_a_workspace)
    return named_;
  if (auto owner = owner_of(folder + "/work"); owner && in_range(*owner))
    return step_user{*owner, *owner};
  auto taken = users_taken(root_);
  // Hosts on one machine begin at different places, since they don't see each other's folders.
  auto first = static_cast<uint32_t>(std::hash<std::string>{}(root_) % range);
  for (uint32_t i = 0; i < range; ++i) {
    auto user = limits::step_user_first + (first + i) % range;
    if (!taken.contains(user) && !is_somebody(user))
      return step_user{user, user};
  }
  return failure{ec::io, "every user from " + std::to_string(limits::step_user_first) + " to "
                           + std::to_string(limits::step_user_last) + " is taken"};
}

std::optional<failure> give_tree(const std::string& path, const step_user& to) {
  return to.user == 0 ? std::nullopt : give(AT_FDCWD, path.c_str(), to, 0);
}

} // namespace drover
