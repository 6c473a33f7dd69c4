#pragma once
// Builds that kill hosts: found by what was lost under one step. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <string>
#include <vector>

namespace drover::core {

/// Told behind the reason of a loss that came with many others: it is held against nobody.
inline constexpr const char* lost_with_many = " (as were many hosts in that moment)";

/// Told behind the reason why a host that is unwell did not take an attempt: as harmless.
inline constexpr const char* nothing_ran = " (nothing of it ran there)";

/// The different hosts that were lost while this step ran there, in that order; losses during an
/// alarm about half the herd do not count.
std::vector<host_name> hosts_killed(const step_record& step);

/// Names the step and the hosts; empty while no step has killed limits::poison_hosts of them.
std::string poison_sentence(const build_file& file);

} // namespace drover::core
