#pragma once
// Bounds of work on machines that are reached by ssh.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace drover::limits {

/// How long a connection may take to be made, and to be silent before it counts as cut.
inline constexpr int ssh_connect_seconds = 10;
inline constexpr int ssh_alive_seconds = 5;
inline constexpr int ssh_alive_count = 3;
/// How long a question to the far machine may take, and a transfer.
inline constexpr int far_question_seconds = 60;
inline constexpr int far_transfer_seconds = 1800;
/// An agent that restarts within this asks for no new facts: its steps wait for it.
inline constexpr int far_facts_seconds = 3600;
/// Of what the far machine answers, so much is read.
inline constexpr size_t far_answer_bytes_max = 64 * 1024;
/// What is brought of one workspace: a far machine must not fill this one.
inline constexpr uint64_t far_brought_bytes_max = 16ull * 1024 * 1024 * 1024;
/// TERM, then so many seconds, then KILL: less than the keeper of this side waits.
inline constexpr int far_grace_seconds = 5;
/// A step ends itself over there when it has had this beyond its own time.
inline constexpr std::chrono::seconds far_deadline_slack{30};

} // namespace drover::limits
