#pragma once
// The environment in which a step's command runs (CONTRACT.md, "The environment of a step").
// SPDX-License-Identifier: Apache-2.0

#include "schema/messages.hpp"

namespace drover::core {

/// Where and on what a step runs.
struct step_place {
  std::string host;
  std::string workspace; ///< absolute path
  std::string outputs;   ///< absolute path
  uint32_t cores = 1;
  std::string temporary = {}; ///< absolute path; empty: the system's
};

/// `base` (PATH, HOME ...) first, then what Drover says, then what the recipe says of this step:
/// later ones win, so that a recipe may override anything.
string_map step_environment(const assignment& work, const step_place& place,
                            const string_map& base);

/// Cores that one of `slots` steps may use at once, from the host's facts; at least 1.
uint32_t cores_per_slot(const host_facts& facts, uint32_t slots);

/// The token as one word, as the spool names the attempt's folder: "COUNTER-INCARNATION-BUILD-STEP-
/// ATTEMPT", the incarnation in hex. Stray processes of an attempt are found by it in their
/// environment.
std::string token_text(const grant_token& token);

} // namespace drover::core
