// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/explain.hpp"

#include "actors/core/enrolment.hpp"
#include "actors/core/explain/ending.hpp"
#include "schema/limits_explain.hpp"
#include "schema/names.hpp"
#include "storage/identities.hpp"
#include "storage/log_tail.hpp"

#include <algorithm>

namespace drover::http {

namespace {

bool is_bad(const build_record& build) {
  return build.state == build_state::finished && build.outcome != result::success
         && build.outcome != result::cancelled && build.outcome != result::skipped;
}

bool same_source(const source_ref& a, const source_ref& b) {
  return a.kind == b.kind && a.id == b.id && a.sha256 == b.sha256 && a.revision == b.revision;
}

/// What happened to the host itself: the builds that came and went would hide it.
bool is_of_host(event_kind kind) {
  return kind == event_kind::host_changed || kind == event_kind::host_ordered
         || kind == event_kind::attempt_lost || kind == event_kind::host_stage_changed
         || kind == event_kind::host_misbehaved || kind == event_kind::host_revoked;
}

/// The end of the log of the step that made the build end as it did.
expected<std::string> log_tail(const storage::store& store, const build_file& file) {
  const auto* step = core::culprit(file, file.build.outcome);
  const auto* attempt = step == nullptr ? nullptr : core::telling_attempt(*step);
  if (attempt == nullptr)
    return std::string{};
  return storage::read_log_tail(store, {file.build.id, step->index, attempt->number},
                                limits::error_search_bytes_max);
}

/// Builds shortly before and after it, newest first.
expected<std::vector<build_record>> neighbours(const storage::store& store, build_id build) {
  build_id before{build.value + limits::neighbours_searched_max};
  return storage::list_builds(store, before, 2 * limits::neighbours_searched_max,
                              [](const build_record&) { return true; });
}

void sort_neighbours(const build_record& build, std::vector<build_record> found,
                     core::build_surroundings& out) {
  for (auto& other : found) {
    if (other.retry_of == build.id)
      out.retried_by.push_back(other.id);
    if (other.opinion_of == build.id && other.id != build.id)
      out.opinions.push_back(other);
    if (other.builder != build.builder || other.id == build.id
        || other.state != build_state::finished)
      continue;
    if (other.id < build.id && other.opinion_of.value == 0) {
      ++out.searched;
      if (!out.last_good && other.outcome == result::success)
        out.last_good = other;
    }
    if (same_source(other.source, build.source) && build.source.kind != source_kind::none
        && other.outcome != result::cancelled && other.outcome != result::skipped)
      out.elsewhere.push_back(std::move(other));
  }
}

std::optional<failure> follow_retries(const storage::store& store, build_id first,
                                      std::vector<build_id>& chain) {
  for (auto id = first; id.value != 0 && chain.size() < limits::retries_followed_max;) {
    chain.push_back(id);
    auto build = storage::read_build(store, id);
    if (!build)
      return build.error();
    id = *build ? (*build)->retry_of : build_id{};
  }
  return std::nullopt;
}

} // namespace

core::build_surroundings look_around(const storage::store& store, const build_file& file) {
  core::build_surroundings out;
  if (is_bad(file.build)) {
    if (auto tail = log_tail(store, file))
      out.log_tail = std::move(*tail);
    else
      out.problems.push_back("its log can't be read: " + tail.error().text);
  }
  if (file.build.state == build_state::finished) {
    if (auto found = neighbours(store, file.build.id))
      sort_neighbours(file.build, std::move(*found), out);
    else
      out.problems.push_back("other builds can't be read: " + found.error().text);
  }
  if (auto problem = follow_retries(store, file.build.retry_of, out.retry_chain))
    out.problems.push_back("what it repeats can't be read: " + problem->text);
  return out;
}

void merge(build_record& build, const std::vector<waiting_view>& views) {
  if (build.state == build_state::finished)
    return;
  for (const auto& view : views) {
    if (view.build != build.id)
      continue;
    if (view.state != build_state::finished) // its record will say so in a moment
      build.state = view.state;
    if (!view.reason.empty())
      build.reason = view.reason;
    return;
  }
}

expected<std::string> revocation_of(const storage::store& store, const host_view& host) {
  if (host.state != host_state::suspect && host.state != host_state::lost
      && host.state != host_state::joining)
    return std::string{};
  auto identity = storage::read_identity(store, host.record.name);
  if (!identity)
    return identity.error();
  return *identity ? core::revocation_of(**identity) : std::string{};
}

core::host_surroundings look_around(const storage::store& store, const host_view& host) {
  core::host_surroundings out;
  if (auto revoked = revocation_of(store, host))
    out.revoked = *revoked;
  else
    out.problems.push_back("its certificates can't be read: " + revoked.error().text);
  for (const auto& attempt : host.attempts) {
    if (out.work.size() == limits::evidence_attempts_max)
      break;
    core::host_work work{attempt, {}, {}, {}};
    auto file = storage::read_build_file(store, attempt.build);
    if (!file)
      out.problems.push_back("build " + to_string(attempt.build)
                             + " can't be read: " + file.error().text);
    else if (*file && attempt.step.value < (*file)->steps.size()) {
      const auto& step = (*file)->steps[attempt.step.value];
      work.builder = (*file)->build.builder;
      work.step = step.name;
      for (const auto& each : step.attempts)
        if (each.number == attempt.attempt)
          work.started_at = each.started_at;
    }
    out.work.push_back(std::move(work));
  }
  auto newest = storage::last_events(store, limits::evidence_events_searched_max,
                                     [](const event_record&) { return true; });
  if (!newest) {
    out.problems.push_back("the journal can't be read: " + newest.error().text);
    return out;
  }
  for (auto& event : *newest)
    if (event.host == host.record.name && is_of_host(event.kind)
        && out.journal.size() < limits::evidence_events_max)
      out.journal.push_back(std::move(event));
  return out;
}

} // namespace drover::http
