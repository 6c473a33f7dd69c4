#pragma once
// What a build does next, and which results it accepts: every rule of a build's life. Pure.
//
// A build stays on one host at a time; each stay is a *placement*, counted from 1. When a host is
// lost, the next placement repeats the steps that have passed already (role `repeats`) because the
// steps to come need their workspace; what was accepted stays accepted.
// SPDX-License-Identifier: Apache-2.0

#include "schema/messages.hpp"
#include "schema/model.hpp"

#include <variant>

namespace drover::core {

// -- next move -----------------------------------------------------------------------------------

/// An attempt of this step is to be granted to the build's host.
struct grant_step {
  step_index step;
  attempt_role role = attempt_role::counts;
  friend bool operator==(const grant_step&, const grant_step&) = default;
};
/// An attempt is under way; only an event can change anything.
struct wait_for_attempt {
  attempt_number attempt;
  step_index step;
  friend bool operator==(const wait_for_attempt&, const wait_for_attempt&) = default;
};
/// All steps are over and the host holds a workspace of which something may be wanted: artifacts,
/// or what a failed step has left.
struct close_workspace {
  bool keep_artifacts = false;
  friend bool operator==(const close_workspace&, const close_workspace&) = default;
};
/// The build has no host and needs one.
struct need_host {
  friend bool operator==(const need_host&, const need_host&) = default;
};
/// Nothing is left to wait for: the build has ended so. If it has its host still, that may release
/// the workspace at leisure.
struct finish_build {
  result outcome = result::none;
  std::string reason;
  friend bool operator==(const finish_build&, const finish_build&) = default;
};
using next_move =
  std::variant<grant_step, wait_for_attempt, close_workspace, need_host, finish_build>;

/// Steps that will never run (an earlier one failed, or the build is cancelled) are first settled
/// by `settle_skipped`; then this says what to do. `build.host` empty means that it has none.
next_move decide_next(const build_file& file);

/// Marks steps `skipped` that can't run any more. True if one was marked.
bool settle_skipped(build_file& file);

// -- events --------------------------------------------------------------------------------------

/// What an attempt's report did.
enum class verdict : uint8_t {
  accepted,  ///< it is the step's result now
  recorded,  ///< it ends its attempt but is not the step's result (a repeat, or one to be retried)
  evidence,  ///< another result stands; kept with its attempt, changes nothing
  duplicate, ///< said before: changes nothing
  unknown,   ///< no such grant: a forged or foreign token, changes nothing
};

/// The build has got a host: a new placement begins.
void apply_placed(build_file& file, const host_name& host, wall_time now);

/// Enters the grant decided by `decide_next`; returns its token.
grant_token apply_grant(build_file& file, const grant_step& grant, epoch granted_in, wall_time now);

/// True if it changed anything.
bool apply_started(build_file& file, const grant_token& token, wall_time at);

/// Fencing: a result is accepted once, from an attempt that was granted under exactly this token;
/// an attempt declared lost may still bring the result if no other has.
verdict apply_ended(build_file& file, const attempt_ended& report);

/// The lease of the attempt's host is over. Ends the placement: the build goes on where its hedge
/// is, if it has one (hedge.hpp), else it needs a host. True if the attempt was live.
bool apply_lost(build_file& file, const grant_token& token, const std::string& reason,
                wall_time now);

/// True if the build was not over or cancelled already.
bool apply_cancel(build_file& file, const std::string& reason);

/// The workspace is released: artifacts are known, the placement is over.
void apply_closed(build_file& file, const build_closed& report);

void apply_finished(build_file& file, const finish_build& end, wall_time now);

// -- questions -----------------------------------------------------------------------------------

/// The attempt that is granted or running now, if any; at most one per placement.
const attempt_record* live_attempt(const build_file& file, step_index* of_step);

/// The attempt of this token, or null when no such grant was ever made.
const attempt_record* find_attempt(const build_file& file, const grant_token& token);
attempt_record* find_attempt(build_file& file, const grant_token& token);

/// What a host keeps of a workspace: the artifacts, and the reports that steps name as tests.
std::vector<std::string> kept_globs(const builder_spec& recipe);

/// Whether tests are to be read of a build, once it is over.
bool has_tests(const builder_spec& recipe);

/// What the host of `token` is to run.
assignment make_assignment(const build_file& file, const grant_token& token);

/// A fresh build of a recipe, queued. Of the farm's limits it takes those of which its steps say
/// nothing.
build_file make_build(build_id id, const builder_spec& recipe, const source_ref& source,
                      const limits_spec& limits = {});

} // namespace drover::core
