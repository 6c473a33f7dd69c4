// SPDX-License-Identifier: Apache-2.0
#include "actors/core/blame_choice.hpp"

#include "actors/core/blame.hpp"
#include "schema/limits_blame.hpp"

#include <algorithm>
#include <tuple>

namespace drover::core {

namespace {

uint64_t distance(const build_record& a, const build_record& b) {
  return a.id > b.id ? a.id.value - b.id.value : b.id.value - a.id.value;
}

bool is_telling(const build_record& red, const build_record& other) {
  return other.id != red.id && other.state == build_state::finished && !other.host.value.empty()
         && (is_green(other) || is_blamable(other));
}

/// Takes up to `most` of these positions; returns how far the last one is, if no other has room.
uint64_t take(const std::vector<size_t>& sorted, size_t most, blame_choice& into,
              const std::vector<uint64_t>& distances) {
  auto count = std::min(sorted.size(), most);
  into.chosen.insert(into.chosen.end(), sorted.begin(),
                     sorted.begin() + static_cast<ptrdiff_t>(count));
  if (count < most)
    return blame_reach::any;
  return count == 0 ? 0 : distances[sorted[count - 1]];
}

} // namespace

blame_choice choose_compared(const build_record& red,
                             const std::vector<const build_record*>& same) {
  std::vector<size_t> opinions, at_home, elsewhere;
  std::vector<uint64_t> distances(same.size(), 0);
  for (size_t i = 0; i < same.size(); ++i) {
    const auto& other = *same[i];
    if (!is_telling(red, other))
      continue;
    bool opinion = other.opinion_of == red.id;
    distances[i] = opinion ? 0 : distance(red, other);
    (opinion ? opinions : other.host == red.host ? at_home : elsewhere).push_back(i);
  }
  auto nearer = [&](size_t a, size_t b) {
    return std::tuple{distances[a], same[a]->id} < std::tuple{distances[b], same[b]->id};
  };
  for (auto* kind : {&opinions, &at_home, &elsewhere})
    std::sort(kind->begin(), kind->end(), nearer);
  blame_choice choice;
  auto left = [&] { return limits::blame_compared_max - choice.chosen.size(); };
  take(opinions, left(), choice, distances);
  choice.reach.at_home =
    take(at_home, std::min(limits::blame_at_home_max, left()), choice, distances);
  choice.reach.elsewhere = take(elsewhere, left(), choice, distances);
  return choice;
}

bool can_concern(const build_record& red, const blame_reach& reach, const build_record& end) {
  if (end.id == red.id || end.opinion_of == red.id)
    return true;
  return distance(red, end) <= (end.host == red.host ? reach.at_home : reach.elsewhere);
}

} // namespace drover::core
