// SPDX-License-Identifier: Apache-2.0
#include "actors/core/step_environment.hpp"

#include "schema/names.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace drover::core {

std::string token_text(const grant_token& token) {
  std::array<char, 16> hex{};
  auto written =
    std::to_chars(hex.data(), hex.data() + hex.size(), token.granted_in.incarnation, 16);
  const auto& attempt = token.attempt;
  return std::to_string(token.granted_in.counter) + "-" + std::string{hex.data(), written.ptr} + "-"
         + std::to_string(attempt.build.value) + "-" + std::to_string(attempt.step.value) + "-"
         + std::to_string(attempt.attempt.value);
}

uint32_t cores_per_slot(const host_facts& facts, uint32_t slots) {
  uint32_t cores = 1;
  if (auto found = facts.find("cores"); found != facts.end()) {
    const auto& text = found->second;
    uint32_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{})
      cores = value;
  }
  return std::max(cores / std::max(slots, 1U), 1U);
}

string_map step_environment(const assignment& work, const step_place& place,
                            const string_map& base) {
  auto env = base;
  env["DROVER"] = "1";
  env["CI"] = "true";
  env["DROVER_BUILD_ID"] = to_string(work.token.attempt.build);
  env["DROVER_BUILDER"] = work.builder;
  env["DROVER_STEP"] = work.step.name;
  env["DROVER_ATTEMPT"] = std::to_string(work.token.attempt.attempt.value);
  env["DROVER_ATTEMPT_TOKEN"] = token_text(work.token);
  env["DROVER_HOST"] = place.host;
  env["DROVER_SOURCE"] = work.source.id;
  env["DROVER_REVISION"] = work.source.revision;
  env["DROVER_CORES"] = std::to_string(place.cores);
  env["DROVER_WORKSPACE"] = place.workspace;
  env["DROVER_OUT"] = place.outputs;
  if (!place.temporary.empty())
    env["TMPDIR"] = place.temporary;
  for (const auto& [name, value] : work.step.env)
    env[name] = value;
  return env;
}

} // namespace drover::core
