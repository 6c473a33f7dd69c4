#pragma once
// What this machine has left of what builds need, found out by looking.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/health.hpp"

#include <string>

namespace drover {

/// Free disk and inodes are those of `state_folder`. With `has_compiler`, gcc is asked to compile
/// an empty file; that takes some 50 ms, and a few seconds at most.
core::vital_signs read_vital_signs(const std::string& state_folder, bool has_compiler);

/// Bytes that processes can get, from the text of /proc/meminfo.
std::optional<uint64_t> memory_in(const std::string& meminfo);

} // namespace drover
