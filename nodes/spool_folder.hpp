#pragma once
// The folder of one attempt, which the agent and the keeper share: what lies in it, in what form.
//
//   attempt   agent   records, each appended. `entered`: when it came, in which boot; `assignment`:
//                     what the coordinator sent; `order`: what the keeper is to do, there before it
//                     starts; `confirmed`: when the coordinator said that the result is durable
//   keeper    keeper  records as well. `process`: its pid, start time and boot, before the command
//                     starts, never twice; `start`: the command's pid (also its session and process
//                     group) and wall time; `exit`: how it ended. If the keeper died, an agent
//                     tells the exit, behind a `closed`. Its own standard error comes here too,
//                     between records; there is none as a rule. A record lock (fcntl) on this file
//                     is held as long as the keeper lives
//   log       keeper  the command's output, byte for byte, once there is some; it only grows. One
//                     that has passed its limit ends with a line that says so and with its tail
//   lease     agent   until when the step may run on; the keeper looks when its lease ends
//   cancel    agent   why the step is to end; the keeper looks before the start and at SIGTERM
//   cache     agent   of a step whose result may be used again: what it was made of
//
// A process lock rather than flock: it is asked for without being taken (so that a look can't make
// a keeper's own attempt fail), and the kernel names the holder. The folder's name is the token.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/record_file.hpp"
#include "schema/keeper.hpp"
#include "schema/limits.hpp"
#include "schema/limits_keeper.hpp"
#include "schema/messages.hpp"

// Two files for most attempts: to make one costs more than all that is written into it. Each has
// one writer, the agent or who holds the lock, so records never mix. What a crash leaves:
//
//   - Killed while it enters an attempt: a folder without a whole assignment, of which nobody was
//     told. The next agent removes it.
//   - Agent killed while it appends an order: cut short, and no keeper was started of it. The next
//     agent appends another one.
//   - Keeper killed while it appends: without a whole `exit` the agent finds the keeper dead and
//     writes one in its place, behind what was cut short.
//   - Agent killed while it appends `confirmed`: the result is told once more.
//   - The machine loses its power: no process of before lives, and what was not synced may be gone,
//     by the record or by the file. Nothing here is synced but the exit of a step that took
//     limits::exit_synced_from or longer, with its log and all names above it (`outlives_power`).
//     An attempt that was entered in another boot is therefore never started (it may have run), and
//     an exit of another boot counts only if it was synced (an agent's always is). Where even the
//     folder is gone, the coordinator holds every order that it sent to another boot for lost.
//   - Once its result is durable at the coordinator, an attempt whose exit was not synced moves,
//     byte for byte, into a file with others (`kept_attempts`), and its folder is emptied and used
//     again under another name. Agent killed in between: it is there twice, and the folder goes.
//     Where a loss of power brings back what was in a folder, that holds another one's assignment
//     and is removed, or an exit that does not count.
//   - One damaged record: each has its checksum and is read or refused by itself.

namespace drover {

namespace spool_file {
inline constexpr auto attempt = "attempt";
inline constexpr auto keeper = "keeper";
inline constexpr auto log = "log";
inline constexpr auto cancel = "cancel";
inline constexpr auto lease = "lease";
inline constexpr auto cache = "cache";
} // namespace spool_file

/// In every step's environment, with the folder's name: finds processes of a step whose keeper
/// died.
inline constexpr auto attempt_token_variable = "DROVER_ATTEMPT_TOKEN";

/// A process, told apart from a later one with the same pid.
struct process_identity {
  int32_t pid = 0;
  uint64_t start_ticks = 0; ///< field 22 of /proc/PID/stat
  std::string boot_id;
  friend bool operator==(const process_identity&, const process_identity&) = default;
};

struct command_start {
  process_identity command;
  wall_time at;
  friend bool operator==(const command_start&, const command_start&) = default;
};

/// When an attempt came to this host, and in which boot of it.
struct attempt_entry {
  int64_t at_ns = 0; ///< wall time, fine enough to tell which came first
  std::string boot_id;
  friend bool operator==(const attempt_entry&, const attempt_entry&) = default;
};

/// Whether an exit is synced before anybody hears of it. To run a shorter step again, after a loss
/// of power within the seconds in which the kernel writes it out, costs less than to wait for the
/// disk each time. Its result is not acknowledged then: what is, is on the coordinator's disk.
bool outlives_power(const keeper_exit& account);

/// "COUNTER-INCARNATION-BUILD-STEP-ATTEMPT", the incarnation in hex: one folder for each token.
std::string folder_name(const grant_token& token);

std::string encode(const assignment& value);
std::string encode(const keeper_order& value);
std::string encode(const keeper_exit& value);
std::string encode(const process_identity& value);
std::string encode(const command_start& value);
std::string encode(const attempt_entry& value);
/// How long the command may run on: a time of `boot_time_now`.
std::string encode_lease(milliseconds until);
/// For `cancel` and `confirmed`.
std::string encode_cancel(const std::string& reason);
std::string encode_confirmed(wall_time at);
/// For `keeper`, by an agent.
std::string encode_closed(wall_time at);

expected<assignment> decode_assignment(std::string_view bytes);
expected<keeper_order> decode_order(std::string_view bytes);
expected<keeper_exit> decode_exit(std::string_view bytes);
expected<process_identity> decode_identity(std::string_view bytes);
expected<command_start> decode_start(std::string_view bytes);
expected<attempt_entry> decode_entry(std::string_view bytes);
expected<milliseconds> decode_lease(std::string_view bytes);
expected<std::string> decode_cancel(std::string_view bytes);
expected<wall_time> decode_confirmed(std::string_view bytes);

/// The bytes of FOLDER/name, of however many records.
expected<std::string> read_spool_file(const std::string& folder, const char* name);

/// Decodes the last record of `kind` in `file`, the bytes of one.
template <class T>
expected<T> last_of(std::string_view kind, std::string_view file,
                    expected<T> (*decode)(std::string_view)) {
  auto record = last_record(kind, file);
  if (!record)
    return record.error();
  return decode(*record);
}

/// Reads FOLDER/name and decodes the last record of `kind` in it.
template <class T>
expected<T> read_record(const std::string& folder, const char* name, std::string_view kind,
                        expected<T> (*decode)(std::string_view)) {
  auto bytes = read_spool_file(folder, name);
  if (!bytes)
    return bytes.error();
  auto value = last_of(kind, *bytes, decode);
  if (!value)
    return failure{value.error().code, folder + "/" + name + ": " + value.error().text};
  return value;
}

/// The pid that holds the lock of `folder` (that is, of its file `keeper`), 0 if nobody does, -1 if
/// it is a process that can't be named (of another pid namespace). The lock is not touched.
expected<int32_t> lock_holder(const std::string& folder);
/// Takes the lock of `folder` for the life of the descriptor's open file (`of_file`) or of this
/// process (`of_process`, which a second look through `lock_holder` names; it ends as soon as this
/// process closes any descriptor of that file). ec::conflict if held. What is written through the
/// descriptor is appended.
enum class lock_kind { of_file, of_process };
expected<unique_fd> take_lock(const std::string& folder, lock_kind kind);
/// The same by a descriptor of the file that is there already.
std::optional<failure> lock_file(int fd, lock_kind kind, const std::string& folder);

/// Makes the attempt of `folder` outlive a loss of power: its records (`keeper` is the file with
/// the exit), its names, its folder's name. Its log is synced by who writes it.
std::optional<failure> sync_attempt(const std::string& folder, int keeper);

/// Wall time in nanoseconds, for `attempt_entry`.
int64_t wall_now_ns();
/// Wall time now, for records.
wall_time wall_now();
/// Time since this boot of the kernel, with what the machine was suspended: a limit is a span of
/// real time.
milliseconds boot_time_now();
/// This boot of the kernel; a pid recorded under another one means nothing.
std::string current_boot_id();

} // namespace drover
