#pragma once
// What the farm knows of its hosts, as plain values. No behaviour, no I/O.
// SPDX-License-Identifier: Apache-2.0

#include "schema/config_model.hpp"
#include "schema/ids.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace drover {

enum class host_state : uint8_t {
  joining = 0,
  up = 1,
  suspect = 2,
  lost = 3,
  draining = 4,
  paused = 5,
  quarantined = 6,
};

/// What a host knows of itself, by fact name: os, arch, libc, cores, ram (bytes), disk (bytes) ...
using host_facts = string_map;

/// A host kept from new work by a person. Numbers are stored: never reuse one.
enum class hold_kind : uint8_t {
  none = 0,
  drain = 1,      ///< what runs there goes on to its end; nothing new comes
  pause = 2,      ///< as `drain`, and builds that are there wait between two steps
  quarantine = 3, ///< by the farm: it fails what others pass, or could not be brought back
  health = 4,     ///< by the farm: short of what it needs; ends by itself when it has it again
};

struct host_hold {
  hold_kind kind = hold_kind::none;
  std::string by;
  std::string reason;
  wall_time since;
  wall_time until; ///< ends by itself then; 0: does not
  friend bool operator==(const host_hold&, const host_hold&) = default;
};

/// How far a host is trusted. Numbers are stored: never reuse one.
enum class host_stage : uint8_t { trusted = 0, probation = 1, retired = 2 };

/// Numbers are stored: never reuse one.
enum class ladder_rung : uint8_t { none = 0, agent = 1, reboot = 2, power = 3, given_up = 4 };

/// What the farm did to bring a host back.
struct ladder_record {
  ladder_rung rung = ladder_rung::none; ///< the last one tried since it was well
  uint32_t tries = 0;                   ///< of that rung
  std::vector<wall_time> runs;          ///< when commands ran, the newest last; for the budget
  std::string note;                     ///< what was tried last, why, and how it went
  friend bool operator==(const ladder_record&, const ladder_record&) = default;
};

struct host_record {
  host_name name;
  std::string machine_id; ///< changes when the host is re-imaged
  std::string boot_id;    ///< changes when it reboots
  uint32_t slots = 1;
  string_map labels;
  host_facts facts;
  std::string version;
  uint32_t restarts = 0; ///< of its agent, as seen by the coordinator
  wall_time first_seen, last_seen;
  host_hold hold = {};
  host_stage stage = host_stage::trusted;
  std::string stage_note = {}; ///< why it stands there, one sentence
  ladder_record ladder = {};
  friend bool operator==(const host_record&, const host_record&) = default;
};

} // namespace drover
