// What a build takes of its builder's recipe.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/progress.hpp"
#include "schema/limits.hpp"

#include <algorithm>

namespace drover::core {

std::vector<std::string> kept_globs(const builder_spec& recipe) {
  auto globs = recipe.artifacts;
  for (const auto& step : recipe.steps)
    for (const auto& tests : step.tests)
      if (tests != "auto" && std::find(globs.begin(), globs.end(), tests) == globs.end())
        globs.push_back(tests);
  return globs;
}

bool has_tests(const builder_spec& recipe) {
  return std::any_of(recipe.steps.begin(), recipe.steps.end(),
                     [](const auto& step) { return !step.tests.empty(); });
}

assignment make_assignment(const build_file& file, const grant_token& token) {
  assignment work;
  work.token = token;
  const auto* attempt = find_attempt(file, token);
  work.placement = attempt == nullptr ? file.build.placement : attempt->placement;
  work.builder = file.build.builder;
  work.step = file.recipe.steps[token.attempt.step.value];
  for (const auto& [name, value] : file.build.params)
    work.step.env.insert({name, value});
  if (work.step.timeout.count() == 0)
    work.step.timeout = limits::step_timeout_default;
  if (work.step.silence.count() == 0)
    work.step.silence = limits::step_silence_default;
  work.source = file.build.source;
  return work;
}

build_file make_build(build_id id, const builder_spec& recipe, const source_ref& source,
                      const limits_spec& limits) {
  build_file file;
  file.recipe = recipe;
  for (auto& step : file.recipe.steps)
    if (step.limits.log == 0)
      step.limits.log = limits.log_per_step;
  file.build.id = id;
  file.build.builder = recipe.name;
  file.build.source = source;
  for (const auto& step : recipe.steps) {
    step_record record;
    record.index = {static_cast<uint32_t>(file.steps.size())};
    record.name = step.name;
    file.steps.push_back(std::move(record));
  }
  return file;
}

} // namespace drover::core
