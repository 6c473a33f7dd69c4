#pragma once
// A kept result as a file: a tar archive, compressed, that depends on nothing but its content.
//
//   log         what the step printed, byte for byte
//   work/PATH   outputs in the workspace, with the folders that they lie in
//   out/PATH    all that lay under $DROVER_OUT
//
// Modes are kept. Of times the order is kept: the oldest file has time 0, the next distinct time is
// a microsecond later, so that what `make` compares is told apart and the same outputs always make
// the same archive.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/record_file.hpp"
#include "schema/config_model.hpp"

#include <functional>

namespace drover {

struct pack_source {
  std::string log;       ///< path of the file
  std::string workspace; ///< folder
  std::string outputs;   ///< folder of $DROVER_OUT
  std::vector<std::string> globs;
};

struct pack_bounds {
  uint64_t bytes = 0;
  uint64_t files = 0;
  /// Whether so many bytes may be written; the error says why not.
  std::function<std::optional<failure>(uint64_t bytes)> room;
};

/// What of a step's files belongs to its result: `outputs`, and the reports that it names as tests.
std::vector<std::string> result_globs(const step_spec& step);

/// Writes the archive to `path`.
std::optional<failure> pack_result(const pack_source& from, const std::string& path,
                                   const pack_bounds& bounds);

} // namespace drover
