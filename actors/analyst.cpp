// SPDX-License-Identifier: Apache-2.0
#include "actors/analyst.hpp"

#include "actors/core/dialects/reader.hpp"
#include "actors/core/glob.hpp"
#include "schema/limits.hpp"
#include "schema/limits_tests.hpp"
#include "schema/names.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

namespace {

bool matches(const std::string& path, const std::vector<std::string>& globs) {
  return std::any_of(globs.begin(), globs.end(),
                     [&](const std::string& glob) { return glob_matches(glob, path); });
}

bool is_xml(const std::string& path) {
  constexpr std::string_view ending = ".xml";
  return path.size() >= ending.size()
         && path.compare(path.size() - ending.size(), ending.size(), ending) == 0;
}

void note(test_report& into, const std::string& text) {
  if (into.notes.size() < limits::test_notes_max)
    into.notes.push_back(printable(text, limits::reason_bytes_max));
}

expected<std::string> read_whole(const storage::store& store, const artifact_ref& artifact) {
  if (artifact.size > limits::report_file_bytes_max)
    return failure{ec::refused, artifact.path + ": is too large for a report"};
  std::string bytes;
  while (bytes.size() < artifact.size) {
    auto piece =
      storage::read_blob(store, artifact.sha256, bytes.size(), limits::http_log_bytes_max);
    if (!piece)
      return piece.error();
    if (piece->empty())
      return failure{ec::damaged, artifact.path + ": ends before its size"};
    bytes += *piece;
  }
  return bytes;
}

} // namespace

caf::result<tests_analysed> analyst_state::analyse(build_id build) {
  auto file = storage::read_build_file(*store, build);
  if (!file || !*file || (*file)->build.state != build_state::finished)
    return tests_analysed{};
  storage::write_batch batch;
  for (const auto& step : (*file)->steps) {
    const auto& spec = (*file)->recipe.steps.at(step.index.value);
    if (spec.tests.empty() || step.accepted.value == 0)
      continue;
    auto known = storage::read_test_report(*store, build, step.index);
    if (!known || *known)
      continue;
    self->send(census, actor_note{name, "reads the tests of build " + to_string(build)});
    storage::put_test_report(batch, build, step.index, read(**file, step));
  }
  if (batch.empty())
    return tests_analysed{};
  activity.did("read the tests of build " + to_string(build), self->clock().now());
  auto promise = self->make_response_promise<tests_analysed>();
  self
    ->request(recorder, caf::infinite, std::move(batch)) // its silence is fatal anyway
    .then([promise](recorded) mutable { promise.deliver(tests_analysed{}); });
  return promise;
}

test_report analyst_state::read(const build_file& file, const step_record& step) const {
  test_report report;
  auto globs = file.recipe.steps.at(step.index.value).tests;
  auto automatic = std::erase(globs, "auto");
  if (automatic > 0)
    read_log({file.build.id, step.index, step.accepted}, report);
  if (!globs.empty())
    read_files(file, globs, report);
  return report;
}

void analyst_state::read_log(attempt_id attempt, test_report& into) const {
  core::dialect_reader reader;
  for (uint64_t offset = 0;;) {
    auto bytes = storage::read_log(*store, attempt, offset, limits::http_log_bytes_max);
    if (!bytes) {
      note(into, "the log could not be read to its end: " + bytes.error().text);
      break;
    }
    if (bytes->empty())
      break;
    reader.feed(*bytes);
    offset += bytes->size();
  }
  core::merge(into, reader.finish());
}

void analyst_state::read_files(const build_file& file, const std::vector<std::string>& globs,
                               test_report& into) const {
  bool found = false;
  for (const auto& artifact : file.build.artifacts) {
    if (!matches(artifact.path, globs))
      continue;
    found = true;
    auto bytes = read_whole(*store, artifact);
    if (!bytes) {
      note(into, bytes.error().text);
      continue;
    }
    if (!is_xml(artifact.path)) {
      core::dialect_reader reader;
      reader.feed(*bytes);
      core::merge(into, reader.finish());
      continue;
    }
    auto report =
      read_report
        ? read_report(artifact.path, *bytes)
        : expected<test_report>{failure{ec::unavailable, artifact.path + ": XML is not read here"}};
    if (report)
      core::merge(into, *std::move(report));
    else
      note(into, report.error().text);
  }
  if (!found)
    note(into, "no report file was left that matches what `tests` names");
}

actor_entry analyst_state::describe() const {
  return describe_as(name, name, "idle", activity.told(self->clock().now()));
}

analyst_actor::behavior_type analyst(analyst_state::pointer self, const farm_settings& settings,
                                     recorder_actor recorder, census_actor census) {
  auto& state = self->state;
  state.store = settings.store;
  state.read_report = settings.read_report;
  state.recorder = std::move(recorder);
  state.census = std::move(census);
  return {
    [self](const analyse_tests& request) { return self->state.analyse(request.build); },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
