#pragma once
// Builds and hosts for tests of decisions, made in one line.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/progress.hpp"
#include "actors/core/schedule.hpp"

namespace drover::core {

inline builder_spec recipe_of(std::vector<step_spec> steps, std::string requirement = {}) {
  builder_spec recipe;
  recipe.name = "check";
  recipe.requirement = std::move(requirement);
  recipe.steps = std::move(steps);
  return recipe;
}

inline step_spec step(std::string name) {
  step_spec spec;
  spec.name = std::move(name);
  spec.run = "true";
  return spec;
}

inline step_spec always(std::string name) {
  auto spec = step(std::move(name));
  spec.always = true;
  return spec;
}

inline step_spec warn_only(std::string name) {
  auto spec = step(std::move(name));
  spec.warn_only = true;
  return spec;
}

inline build_file queued_build(std::vector<step_spec> steps, std::string requirement = {}) {
  return make_build({7}, recipe_of(std::move(steps), std::move(requirement)), {});
}

inline constexpr epoch first_epoch{1, 42};

/// Grants what `decide_next` asks for; the test fails by exception if it asks for something else.
inline grant_token grant_next(build_file& file) {
  return apply_grant(file, std::get<grant_step>(decide_next(file)), first_epoch, {100});
}

inline attempt_ended ended(const grant_token& token, result outcome, std::string reason = {}) {
  attempt_ended report;
  report.token = token;
  report.outcome = outcome;
  report.exit_code = outcome == result::success ? 0 : 2;
  report.reason = std::move(reason);
  return report;
}

inline attempt_ended keeper_lost(const grant_token& token) {
  auto report = ended(token, result::exception, "keeper lost");
  report.keeper_lost = true;
  return report;
}

inline host_offer host(std::string name, uint32_t slots = 1, uint32_t used = 0,
                       string_map traits = {{"os", "linux"}}) {
  return {{std::move(name)}, host_state::up, {}, slots, used, std::move(traits)};
}

inline queue_entry entry(uint64_t id, std::string requirement = {}, std::string pinned = {}) {
  auto file = queued_build({step("build")}, std::move(requirement));
  file.build.id = {id};
  file.build.pinned = {std::move(pinned)};
  return to_queue_entry(file);
}

} // namespace drover::core
