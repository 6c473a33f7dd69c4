#pragma once
// What this machine is, found out by looking: the facts that requirements are matched with.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/keeper/cgroup.hpp"
#include "nodes/step_users.hpp"
#include "schema/error.hpp"
#include "schema/model.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace drover {

/// Facts by name; one that can't be found out is left out:
///   os arch kernel distro libc hostname cpu_model       texts ("linux", "x86_64", "debian 12")
///   endianness cpu_flags                                little or big; words, in order
///   clock                                               whether it is synchronised, how exactly
///   cores ram disk                                      numbers; ram and disk (free) in bytes
///   cc gcc clang gfortran python3 make cmake hg git     versions of what is installed
///   each of `programs` that is on the PATH              its version, or "present"
///   sandbox                                             bubblewrap or none
/// Runs the compilers to ask them; takes some 100 ms. `state_folder` is where `disk` is measured.
host_facts probe_facts(const std::string& state_folder,
                       const std::vector<std::string>& programs = {});

/// What a host can do for its steps:
///   cgroup         v2, v2 without controllers, v1, v1 and v2, none
///   step_limits    those of a step's limits that have a means here: "log disk files memory pids"
///   steps_run_as   who steps are, and why not somebody else
void add_step_facts(host_facts& facts, const cgroup_means& means, const step_users& users);

/// The first thing in `text` that looks like a version ("12.2.0"); empty if there is none.
std::string version_in(std::string_view text);
/// The value of KEY in os-release text, without quotes.
std::string os_release_value(std::string_view text, std::string_view key);

/// The words of `text`, each once and in order, as many as fit.
std::string words_that_fit(std::string_view text, size_t bytes_max);

/// This state folder's random id, made at the first call and kept there. Not the system's
/// machine-id: containers share it, and a copied disk image keeps it.
expected<std::string> machine_id(const std::string& state_folder);

} // namespace drover
