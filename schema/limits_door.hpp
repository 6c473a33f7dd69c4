#pragma once
// Bounds of the coordinator's door for hosts, each with its reason.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"

namespace drover::limits {

/// TLS handshakes of hosts at once; who comes beyond is sent away at once, and its agent tries
/// again later. More of them would share the processor until none ends within `accept_timeout`: a
/// herd that comes back in one moment would never get in.
inline constexpr size_t handshakes_at_once = 64;

} // namespace drover::limits
