// SPDX-License-Identifier: Apache-2.0
#include "storage/hex.hpp"

#include "storage/keys.hpp"

namespace drover::storage {

std::string to_hex(std::string_view digest) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (char byte : digest) {
    hex.push_back(digits[static_cast<uint8_t>(byte) >> 4]);
    hex.push_back(digits[static_cast<uint8_t>(byte) & 15]);
  }
  return hex;
}

std::optional<std::string> from_hex(std::string_view hex) {
  auto value = [](char digit) {
    if (digit >= '0' && digit <= '9')
      return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
  };
  if (hex.size() != 2 * keys::digest_bytes)
    return std::nullopt;
  std::string digest;
  for (size_t i = 0; i < hex.size(); i += 2) {
    auto high = value(hex[i]);
    auto low = value(hex[i + 1]);
    if (high < 0 || low < 0)
      return std::nullopt;
    digest.push_back(static_cast<char>(high << 4 | low));
  }
  return digest;
}

} // namespace drover::storage
