#pragma once
// The folder of one attempt, which the agent and the keeper share: what lies in it, in what form.
//
//   assignment  agent   what the coordinator sent; there before the folder has its name
//   order       agent   what the keeper is to do; synced before the keeper starts
//   lock        keeper  a record lock (fcntl) on it is held as long as the keeper lives
//   keeper      keeper  its pid, start time and boot; there before the command starts, never twice
//   started     keeper  the command's pid (also its session and process group) and wall time
//   log         keeper  the command's output, byte for byte; it only grows. One that has passed its
//                       limit ends with a line that says so and with the output's tail
//   lease       agent   until when the step may run on; the keeper looks when its lease ends
//   cancel      agent   why the step is to end; the keeper looks before the start and at SIGTERM
//   exit        keeper  how it ended, synced after the log; from the agent if the keeper died
//   confirmed   agent   when the coordinator said that the result is durable
//   keeper.err  keeper  its own standard error; empty as a rule
//
// A process lock rather than flock: it is asked for without being taken (so that a look can't make
// a keeper's own attempt fail), and the kernel names the holder. The folder's name is the token.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/record_file.hpp"
#include "schema/keeper.hpp"
#include "schema/limits.hpp"
#include "schema/messages.hpp"

namespace drover {

namespace spool_file {
inline constexpr auto assignment = "assignment";
inline constexpr auto order = "order";
inline constexpr auto lock = "lock";
inline constexpr auto keeper = "keeper";
inline constexpr auto started = "started";
inline constexpr auto log = "log";
inline constexpr auto cancel = "cancel";
inline constexpr auto exit = "exit";
inline constexpr auto lease = "lease";
inline constexpr auto confirmed = "confirmed";
inline constexpr auto keeper_errors = "keeper.err";
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

/// "COUNTER-INCARNATION-BUILD-STEP-ATTEMPT", the incarnation in hex: one folder for each token.
std::string folder_name(const grant_token& token);

std::string encode(const assignment& value);
std::string encode(const keeper_order& value);
std::string encode(const keeper_exit& value);
std::string encode(const process_identity& value);
std::string encode(const command_start& value);
/// How long the command may run on: a time of `boot_time_now`.
std::string encode_lease(milliseconds until);
/// For `cancel` and `confirmed`.
std::string encode_cancel(const std::string& reason);
std::string encode_confirmed(wall_time at);

expected<assignment> decode_assignment(std::string_view bytes);
expected<keeper_order> decode_order(std::string_view bytes);
expected<keeper_exit> decode_exit(std::string_view bytes);
expected<process_identity> decode_identity(std::string_view bytes);
expected<command_start> decode_start(std::string_view bytes);
expected<milliseconds> decode_lease(std::string_view bytes);
expected<std::string> decode_cancel(std::string_view bytes);
expected<wall_time> decode_confirmed(std::string_view bytes);

/// Reads FOLDER/name and decodes it.
template <class T>
expected<T> read_record(const std::string& folder, const char* name,
                        expected<T> (*decode)(std::string_view)) {
  auto bytes = read_whole(folder + "/" + name, limits::spool_record_bytes_max);
  if (!bytes)
    return bytes.error();
  auto value = decode(*bytes);
  if (!value)
    return failure{value.error().code, folder + "/" + name + ": " + value.error().text};
  return value;
}

/// The pid that holds the lock of `folder`, 0 if nobody does, -1 if it is a process that can't be
/// named (of another pid namespace). The lock is not touched.
expected<int32_t> lock_holder(const std::string& folder);
/// Takes the lock of `folder` for the life of the descriptor's open file (`of_file`) or of this
/// process (`of_process`, which a second look through `lock_holder` names). ec::conflict if held.
enum class lock_kind { of_file, of_process };
expected<unique_fd> take_lock(const std::string& folder, lock_kind kind);

/// Wall time now, for records.
wall_time wall_now();
/// Time since this boot of the kernel, with what the machine was suspended: a limit is a span of
/// real time.
milliseconds boot_time_now();
/// This boot of the kernel; a pid recorded under another one means nothing.
std::string current_boot_id();

} // namespace drover
