#pragma once
// Digests as people read them.
// SPDX-License-Identifier: Apache-2.0

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace drover::storage {

/// Two lower-case digits a byte.
std::string to_hex(std::string_view digest);
/// The 32 bytes of a SHA-256; nothing for what is not 64 lower-case digits.
std::optional<std::string> from_hex(std::string_view hex);

} // namespace drover::storage
