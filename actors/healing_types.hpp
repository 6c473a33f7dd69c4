#pragma once
// What the coordinator's actors say to each other about healing.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <optional>
#include <vector>

namespace drover {

/// The race between a build's two attempts is over, or the build did not begin it; from the build.
struct hedge_over {
  build_id build;
  host_name host;              ///< of the second attempt
  bool moved = false;          ///< the build stays there now, and has left its former host
  uint32_t last_placement = 0; ///< the highest number that the build has used
};

/// What the farm itself decided about a host; from the coordinator to its supervisor, which makes
/// it durable together with `events`. A person's drain or pause is never replaced.
struct host_care {
  std::optional<host_hold> hold; ///< kind `none`: the farm's own hold ends
  std::optional<ladder_record> ladder;
  std::vector<event_record> events;
};

/// A command of the farm's own has ended; from the command port.
struct command_over {
  host_name host;
  ladder_rung rung = ladder_rung::none; ///< none: it starts or stops an on-demand host
  int32_t exit_code = -1;               ///< 128 + n for signal n; -1: it could not be started
  std::string output;                   ///< its end, or why it could not be started
};

} // namespace drover

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::hedge_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::host_care)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::command_over)
