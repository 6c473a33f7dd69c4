// SPDX-License-Identifier: Apache-2.0
#include "nodes/attempt_folders.hpp"

#include "nodes/spool_folder.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace drover {

namespace fs = std::filesystem;

namespace {

std::optional<failure> make_new(const std::string& folder, std::string_view records) {
  if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
    return io_failure(folder, errno);
  auto path = folder + "/" + spool_file::attempt;
  unique_fd file{open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
  if (!file)
    return errno == EEXIST ? std::nullopt : std::optional{io_failure(path, errno)};
  auto problem = append_record(file.get(), records, path);
  if (problem)
    remove_attempt_folder(folder); // as if it had never come
  return problem;
}

} // namespace

void complain_of_spool(const std::string& what, const failure& why) {
  spdlog::warn("spool event={} problem=\"{}\"", what, why.text);
}

void remove_attempt_folder(const std::string& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error)
    complain_of_spool("remove", {ec::io, folder + ": " + error.message()});
}

std::optional<failure> add_attempt_record(const std::string& folder, std::string_view record) {
  auto path = folder + "/" + spool_file::attempt;
  unique_fd file{open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)};
  if (!file)
    return io_failure(path, errno);
  return append_record(file.get(), record, path);
}

attempt_folders::attempt_folders(const std::string& root)
    : emptied_{root, limits::emptied_folders_max} {}

std::optional<failure> attempt_folders::enter(const std::string& folder, std::string_view records) {
  if (access(folder.c_str(), F_OK) != 0 && enter_again(folder, records))
    return std::nullopt;
  return make_new(folder, records);
}

/// In an emptied folder, which gets its name when all is in it; false: there is none.
bool attempt_folders::enter_again(const std::string& folder, std::string_view records) {
  auto emptied = emptied_.take();
  if (!emptied)
    return false;
  if (!add_attempt_record(*emptied, records) && rename(emptied->c_str(), folder.c_str()) == 0)
    return true;
  remove_attempt_folder(*emptied);
  return false;
}

bool attempt_folders::empty(const std::string& folder) {
  auto records = read_spool_file(folder, spool_file::keeper);
  auto account = records ? last_of("exit", *records, &decode_exit) : records.error();
  if (!account || outlives_power(*account) || last_record("closed", *records))
    return false;
  auto aside = emptied_.set_aside(folder); // nobody's from here on
  if (!aside)
    return false;
  bool emptied = true;
  for (auto name : {spool_file::attempt, spool_file::keeper, spool_file::log}) {
    auto path = *aside + "/" + name;
    emptied &= truncate(path.c_str(), 0) == 0 || (errno == ENOENT && name == spool_file::log);
  }
  for (auto name : {spool_file::lease, spool_file::cancel}) {
    auto path = *aside + "/" + name;
    emptied &= unlink(path.c_str()) == 0 || errno == ENOENT;
  }
  if (emptied)
    emptied_.offer(*aside);
  else
    remove_attempt_folder(*aside);
  return true;
}

} // namespace drover
