#pragma once
// How attempts, steps and builds ended, in words: every result with every cause. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <string>

namespace drover::core {

/// The attempt whose result stands, else the last one that could decide; null if there was none.
const attempt_record* telling_attempt(const step_record& step);

/// The first step that made the build end with `outcome`; null if it was no step.
const step_record* culprit(const build_file& file, result outcome);

/// "step 'test' failed on h1 with exit code 2: 3 tests failed": the middle of a sentence.
std::string step_ending(const step_record& step);

/// One attempt with its host, its result, how long it took and why it ended: a line of evidence.
std::string attempt_line(const step_record& step, const attempt_record& attempt);

/// Why a build ends with `outcome`: what `build_record::reason` says of a finished build. Without
/// its subject, so that a table shows it beside the number.
std::string why_ended(const build_file& file, result outcome);

/// "build 12 of check failed: step 'test' ...": the sentence of a finished build.
std::string finished_sentence(const build_record& build, const std::string& why);

/// Why a build was cancelled: "cancelled by ann: wrong tarball".
std::string cancel_phrase(const std::string& by, const std::string& reason);

} // namespace drover::core
