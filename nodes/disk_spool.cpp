// SPDX-License-Identifier: Apache-2.0
#include "nodes/disk_spool.hpp"

#include "nodes/leftovers.hpp"
#include "nodes/spool_folder.hpp"
#include "schema/limits.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <tuple>

namespace drover {

namespace fs = std::filesystem;

namespace {

/// Folders on their way in or out begin with this; no token's name does.
constexpr auto aside_prefix = ".";
constexpr auto kept_folder = ".kept";

bool there(const std::string& path) {
  return access(path.c_str(), F_OK) == 0;
}

unique_fd open_pidfd(pid_t pid) {
  return unique_fd{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
}

/// Whether a keeper has signed its file, or somebody has told of an end there.
bool was_started(const expected<std::string>& keeper_file) {
  if (!keeper_file)
    return keeper_file.error().code != ec::not_found;
  auto seen = [&](const char* kind) {
    auto record = last_record(kind, *keeper_file);
    return record || record.error().code != ec::not_found;
  };
  return seen("process") || seen("exit");
}

/// The exit that a keeper's records tell of, if it counts: see `spool_folder.hpp` on power.
expected<keeper_exit> exit_in(std::string_view records, const std::string& boot_id) {
  auto account = last_of("exit", records, &decode_exit);
  if (!account || outlives_power(*account) || last_record("closed", records))
    return account;
  auto keeper = last_of("process", records, &decode_identity);
  if (keeper && (*keeper).boot_id != boot_id)
    return failure{ec::not_found, "its exit was not synced before the machine stopped"};
  return account;
}

} // namespace

disk_spool::disk_spool(std::string root, std::string keeper_program, cgroup_plan groups)
    : root_{std::move(root)}, boot_id_{current_boot_id()}, groups_{std::move(groups)},
      folders_{root_}, kept_{root_ + "/" + kept_folder, boot_id_}, starter_{
                                                                     std::move(keeper_program)} {
  std::error_code error;
  fs::create_directories(root_, error);
  if (error)
    throw std::runtime_error{"spool " + root_ + ": " + error.message()};
  // Scripts and environments lie there, and what steps print.
  if (chmod(root_.c_str(), 0700) != 0)
    throw std::runtime_error{"spool " + root_ + ": " + system_text(errno)};
  sweep();
  sweep_groups();
}

/// Groups whose attempt has ended or is not known: a keeper that died at the wrong moment.
void disk_spool::sweep_groups() const {
  for (const auto& name : groups_in(groups_)) {
    auto folder = root_ + "/" + name;
    auto records = read_spool_file(folder, spool_file::keeper);
    if (there(folder) && !(records && exit_in(*records, boot_id_)))
      continue; // `close` ends it, or its keeper
    auto groups = groups_of(groups_, name);
    if (!kill_groups(groups) || !remove_groups(groups))
      complain_of_spool("groups", {ec::io, groups.kill + ": can't be emptied and removed"});
  }
}

expected<std::string> disk_spool::records_of(const std::string& name, const char* file) const {
  if (!kept_.holds(name))
    return read_spool_file(root_ + "/" + name, file);
  auto kept = kept_.read(name);
  if (!kept)
    return kept.error();
  return file == std::string_view{spool_file::keeper} ? std::move((*kept).keeper)
                                                      : std::move((*kept).attempt);
}

std::string disk_spool::folder_of(const grant_token& token) const {
  return root_ + "/" + folder_name(token);
}

void disk_spool::sweep() const {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{root_, error}) {
    auto folder = entry.path().string();
    auto name = entry.path().filename().string();
    if (name == kept_folder)
      continue;
    if (!name.starts_with(aside_prefix) && !kept_.holds(name)) {
      auto work = read_record(folder, spool_file::attempt, "assignment", &decode_assignment);
      if (work ? folder_of((*work).token) == folder : work.error().code == ec::io)
        continue; // what can't be read now is not for us to remove
      complain_of_spool("removed_without_assignment",
                        work ? failure{ec::conflict, folder + ": holds another one's"}
                             : work.error());
    }
    remove_attempt_folder(folder);
  }
}

std::optional<failure> disk_spool::enter(const assignment& work) {
  auto name = folder_name(work.token);
  if (fresh_.holds(name) || kept_.holds(name))
    return std::nullopt;
  auto records = encode(attempt_entry{wall_now_ns(), boot_id_}) + "\n" + encode(work);
  auto entered = folders_.enter(root_ + "/" + name, records);
  if (!entered)
    return entered.error();
  if (*entered == attempt_folders::entry::made)
    fresh_.add(name, work);
  return std::nullopt;
}

/// Of an attempt that an earlier agent may have started.
std::optional<failure> disk_spool::why_not_to_start(const std::string& name) const {
  auto folder = root_ + "/" + name;
  if (kept_.holds(name) || watcher_.watches(name)
      || was_started(read_spool_file(folder, spool_file::keeper)))
    return failure{ec::conflict, folder + ": this attempt was started before"};
  if (!there(folder))
    return failure{ec::not_found, folder + ": start an attempt only after it was entered"};
  return std::nullopt;
}

std::optional<failure> disk_spool::start(const keeper_order& order) {
  auto name = folder_name(order.token);
  auto folder = root_ + "/" + name;
  if (!fresh_.remove(name))
    if (auto problem = why_not_to_start(name))
      return problem;
  auto tagged = order;
  tagged.env[attempt_token_variable] = name;
  tagged.cgroup = groups_of(groups_, name);
  if (tagged.limits.cpus == 0)
    tagged.cgroup.cpu.clear(); // it would count nothing, and each group takes its time to make
  auto bytes = encode(tagged);
  if (bytes.size() > limits::spool_record_bytes_max)
    return failure{ec::bad_input, folder + ": script and environment are longer than "
                                    + std::to_string(limits::spool_record_bytes_max) + " bytes"};
  if (auto problem = add_attempt_record(folder, bytes))
    return problem;
  return launch(folder, name);
}

std::optional<failure> disk_spool::launch(const std::string& folder, const std::string& name) {
  auto pid = starter_.start(folder);
  if (!pid)
    return pid.error();
  auto pidfd = open_pidfd(*pid);
  auto problem = pidfd ? watcher_.add(name, std::move(pidfd), keeper_watcher::kinship::child)
                       : io_failure(folder + ": can't watch its keeper", errno);
  if (problem) { // a keeper that nobody watches must not be
    kill(*pid, SIGKILL);
    waitpid(*pid, nullptr, 0);
  }
  return problem;
}

/// Watches a keeper that an earlier agent started; false if none is alive.
bool disk_spool::watch_stranger(const std::string& folder, const std::string& name) {
  auto holder = lock_holder(folder);
  if (!holder || *holder <= 0)
    return false;
  auto pidfd = open_pidfd(*holder);
  auto again = lock_holder(folder);
  // It held the lock before and after: the descriptor is of that very process.
  if (!pidfd || !again || *again != *holder)
    return false;
  auto problem = watcher_.add(name, std::move(pidfd), keeper_watcher::kinship::stranger);
  if (problem)
    complain_of_spool("watch", *problem);
  return !problem;
}

void disk_spool::watch(const grant_token& token, std::function<void()> gone) {
  auto name = folder_name(token);
  if (watcher_.notify(name, gone))
    return;
  watch_stranger(root_ + "/" + name, name);
  // It may have ended between the two: then nobody is there to tell, and we do.
  if (!watcher_.notify(name, gone))
    gone();
}

void disk_spool::cancel(const grant_token& token, const std::string& reason) {
  auto folder = folder_of(token);
  if (!there(folder))
    return;
  if (auto problem =
        replace_file(folder, spool_file::cancel, encode_cancel(reason), durability::unsynced))
    complain_of_spool("cancel", *problem);
  auto holder = lock_holder(folder);
  if (!holder || *holder <= 0)
    return; // not started: the keeper will look before it starts the command
  auto pidfd = open_pidfd(*holder);
  auto again = lock_holder(folder);
  if (pidfd && again && *again == *holder)
    syscall(SYS_pidfd_send_signal, pidfd.get(), SIGTERM, nullptr, 0);
}

void disk_spool::renew_lease(const grant_token& token, milliseconds left) {
  auto folder = folder_of(token);
  if (!there(folder))
    return;
  if (auto problem = replace_file(folder, spool_file::lease, encode_lease(boot_time_now() + left),
                                  durability::unsynced))
    complain_of_spool("renew_lease", *problem);
}

std::optional<keeper_exit> disk_spool::exit_of(const grant_token& token) const {
  auto records = records_of(folder_name(token), spool_file::keeper);
  auto account = records ? exit_in(*records, boot_id_) : records.error();
  if (account)
    return *account;
  if (account.error().code != ec::not_found)
    complain_of_spool("exit_of", account.error());
  return std::nullopt;
}

std::optional<failure> disk_spool::close(const grant_token& token, const keeper_exit& account) {
  auto folder = folder_of(token);
  if (kept_.holds(folder_name(token)))
    return std::nullopt; // with the keeper's own account
  // Held while we kill and write, so that a keeper that comes up late finds itself refused.
  fresh_.remove(folder_name(token));
  auto lock = take_lock(folder, lock_kind::of_file);
  if (!lock)
    return lock.error();
  auto killed = kill_leftovers(folder, folder_name(token));
  if (!killed)
    return killed.error();
  if (exit_of(token))
    return std::nullopt; // the keeper's own account stands
  auto complete = account;
  if (auto start = read_record(folder, spool_file::keeper, "start", &decode_start))
    if (complete.started_at.ms == 0)
      complete.started_at = (*start).at;
  if (!(*killed).empty())
    complete.leftovers = "killed, left by a keeper that had died: " + name_processes(*killed);
  auto path = folder + "/" + spool_file::keeper;
  auto records = encode_closed(complete.finished_at) + "\n" + encode(complete);
  if (auto problem = append_record((*lock).get(), records, path))
    return problem;
  return sync_attempt(folder, (*lock).get());
}

uint64_t disk_spool::log_size(const grant_token& token) const {
  struct stat info {};
  auto name = folder_name(token);
  if (kept_.holds(name)) {
    auto kept = kept_.read(name);
    if (!kept)
      complain_of_spool("read", kept.error());
    return kept ? (*kept).log.size() : 0;
  }
  auto path = root_ + "/" + name + "/" + spool_file::log;
  return stat(path.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

expected<std::string> disk_spool::read_log(const grant_token& token, uint64_t offset,
                                           size_t max) const {
  auto name = folder_name(token);
  if (kept_.holds(name)) {
    auto kept = kept_.read(name);
    if (!kept)
      return kept.error();
    return (*kept).log.substr(std::min<uint64_t>(offset, (*kept).log.size()), max);
  }
  auto path = root_ + "/" + name + "/" + spool_file::log;
  auto bytes = read_part(path, offset, max);
  if (!bytes && bytes.error().code == ec::not_found && there(folder_of(token)))
    return std::string{}; // entered, not started
  return bytes;
}

expected<disk_spool::folder_entry> disk_spool::read_folder(const std::string& name) const {
  auto folder = root_ + "/" + name;
  auto records = records_of(name, spool_file::attempt);
  if (!records)
    return records.error();
  auto work = last_of("assignment", *records, &decode_assignment);
  if (!work)
    return failure{work.error().code, folder + ": " + work.error().text};
  folder_entry entry;
  auto& found = entry.attempt;
  found.work = std::move(*work);
  auto came = last_of("entered", *records, &decode_entry);
  entry.entered_ns = came ? (*came).at_ns : 0;
  found.keeper_alive = watcher_.watches(name);
  if (!found.keeper_alive) {
    auto holder = lock_holder(folder);
    found.keeper_alive = holder && *holder != 0;
  }
  // One that came in another boot may have run, whatever is left of its records.
  found.keeper_started = found.keeper_alive || !came || (*came).boot_id != boot_id_
                         || was_started(records_of(name, spool_file::keeper));
  if (auto at = last_of("confirmed", *records, &decode_confirmed)) {
    found.confirmed = true;
    found.confirmed_at = *at;
  }
  return entry;
}

std::vector<spooled_attempt> disk_spool::list() const {
  auto names = kept_.names();
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{root_, error})
    if (auto name = entry.path().filename().string(); !name.starts_with(aside_prefix))
      names.push_back(std::move(name));
  std::vector<folder_entry> found;
  for (const auto& name : names) {
    auto attempt = read_folder(name);
    if (!attempt)
      complain_of_spool("read", attempt.error());
    else if (folder_name((*attempt).attempt.work.token) == name)
      found.push_back(std::move(*attempt));
  }
  if (error)
    complain_of_spool("list", {ec::io, root_ + ": " + error.message()});
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::tie(a.entered_ns, a.attempt.work.token)
           < std::tie(b.entered_ns, b.attempt.work.token);
  });
  std::vector<spooled_attempt> attempts;
  for (auto& one : found)
    attempts.push_back(std::move(one.attempt));
  return attempts;
}

std::optional<spooled_attempt> disk_spool::find(const grant_token& token) const {
  auto name = folder_name(token);
  if (auto work = fresh_.find(name)) {
    spooled_attempt known;
    known.work = *std::move(work);
    return known;
  }
  auto found = read_folder(name);
  if (found)
    return std::move((*found).attempt);
  if (found.error().code != ec::not_found)
    complain_of_spool("read", found.error());
  return std::nullopt;
}

void disk_spool::confirm(const grant_token& token, wall_time now) {
  auto folder = folder_of(token);
  auto name = folder_name(token);
  fresh_.remove(name);
  if (kept_.holds(name)
      || (!watcher_.watches(name) && folders_.keep(folder, encode_confirmed(now), kept_)))
    return;
  // If a loss of power takes it, the result is only told once more.
  if (auto problem = add_attempt_record(folder, encode_confirmed(now)))
    complain_of_spool("confirm", *problem);
}

void disk_spool::forget(const grant_token& token) {
  auto folder = folder_of(token);
  if (auto name = folder_name(token); kept_.holds(name))
    return kept_.forget(name);
  auto attempt = find(token);
  if (!attempt || !attempt->confirmed || attempt->keeper_alive)
    return complain_of_spool("forget",
                             {ec::conflict, folder + ": not confirmed or still running, kept"});
  // Without its assignment it is nobody's: a crash can't leave half an attempt.
  auto path = folder + "/" + spool_file::attempt;
  if (unlink(path.c_str()) != 0)
    return complain_of_spool("forget", io_failure(path, errno));
  remove_attempt_folder(folder);
}

} // namespace drover
