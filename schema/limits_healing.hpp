#pragma once
// Bounds of healing: second attempts, brakes, quarantine, the ladder, health.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"

namespace drover::limits {

// -- second attempts (hedges) --------------------------------------------------------------------

/// Silence after which a running step is begun on another host as well, at the usual pace of beats.
inline constexpr milliseconds hedge_after = 2s;
/// Second attempts that may be begun at once; one more becomes free every `hedge_refill`. A herd
/// whose network hiccups must not run everything twice.
inline constexpr uint32_t hedges_at_once = 32;
inline constexpr milliseconds hedge_refill = 250ms;
/// The same while the farm suspects itself or has just stopped to.
inline constexpr uint32_t careful_hedges_at_once = 2;
inline constexpr milliseconds careful_hedge_refill = 1s;

// -- half the herd gone at once ------------------------------------------------------------------

/// Smaller herds: half of them is one host, and that is no sign of anything.
inline constexpr size_t alarm_hosts_min = 4;
/// So close together must they fall silent.
inline constexpr milliseconds alarm_window = 2s;
/// A check of the own side is repeated this often until it succeeds.
inline constexpr milliseconds alarm_check_every = 1s;
/// Builds of lost hosts that go back into the queue in one `alarm_requeue_every` during an alarm.
inline constexpr size_t alarm_requeues = 2;
inline constexpr milliseconds alarm_requeue_every = 1s;
/// An alarm ends by itself: by then the hosts that are gone are lost one by one.
inline constexpr milliseconds alarm_time_max = 10min;
/// The coordinator looks at the herd every `wait_granularity`; a look that comes later than this
/// means that it was stopped, and it must first hear what waits for it.
inline constexpr milliseconds stall_min = 1s;
/// After a stop nothing is decided about hosts for this long: what they sent is read first.
inline constexpr milliseconds after_stall = 2s;

// -- whose fault ---------------------------------------------------------------------------------

/// Different hosts lost under one step before its build is not tried again.
inline constexpr size_t poison_hosts = 2;
/// Builds in a row that a host must fail, while others pass them, to be quarantined.
inline constexpr size_t black_hole_streak = 3;
/// What counts as failing fast, whatever the builder needs elsewhere.
inline constexpr milliseconds black_hole_fast = 30s;
/// Failures of one host that are remembered, and run again elsewhere: what it may have eaten before
/// others have shown that they pass.
inline constexpr size_t streak_kept_max = 500;
/// Such failures that are known to have been begun again; a start looks for those among as many of
/// the newest builds.
inline constexpr size_t repeats_remembered_max = 2 * streak_kept_max;
/// Builders whose last pass is remembered, with the host.
inline constexpr size_t passes_kept_max = 10'000;
/// A quarantined host is probed after this, doubling up to the maximum.
inline constexpr milliseconds probe_first = 1min;
inline constexpr milliseconds probe_max = 2h;
/// How often the slower duties of healing are looked at.
inline constexpr milliseconds healing_look = 1s;

// -- the ladder ----------------------------------------------------------------------------------

/// A host is lost for so long before the first command is run: most come back by themselves.
inline constexpr milliseconds ladder_first = 10s;
/// How long a host may take to join after each rung; the next try waits longer, doubling.
inline constexpr milliseconds ladder_wait_agent = 30s;
inline constexpr milliseconds ladder_wait_reboot = 3min;
inline constexpr milliseconds ladder_wait_power = 5min;
/// Tries of one rung before the next one is climbed.
inline constexpr uint32_t ladder_tries = 2;
/// Commands for one host in a period, where the configuration does not say.
inline constexpr uint32_t ladder_times = 6;
inline constexpr milliseconds ladder_within = 1h;
/// Moments of commands that are kept for the budget; what a configuration may ask for.
inline constexpr uint32_t ladder_times_max = 100;
inline constexpr milliseconds ladder_within_max = 30 * 24h;
/// A command that takes longer is killed.
inline constexpr milliseconds ladder_command_timeout = 2min;
/// Of what a command printed, its end is kept.
inline constexpr size_t ladder_output_max = 2000;
inline constexpr size_t ladder_output_told = 160;
/// Commands that run at the same time.
inline constexpr size_t ladder_commands_max = 8;
/// An on-demand host is stopped after being idle for this, where the configuration does not say.
inline constexpr milliseconds on_demand_idle = 10min;
/// Between two tries to start an on-demand host that does not come.
inline constexpr milliseconds on_demand_retry = 5min;

// -- health --------------------------------------------------------------------------------------

/// How often an agent looks at its own health.
inline constexpr milliseconds health_every = 30s;
/// A host gets no new work below these, and gets it again above twice as much.
inline constexpr uint64_t health_disk_min = 16ull * 1024 * 1024;
inline constexpr uint64_t health_inodes_min = 1000;
inline constexpr uint64_t health_memory_min = 64ull * 1024 * 1024;
/// Clocks that differ by more are told of: logs and certificates go by them.
inline constexpr milliseconds clock_offset_borne = 10s;
/// Runnable processes for each core: far more than steps of our own make.
inline constexpr uint64_t health_load_per_core_max = 50;

} // namespace drover::limits
