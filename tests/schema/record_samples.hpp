#pragma once
// Random records from a seed. Each record is taken apart by a structured binding, so that a field
// which is added to the model and forgotten here does not compile.
// SPDX-License-Identifier: Apache-2.0

#include "schema/incident.hpp"
#include "schema/record_codec.hpp"

#include <algorithm>
#include <cstring>
#include <random>

namespace drover::test {

class sampler {
public:
  explicit sampler(uint64_t seed) : random_{seed} {}

  template <class T>
  T make() {
    T value;
    fill(value);
    return value;
  }

  uint64_t below(uint64_t end) { return random_() % end; }

  /// Any bytes, NUL and newlines among them.
  std::string bytes(size_t size) {
    std::string text(size, '\0');
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
      auto word = random_();
      std::memcpy(text.data() + at, &word, std::min(sizeof word, size - at));
    }
    return text;
  }

  void fill(bool& value) { value = below(2) == 1; }
  void fill(int32_t& value) { value = static_cast<int32_t>(number()); }
  void fill(uint32_t& value) { value = static_cast<uint32_t>(number()); }
  void fill(int64_t& value) { value = static_cast<int64_t>(number()); }
  void fill(uint64_t& value) { value = number(); }
  void fill(milliseconds& value) { value = milliseconds{static_cast<int64_t>(number() >> 16)}; }
  void fill(std::string& value) { value = bytes(below(20)); }
  void fill(wall_time& value) { fill(value.ms); }
  void fill(result& value) { fill_enum(value, result::skipped); }
  void fill(build_state& value) { fill_enum(value, build_state::finished); }
  void fill(step_state& value) { fill_enum(value, step_state::finished); }
  void fill(attempt_state& value) { fill_enum(value, attempt_state::lost); }
  void fill(attempt_role& value) { fill_enum(value, attempt_role::repeats); }
  void fill(source_kind& value) { fill_enum(value, source_kind::set); }
  void fill(param_kind& value) { fill_enum(value, param_kind::yes_no); }
  void fill(hold_kind& value) { fill_enum(value, hold_kind::health); }
  void fill(event_kind& value) { fill_enum(value, event_kind::host_misbehaved); }
  void fill(blame& value) { fill_enum(value, blame::flaky); }
  void fill(host_stage& value) { fill_enum(value, host_stage::retired); }
  void fill(ladder_rung& value) { fill_enum(value, ladder_rung::given_up); }
  void fill(notice_kind& value) {
    value = static_cast<notice_kind>(1 + below(static_cast<uint64_t>(notice_kind::test)));
  }
  void fill(notice_state& value) { fill_enum(value, notice_state::failed); }
  void fill(placement_kind& value) { fill_enum(value, placement_kind::each_class); }

  template <class Tag, class Rep>
  void fill(strong<Tag, Rep>& value) {
    fill(value.value);
  }

  template <class T>
  void fill(std::vector<T>& values) {
    values.resize(below(4));
    for (auto& value : values)
      fill(value);
  }

  void fill(string_map& entries) {
    for (auto left = below(4); left > 0; --left)
      entries[make<std::string>()] = make<std::string>();
  }

  void fill(epoch& value) {
    auto& [counter, incarnation] = value;
    all(counter, incarnation);
  }

  void fill(source_ref& value) {
    auto& [kind, id, sha256, revision, size] = value;
    all(kind, id, sha256, revision, size);
  }

  void fill(artifact_ref& value) {
    auto& [path, sha256, size] = value;
    all(path, sha256, size);
  }

  void fill(placement_spec& value) {
    auto& [kind, class_keys] = value;
    all(kind, class_keys);
  }

  void fill(step_limits& value) {
    auto& [memory, pids, cpus, log, disk, files] = value;
    all(memory, pids, cpus, log, disk, files);
  }

  void fill(resource_usage& value) {
    auto& [user_ms, system_ms, memory_peak, pids_peak, disk_peak] = value;
    all(user_ms, system_ms, memory_peak, pids_peak, disk_peak);
  }

  void fill(cache_spec& value) {
    auto& [on, inputs, facts, outputs] = value;
    all(on, inputs, facts, outputs);
  }

  void fill(retention_spec& value) {
    auto& [age, budget, keep_last] = value;
    all(age, budget, keep_last);
  }

  void fill(ladder_record& value) {
    auto& [rung, tries, runs, note] = value;
    all(rung, tries, runs, note);
  }

  void fill(user_record& value) {
    auto& [name, password, made_by, made_at, changed_at] = value;
    all(name, password, made_by, made_at, changed_at);
  }

  void fill(session_record& value) {
    auto& [sha256, user, csrf, made_at, last_seen, expires_at] = value;
    all(sha256, user, csrf, made_at, last_seen, expires_at);
  }

  void fill(outbox_mark& value) {
    auto& [event, notice] = value;
    all(event, notice);
  }
  void fill(incident_record& value) {
    auto& [builder, place, open, newest, last_green, campaign, event, thread, cause, since, tell_at,
           causes_told, authors_told] = value;
    all(builder, place, open, newest, last_green, campaign, event, thread, cause, since, tell_at,
        causes_told, authors_told);
  }
  void fill(notice_record& value) {
    auto& [id, reporter, kind, state, event, build, campaign, host, builder, thread, subject, said,
           payload, to, tries, last_error, made_at, next_try, done_at] = value;
    all(id, reporter, kind, state, event, build, campaign, host, builder, thread, subject, said,
        payload, to, tries, last_error, made_at, next_try, done_at);
  }

  void fill(cache_record& value) {
    auto& [key, builder, step, parts, sha256, size, build, host, took_ms, made_at, used_at, uses] =
      value;
    all(key, builder, step, parts, sha256, size, build, host, took_ms, made_at, used_at, uses);
  }

  void fill(step_spec& value) {
    auto& [name, run, env, timeout, silence, tests, exclusive, always, warn_only, limits, sandbox,
           pty, cache] = value;
    all(name, run, env, timeout, silence, tests, exclusive, always, warn_only, limits, sandbox, pty,
        cache);
  }

  void fill(param_spec& value) {
    auto& [name, kind, fallback, required, choices, about] = value;
    all(name, kind, fallback, required, choices, about);
  }

  void fill(host_hold& value) {
    auto& [kind, by, reason, since, until] = value;
    all(kind, by, reason, since, until);
  }

  void fill(event_record& value) {
    auto& [sequence, at, kind, build, campaign, builder, host, step, attempt, state, outcome, by,
           said] = value;
    all(sequence, at, kind, build, campaign, builder, host, step, attempt, state, outcome, by,
        said);
  }

  void fill(config_record& value) {
    auto& [generation, at, by, path, files, summary] = value;
    all(generation, at, by, path, files, summary);
  }

  void fill(change_record& value) {
    auto& [id, source, identity, ref, branch, author, title, note, covers, made_at, seen_at,
           campaign, builds] = value;
    all(id, source, identity, ref, branch, author, title, note, covers, made_at, seen_at, campaign,
        builds);
  }

  void fill(source_status& value) {
    auto& [name, last_look, last_success, last_error, next_look, cursor] = value;
    all(name, last_look, last_success, last_error, next_look, cursor);
  }

  void fill(test_case& value) {
    auto& [name, suite, outcome, seconds, message, file, line] = value;
    all(name, suite, message, file, line);
    fill_enum(outcome, test_outcome::expected_failure);
    seconds = static_cast<double>(below(1000)) / 8;
  }

  void fill(tool_summary& value) {
    auto& [dialect, ran, failures, errors, skipped] = value;
    all(dialect, ran, failures, errors, skipped);
  }

  void fill(test_report& value) {
    auto& [dialect, tests, counts, summaries, notes, truncated, only_failures_named] = value;
    all(dialect, tests, summaries, notes, truncated, only_failures_named);
    for (auto& number : counts.by_outcome)
      fill(number);
  }

  void fill(token_record& value) {
    auto& [id, sha256, name, role, made_by, made_at, expires_at, uses_left, labels] = value;
    all(id, sha256, name, role, made_by, made_at, expires_at, uses_left, labels);
  }

  void fill(builder_spec& value) {
    auto& [name, source, on, requirement, steps, artifacts, params, keep, second_opinion, canary,
           more_sources] = value;
    all(name, source, on, requirement, steps, artifacts, params, keep, second_opinion, canary,
        more_sources);
  }

  void fill(attempt_record& value) {
    auto& [number, host, granted_in, placement, role, state, outcome, exit_code, keeper_lost,
           reason, granted_at, started_at, finished_at, log_bytes, usage, leftovers, hedge,
           reused_from, cache_note, out_empty] = value;
    all(number, host, granted_in, placement, role, state, outcome, exit_code, keeper_lost, reason,
        granted_at, started_at, finished_at, log_bytes, usage, leftovers, hedge, reused_from,
        cache_note, out_empty);
  }

  void fill(step_record& value) {
    auto& [index, name, state, outcome, exit_code, accepted, reason, attempts] = value;
    all(index, name, state, outcome, exit_code, accepted, reason, attempts);
  }

  void fill(build_record& value) {
    auto& [id, builder, campaign, state, outcome, reason, source, params, requested_by,
           requested_because, pinned, host, placement, cancel_requested, cancel_reason, created_at,
           started_at, finished_at, artifacts, artifact_problem, retry_of, generation, opinion_of,
           fault, fault_evidence, artifacts_dropped] = value;
    all(id, builder, campaign, state, outcome, reason, source, params, requested_by,
        requested_because, pinned, host, placement, cancel_requested, cancel_reason, created_at,
        started_at, finished_at, artifacts, artifact_problem, retry_of, generation, opinion_of,
        fault, fault_evidence, artifacts_dropped);
  }

  void fill(campaign_cell& value) {
    auto& [builder, host, host_class, build, reason] = value;
    all(builder, host, host_class, build, reason);
  }

  void fill(campaign_record& value) {
    auto& [id, source, cells, requested_by, requested_because, created_at] = value;
    all(id, source, cells, requested_by, requested_because, created_at);
  }

  void fill(host_record& value) {
    auto& [name, machine_id, boot_id, slots, labels, facts, version, restarts, first_seen,
           last_seen, hold, stage, stage_note, ladder] = value;
    all(name, machine_id, boot_id, slots, labels, facts, version, restarts, first_seen, last_seen,
        hold, stage, stage_note, ladder);
  }

  void fill(record::manifest& value) {
    auto& [size, pieces, stored_at] = value;
    all(size, pieces, stored_at);
    for (auto& piece : pieces)
      piece = bytes(32);
  }

  void fill(record::log_segment& value) {
    auto& [size, lines, line_starts, frame_bytes, frames] = value;
    all(lines, line_starts, frame_bytes, frames);
    frame_bytes |= 1;
    size = below(frames.size() + 1) * frame_bytes; // frames must suffice
  }

private:
  template <class... Fields>
  void all(Fields&... fields) {
    (fill(fields), ...);
  }

  template <class Enum>
  void fill_enum(Enum& value, Enum last) {
    value = static_cast<Enum>(below(static_cast<uint64_t>(last) + 1));
  }

  /// Small numbers, large ones, and the ends of the range.
  uint64_t number() {
    switch (below(4)) {
    case 0:
      return below(10);
    case 1:
      return ~uint64_t{0};
    default:
      return random_();
    }
  }

  std::mt19937_64 random_;
};

} // namespace drover::test
