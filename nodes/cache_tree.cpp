// SPDX-License-Identifier: Apache-2.0
#include "nodes/cache_tree.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

namespace drover {

namespace {

constexpr int64_t second_ns = 1'000'000'000;
constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

std::string shown(const std::string& path) {
  return printable(path, limits::name_bytes_max);
}

expected<std::vector<std::string>> sorted_names(int folder, const std::string& path) {
  int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = copy < 0 ? nullptr : fdopendir(copy);
  if (!stream) {
    auto problem = io_failure(shown(path), errno);
    if (copy >= 0)
      close(copy);
    return problem;
  }
  std::vector<std::string> names;
  while (auto* entry = readdir(stream))
    if (std::string_view name{entry->d_name}; name != "." && name != "..")
      names.emplace_back(name);
  closedir(stream);
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<failure> too_deep(size_t depth) {
  if (depth <= limits::folder_depth_max)
    return std::nullopt;
  return failure{ec::refused,
                 "folders nested deeper than " + std::to_string(limits::folder_depth_max)};
}

std::optional<failure> walk(int folder, const std::string& prefix, size_t depth,
                            const tree_visitor& visit) {
  if (auto problem = too_deep(depth))
    return problem;
  auto names = sorted_names(folder, prefix.empty() ? "." : prefix);
  if (!names)
    return names.error();
  for (const auto& name : *names) {
    tree_item item{folder, name, prefix + name, {}};
    if (fstatat(folder, name.c_str(), &item.info, AT_SYMLINK_NOFOLLOW) != 0)
      continue; // gone meanwhile
    if (item.is_file() || item.is_link() || item.is_folder())
      if (auto problem = visit(item))
        return problem;
    if (!item.is_folder())
      continue;
    unique_fd next{openat(folder, name.c_str(), folder_flags)};
    if (!next)
      return io_failure(shown(item.path), errno);
    if (auto problem = walk(next.get(), item.path + "/", depth + 1, visit))
      return problem;
  }
  return std::nullopt;
}

class merger {
public:
  merger(const step_user& owner, int64_t since_ns) : owner_{owner}, since_ns_{since_ns} {}

  std::optional<failure> folder(int from, int into, const std::string& prefix, size_t depth);

private:
  std::optional<failure> one(int from, int into, const std::string& name, const std::string& prefix,
                             size_t depth);
  std::optional<failure> sub_folder(int from, int into, const std::string& name,
                                    const std::string& path, size_t depth);
  std::optional<failure> move(int from, int into, const std::string& name, const std::string& path);
  std::array<timespec, 2> times_of(const struct stat& info) const;

  step_user owner_;
  int64_t since_ns_;
};

std::array<timespec, 2> merger::times_of(const struct stat& info) const {
  auto at = since_ns_ + int64_t{info.st_mtim.tv_sec} * second_ns + info.st_mtim.tv_nsec;
  timespec when{static_cast<time_t>(at / second_ns), static_cast<long>(at % second_ns)};
  return {when, when};
}

std::optional<failure> merger::folder(int from, int into, const std::string& prefix, size_t depth) {
  if (auto problem = too_deep(depth))
    return problem;
  auto names = sorted_names(from, prefix);
  if (!names)
    return names.error();
  for (const auto& name : *names)
    if (auto problem = one(from, into, name, prefix, depth))
      return problem;
  return std::nullopt;
}

std::optional<failure> merger::one(int from, int into, const std::string& name,
                                   const std::string& prefix, size_t depth) {
  struct stat info {};
  auto path = prefix + name;
  if (fstatat(from, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return io_failure(shown(path), errno);
  if (S_ISDIR(info.st_mode))
    return sub_folder(from, into, name, path, depth);
  auto times = times_of(info);
  if (utimensat(from, name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0)
    return io_failure(shown(path), errno);
  if (owner_.user != 0
      && fchownat(from, name.c_str(), owner_.user, owner_.group, AT_SYMLINK_NOFOLLOW) != 0)
    return io_failure(shown(path), errno);
  return move(from, into, name, path);
}

std::optional<failure> merger::move(int from, int into, const std::string& name,
                                    const std::string& path) {
  if (renameat(from, name.c_str(), into, name.c_str()) == 0)
    return std::nullopt;
  if (errno != EISDIR && errno != ENOTEMPTY && errno != EEXIST)
    return io_failure(shown(path), errno);
  if (auto problem = remove_at(into, name))
    return problem;
  if (renameat(from, name.c_str(), into, name.c_str()) != 0)
    return io_failure(shown(path), errno);
  return std::nullopt;
}

std::optional<failure> merger::sub_folder(int from, int into, const std::string& name,
                                          const std::string& path, size_t depth) {
  unique_fd source{openat(from, name.c_str(), folder_flags)};
  struct stat info {};
  // What is in it can be moved away only by who may write to it.
  if (!source || fstat(source.get(), &info) != 0 || fchmod(source.get(), 0700) != 0)
    return io_failure(shown(path), errno);
  unique_fd target{openat(into, name.c_str(), folder_flags)};
  if (!target) {
    struct stat there {};
    if (fstatat(into, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0)
      if (auto problem = remove_at(into, name)) // a file or a link stands in its place
        return problem;
    if (mkdirat(into, name.c_str(), 0700) != 0)
      return io_failure(shown(path), errno);
    target = unique_fd{openat(into, name.c_str(), folder_flags)};
    if (!target)
      return io_failure(shown(path), errno);
  }
  if (fchmod(target.get(), 0700) != 0)
    return io_failure(shown(path), errno);
  if (auto problem = folder(source.get(), target.get(), path + "/", depth + 1))
    return problem;
  if (owner_.user != 0 && fchown(target.get(), owner_.user, owner_.group) != 0)
    return io_failure(shown(path), errno);
  if (fchmod(target.get(), info.st_mode & 0777) != 0)
    return io_failure(shown(path), errno);
  return std::nullopt;
}

} // namespace

std::optional<failure> walk_tree(const std::string& root, const tree_visitor& visit) {
  unique_fd folder{open(root.c_str(), folder_flags)};
  if (!folder)
    return errno == ENOENT ? std::nullopt : std::optional{io_failure(root, errno)};
  return walk(folder.get(), "", 0, visit);
}

expected<unique_fd> open_item(const tree_item& item) {
  // O_NONBLOCK: a pipe that took the file's place must not hold us.
  unique_fd file{
    openat(item.folder, item.name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  struct stat info {};
  if (!file)
    return io_failure(shown(item.path), errno);
  if (fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return failure{ec::conflict, shown(item.path) + ": changed while it was read"};
  return file;
}

expected<std::string> link_target(const tree_item& item) {
  std::string text(limits::value_bytes_max, '\0');
  auto got = readlinkat(item.folder, item.name.c_str(), text.data(), text.size());
  if (got < 0)
    return io_failure(shown(item.path), errno);
  text.resize(static_cast<size_t>(got));
  return text;
}

std::optional<failure> remove_at(int folder, const std::string& name) {
  if (unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT)
    return std::nullopt;
  if (errno != EISDIR && errno != EPERM)
    return io_failure(shown(name), errno);
  unique_fd inside{openat(folder, name.c_str(), folder_flags)};
  if (!inside)
    return io_failure(shown(name), errno);
  fchmod(inside.get(), 0700); // what stays forbidden shows below
  auto names = sorted_names(inside.get(), name);
  if (!names)
    return names.error();
  for (const auto& one : *names)
    if (auto problem = remove_at(inside.get(), one))
      return problem;
  if (unlinkat(folder, name.c_str(), AT_REMOVEDIR) != 0)
    return io_failure(shown(name), errno);
  return std::nullopt;
}

std::optional<failure> merge_tree(const std::string& from, const std::string& into,
                                  const step_user& owner, int64_t since_ns) {
  unique_fd source{open(from.c_str(), folder_flags)};
  if (!source)
    return errno == ENOENT ? std::nullopt : std::optional{io_failure(from, errno)};
  unique_fd target{open(into.c_str(), folder_flags)};
  if (!target)
    return io_failure(into, errno);
  return merger{owner, since_ns}.folder(source.get(), target.get(), "", 0);
}

} // namespace drover
