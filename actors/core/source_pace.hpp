#pragma once
// When a source is looked at. Pure.
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstdint>
#include <string>

namespace drover::core {

/// How long until the next look: `every` (0: the default), and longer with each of `failures` looks
/// in a row that went wrong.
std::chrono::milliseconds next_look(std::chrono::milliseconds every, uint32_t failures);

/// A source's uploads are numbered from here, apart from those of other sources and of people.
uint64_t first_upload(const std::string& source);

} // namespace drover::core
