// SPDX-License-Identifier: Apache-2.0
#include "config/values.hpp"

#include "schema/limits.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace drover {
namespace {

template <size_t N>
using unit_table = std::array<std::pair<std::string_view, uint64_t>, N>;

constexpr unit_table<5> time_units{
  {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr unit_table<6> size_units{{{"", 1},
                                    {"B", 1},
                                    {"KiB", uint64_t{1} << 10},
                                    {"MiB", uint64_t{1} << 20},
                                    {"GiB", uint64_t{1} << 30},
                                    {"TiB", uint64_t{1} << 40}}};

/// A whole number and a unit; the product must fit a signed 64-bit number.
template <size_t N>
std::optional<uint64_t> parse_with_unit(std::string_view text, const unit_table<N>& units) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{})
    return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  for (const auto& [unit, factor] : units)
    if (text == unit) {
      constexpr auto largest = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
      return number <= largest / factor ? std::optional{number * factor} : std::nullopt;
    }
  return std::nullopt;
}

} // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  auto ms = parse_with_unit(text, time_units);
  if (!ms)
    return std::nullopt;
  return std::chrono::milliseconds{static_cast<int64_t>(*ms)};
}

std::optional<uint64_t> parse_size(std::string_view text) {
  return parse_with_unit(text, size_units);
}

std::optional<bool> parse_yes_no(std::string_view text) {
  if (text == "true" || text == "yes" || text == "on")
    return true;
  if (text == "false" || text == "no" || text == "off")
    return false;
  return std::nullopt;
}

size_t edit_distance(std::string_view left, std::string_view right) {
  // Three rows of the usual table: the swap of two neighbours looks two rows back.
  std::vector<size_t> before_last, last(right.size() + 1), row(right.size() + 1);
  for (size_t j = 0; j <= right.size(); ++j)
    last[j] = j;
  for (size_t i = 1; i <= left.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= right.size(); ++j) {
      size_t changed = last[j - 1] + (left[i - 1] == right[j - 1] ? 0u : 1u);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, changed});
      bool swapped = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
      if (swapped)
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = last;
    last = row;
  }
  return last[right.size()];
}

std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& known) {
  if (word.size() > limits::name_bytes_max)
    return std::nullopt;
  // A third of the word may be wrong: more would suggest words that only look alike by chance.
  size_t best = std::max<size_t>(1, word.size() / 3) + 1;
  std::optional<std::string_view> result;
  for (auto candidate : known) {
    auto distance = edit_distance(word, candidate);
    if (distance >= best || distance >= candidate.size())
      continue;
    best = distance;
    result = candidate;
  }
  return result;
}

} // namespace drover
