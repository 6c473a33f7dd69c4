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

/// What stays of an emptied file of records: the line's end before the first one. What was cut down
/// to nothing ext4 writes to the disk as soon as it is closed again (its mount option
/// auto_da_alloc), which costs more than all else that is done with it.
constexpr off_t emptied_bytes = 1;

expected<attempt_folders::entry> make_new(const std::string& folder, std::string_view records) {
  using entry = attempt_folders::entry;
  if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
    return io_failure(folder, errno);
  auto path = folder + "/" + spool_file::attempt;
  unique_fd file{open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
  if (!file)
    return errno == EEXIST ? expected{entry::there_before} : io_failure(path, errno);
  auto problem = append_record(file.get(), records, path);
  if (!problem)
    return entry::made;
  remove_attempt_folder(folder); // as if it had never come
  return *problem;
}

/// What is in the folder of a short attempt that is over; nothing of any other one.
std::optional<kept_attempt> read_short(const std::string& folder) {
  auto keeper = read_spool_file(folder, spool_file::keeper);
  auto account = keeper ? last_of("exit", *keeper, &decode_exit) : keeper.error();
  if (!account || outlives_power(*account) || last_record("closed", *keeper))
    return std::nullopt;
  auto log = read_whole(folder + "/" + spool_file::log, limits::kept_log_bytes_max);
  if (!log && log.error().code != ec::not_found)
    return std::nullopt;
  auto attempt = read_spool_file(folder, spool_file::attempt);
  // A step whose result may be used again left a note, which is none of ours to read.
  if (!attempt || access((folder + "/" + spool_file::cache).c_str(), F_OK) == 0)
    return std::nullopt;
  return kept_attempt{*std::move(attempt), *std::move(keeper), log ? *std::move(log) : ""};
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

expected<attempt_folders::entry> attempt_folders::enter(const std::string& folder,
                                                        std::string_view records) {
  if (access(folder.c_str(), F_OK) != 0 && enter_again(folder, records))
    return entry::made;
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

bool attempt_folders::keep(const std::string& folder, const std::string& record,
                           kept_attempts& kept) {
  auto found = read_short(folder);
  if (!found)
    return false;
  found->attempt += "\n" + record;
  if (auto problem = kept.add(folder.substr(folder.rfind('/') + 1), *found)) {
    if (problem->code != ec::unavailable)
      complain_of_spool("keep", *problem);
    return false;
  }
  leave(folder);
  return true;
}

/// Of an attempt that is kept elsewhere: what a crash leaves of it here is removed at the start.
void attempt_folders::leave(const std::string& folder) {
  auto aside = emptied_.set_aside(folder); // nobody's from here on
  if (!aside)
    return remove_attempt_folder(folder);
  bool emptied = true;
  for (auto name : {spool_file::attempt, spool_file::keeper})
    emptied &= truncate((*aside + "/" + name).c_str(), emptied_bytes) == 0;
  for (auto name : {spool_file::log, spool_file::lease, spool_file::cancel}) {
    auto path = *aside + "/" + name;
    emptied &= unlink(path.c_str()) == 0 || errno == ENOENT;
  }
  if (emptied)
    emptied_.offer(*aside);
  else
    remove_attempt_folder(*aside);
}

} // namespace drover
