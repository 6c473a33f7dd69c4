#pragma once
// CRC-32C (Castagnoli), the checksum of everything that is stored.
// SPDX-License-Identifier: Apache-2.0

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace drover {

namespace crc32c_detail {

using tables = std::array<std::array<uint32_t, 256>, 8>;

/// Tables for eight bytes a step ("slicing by 8").
constexpr tables make_tables() {
  tables all{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    auto crc = byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
    all[0][byte] = crc;
  }
  for (size_t byte = 0; byte < 256; ++byte)
    for (size_t slice = 1; slice < 8; ++slice)
      all[slice][byte] = (all[slice - 1][byte] >> 8) ^ all[0][all[slice - 1][byte] & 0xff];
  return all;
}

inline constexpr tables table = make_tables();

constexpr uint32_t step(uint32_t crc, char byte) {
  return (crc >> 8) ^ table[0][(crc ^ static_cast<uint8_t>(byte)) & 0xff];
}

inline uint32_t portable(uint32_t crc, const char* data, size_t size) {
  for (; size >= 8; data += 8, size -= 8) {
    auto at = [data](size_t i) { return uint32_t{static_cast<uint8_t>(data[i])}; };
    auto low = crc ^ (at(0) | at(1) << 8 | at(2) << 16 | at(3) << 24);
    crc = table[7][low & 0xff] ^ table[6][(low >> 8) & 0xff] ^ table[5][(low >> 16) & 0xff]
          ^ table[4][low >> 24] ^ table[3][at(4)] ^ table[2][at(5)] ^ table[1][at(6)]
          ^ table[0][at(7)];
  }
  for (; size > 0; ++data, --size)
    crc = step(crc, *data);
  return crc;
}

#if defined(__x86_64__) && defined(__GNUC__)
/// Bytes of one of three lanes: an instruction waits for the one before, so three take turns.
inline constexpr size_t lane_bytes = 1024;

/// A checksum as it is after `lane_bytes` zeros more, by each of its bytes.
using shift_tables = std::array<std::array<uint32_t, 256>, 4>;

constexpr shift_tables make_shift_tables() {
  shift_tables all{};
  std::array<uint32_t, 32> of_bit{};
  for (uint32_t bit = 0; bit < 32; ++bit) {
    auto crc = uint32_t{1} << bit;
    for (size_t zeros = 0; zeros < lane_bytes; ++zeros)
      crc = (crc >> 8) ^ table[0][crc & 0xff];
    of_bit[bit] = crc;
  }
  for (uint32_t at = 0; at < 4; ++at)
    for (uint32_t byte = 0; byte < 256; ++byte)
      for (uint32_t bit = 0; bit < 8; ++bit)
        if ((byte >> bit & 1) != 0)
          all[at][byte] ^= of_bit[8 * at + bit];
  return all;
}

inline constexpr shift_tables shifts = make_shift_tables();

constexpr uint32_t shifted(uint32_t crc) {
  return shifts[0][crc & 0xff] ^ shifts[1][crc >> 8 & 0xff] ^ shifts[2][crc >> 16 & 0xff]
         ^ shifts[3][crc >> 24];
}

inline uint64_t word_at(const char* data) {
  uint64_t word = 0;
  std::memcpy(&word, data, sizeof word);
  return word;
}

/// The processor's own instruction: logs are checked at memory speed, in debug builds too.
__attribute__((target("sse4.2"))) inline uint32_t hardware(uint32_t crc, const char* data,
                                                           size_t size) {
  uint64_t wide = crc;
  for (; size >= 3 * lane_bytes; data += 3 * lane_bytes, size -= 3 * lane_bytes) {
    uint64_t second = 0, third = 0;
    for (size_t at = 0; at < lane_bytes; at += 8) {
      wide = __builtin_ia32_crc32di(wide, word_at(data + at));
      second = __builtin_ia32_crc32di(second, word_at(data + lane_bytes + at));
      third = __builtin_ia32_crc32di(third, word_at(data + 2 * lane_bytes + at));
    }
    wide = shifted(static_cast<uint32_t>(wide)) ^ second;
    wide = shifted(static_cast<uint32_t>(wide)) ^ third;
  }
  for (; size >= 8; data += 8, size -= 8)
    wide = __builtin_ia32_crc32di(wide, word_at(data));
  crc = static_cast<uint32_t>(wide);
  for (; size > 0; ++data, --size)
    crc = __builtin_ia32_crc32qi(crc, static_cast<uint8_t>(*data));
  return crc;
}
#endif

} // namespace crc32c_detail

/// The checksum of `bytes`, or of what `before` is the checksum of followed by `bytes`.
inline uint32_t crc32c(std::string_view bytes, uint32_t before = 0) {
#if defined(__x86_64__) && defined(__GNUC__)
  if (__builtin_cpu_supports("sse4.2"))
    return ~crc32c_detail::hardware(~before, bytes.data(), bytes.size());
#endif
  return ~crc32c_detail::portable(~before, bytes.data(), bytes.size());
}

} // namespace drover
