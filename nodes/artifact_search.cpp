// SPDX-License-Identifier: Apache-2.0
#include "nodes/artifact_search.hpp"

#include "actors/core/glob.hpp"
#include "nodes/sha256.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>

namespace drover {

namespace {

using file_visitor = std::function<std::optional<failure>(const std::string&)>;

expected<std::vector<std::string>> names_in(int folder, const std::string& path) {
  int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = copy < 0 ? nullptr : fdopendir(copy);
  if (!stream)
    return io_failure(path, errno);
  std::vector<std::string> names;
  while (auto* entry = readdir(stream))
    if (std::string_view name{entry->d_name}; name != "." && name != "..")
      names.emplace_back(name);
  closedir(stream);
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<failure> walk(int folder, const std::string& prefix, size_t depth,
                            const file_visitor& found) {
  if (depth > limits::folder_depth_max)
    return failure{ec::refused,
                   "folders nested deeper than " + std::to_string(limits::folder_depth_max)};
  auto names = names_in(folder, prefix.empty() ? "the folder itself"
                                               : printable(prefix, limits::name_bytes_max));
  if (!names)
    return names.error();
  for (const auto& name : *names) {
    struct stat info {};
    if (fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      continue; // gone meanwhile
    std::optional<failure> problem;
    if (S_ISREG(info.st_mode)) {
      problem = found(prefix + name);
    } else if (S_ISDIR(info.st_mode)) {
      unique_fd next{openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
      if (!next)
        problem = io_failure(printable(prefix + name, limits::name_bytes_max), errno);
      else
        problem = walk(next.get(), prefix + name + "/", depth + 1, found);
    }
    if (problem)
      return problem;
  }
  return std::nullopt;
}

std::optional<failure> name_problem_of(const std::string& path) {
  if (path.size() > limits::value_bytes_max || printable(path, limits::value_bytes_max * 4) != path)
    return failure{ec::bad_input, "the name " + printable(path, limits::name_bytes_max)
                                    + " is too long or not printable UTF-8; rename the file"};
  return std::nullopt;
}

} // namespace

std::optional<failure> walk_files(const std::string& root, const file_visitor& found) {
  unique_fd folder{open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder)
    return errno == ENOENT ? std::nullopt : std::optional{io_failure(root, errno)};
  return walk(folder.get(), "", 0, found);
}

expected<unique_fd> open_below(const std::string& root, const std::string& path) {
  auto refused = failure{ec::bad_input, "artifact " + printable(path, limits::name_bytes_max)
                                          + ": no such regular file in the workspace"};
  unique_fd folder{open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  for (size_t at = 0; folder && at <= path.size();) {
    auto end = std::min(path.find('/', at), path.size());
    auto name = path.substr(at, end - at);
    at = end + 1;
    if (name.empty() || name == "." || name == ".." || name.find('\0') != std::string::npos)
      return refused;
    bool last = end == path.size();
    // O_NONBLOCK: a pipe that took a file's place must not hold us.
    int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (last ? O_NONBLOCK : O_DIRECTORY);
    folder = unique_fd{openat(folder.get(), name.c_str(), flags)};
  }
  struct stat info {};
  if (!folder || fstat(folder.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return refused;
  return folder;
}

expected<std::vector<artifact_ref>> find_artifacts(const std::string& outputs,
                                                   const std::string& work,
                                                   const std::vector<std::string>& globs) {
  for (const auto& glob : globs)
    if (auto problem = glob_problem(glob))
      return *problem;
  std::vector<artifact_ref> artifacts;
  std::set<std::string> taken;
  auto take = [&](const std::string& root, const std::string& path) -> std::optional<failure> {
    if (auto problem = name_problem_of(path))
      return problem;
    if (!taken.insert(path).second)
      return std::nullopt;
    if (artifacts.size() >= limits::artifacts_max)
      return failure{ec::refused, "more than " + std::to_string(limits::artifacts_max) + " files"};
    auto file = open_below(root, path);
    if (!file)
      return file.error();
    auto digest = digest_of_file((*file).get());
    if (!digest)
      return failure{ec::io, "artifact " + path + ": " + digest.error().text};
    if ((*digest).size > limits::blob_bytes_max)
      return failure{ec::refused, "artifact " + path + ": larger than the bound of artifacts"};
    artifacts.push_back({path, (*digest).sha256, (*digest).size});
    return std::nullopt;
  };
  auto problem = walk_files(outputs, [&](const std::string& path) { return take(outputs, path); });
  if (!problem && !globs.empty())
    problem = walk_files(work, [&](const std::string& path) {
      bool wanted = std::any_of(globs.begin(), globs.end(),
                                [&](const std::string& glob) { return glob_matches(glob, path); });
      return wanted ? take(work, path) : std::nullopt;
    });
  if (problem)
    return *problem;
  return artifacts;
}

} // namespace drover
