// SPDX-License-Identifier: Apache-2.0
#include "config/disk_files.hpp"

#include "schema/limits.hpp"
#include "schema/limits_config.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace drover {
namespace {

failure because(const std::string& what, int code) {
  return {ec::io, what + ": " + std::strerror(code)};
}

/// Reads an open file, one byte more than allowed, so that a file that is too large is seen as
/// such.
expected<std::string> read_all(int file) {
  std::string text(limits::config_bytes_max + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    auto got = read(file, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return because("can't be read", errno);
    if (got == 0)
      break;
    size += static_cast<size_t>(got);
  }
  text.resize(size);
  return text;
}

expected<std::string> read_file(const std::string& path, bool may_be_pipe) {
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | (may_be_pipe ? 0 : O_NONBLOCK));
  if (file < 0)
    return because("can't be opened", errno);
  struct stat what {};
  expected<std::string> result = failure{};
  if (fstat(file, &what) != 0)
    result = because("can't be read", errno);
  else if (S_ISDIR(what.st_mode))
    result = failure{ec::bad_input, "is a folder; name the file in it, e.g. farm.yaml"};
  else if (!S_ISREG(what.st_mode) && !may_be_pipe)
    result = failure{ec::bad_input, "is no plain file"};
  else
    result = read_all(file);
  close(file);
  return result;
}

} // namespace

config_files disk_files(std::string folder, std::string main) {
  config_files files;
  auto base = folder.empty() || folder.back() == '/' ? folder : folder + "/";
  files.read = [base, main = std::move(main)](const std::string& path) {
    return read_file(base + path, path == main);
  };
  files.list = [base](const std::string& below) -> expected<std::vector<std::string>> {
    std::vector<std::string> names;
    std::error_code problem;
    auto where = base + below;
    auto each = std::filesystem::directory_iterator{where.empty() ? "." : where, problem};
    for (; !problem && each != std::filesystem::directory_iterator{}; each.increment(problem)) {
      if (names.size() >= limits::config_folder_names_max)
        return failure{ec::bad_input, "has more than "
                                        + std::to_string(limits::config_folder_names_max)
                                        + " files; use a folder of its own"};
      names.push_back(each->path().filename().string());
    }
    if (problem)
      return failure{ec::io, "can't be listed: " + problem.message()};
    return names;
  };
  return files;
}

} // namespace drover
