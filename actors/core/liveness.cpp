// SPDX-License-Identifier: Apache-2.0
#include "actors/core/liveness.hpp"

#include "actors/core/mutants.hpp"

namespace drover::core {

liveness after_silence(const liveness_policy& policy, milliseconds silent) {
  if (silent >= policy.lease)
    return liveness::lost;
  if (silent >= policy.suspect_after)
    return liveness::suspect;
  return liveness::up;
}

milliseconds own_absence(milliseconds late, milliseconds little) {
  return late <= little || is_mutant(mutant::stopped_is_silence) ? milliseconds{0} : late;
}

std::string spoken(milliseconds span) {
  auto ms = span.count() < 0 ? 0 : span.count();
  if (ms < 1000)
    return std::to_string(ms) + " ms";
  if (ms < 60'000)
    return std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + " s";
  if (ms < 3'600'000)
    return std::to_string(ms / 60'000) + " min";
  return std::to_string(ms / 3'600'000) + " h";
}

} // namespace drover::core
