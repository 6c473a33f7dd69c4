#pragma once
// A host's actors: their interfaces, what each message means and who may send it.
// SPDX-License-Identifier: Apache-2.0

#include "actors/common_types.hpp"

namespace drover {

/// One connection to the coordinator as the host sees it. Dies with the connection. What the
/// coordinator says comes to the agent.
using farm_link_actor = caf::typed_actor<caf::reacts_to<host_message>>::extend_with<described>;

/// The link is there and `join` has been answered by `welcome`; from the link.
struct connected {
  welcome answer;
  farm_link_actor link;
};

/// No connection came to be, and why; from the link, which is gone.
struct not_connected {
  std::string reason;
};

/// The attempt's result is durable at the coordinator, and its step is done; from its step.
struct step_over {
  grant_token token;
};

/// Keeps confirmed attempts for limits::spool_kept, then removes them.
using spool_actor = caf::typed_actor<
  // The result of this attempt is durable at the coordinator; from its step.
  caf::reacts_to<result_durable>,
  // INTERNAL
  caf::reacts_to<atom::tick>>::extend_with<described>;

/// One a running or unconfirmed attempt: prepares, starts or adopts the keeper, follows its log,
/// reports its end until that is durable.
using step_actor = caf::typed_actor<
  // The link has come (or come back); log and result go on from what is confirmed.
  caf::reacts_to<connected>,
  // The link is gone: spool.
  caf::reacts_to<not_connected>, caf::reacts_to<log_durable>, caf::reacts_to<result_durable>,
  caf::reacts_to<cancel_attempt>,
  // From the process port: the keeper with this token is gone.
  caf::reacts_to<atom::stop, grant_token>,
  // INTERNAL: looks for new output, repeats what is not confirmed.
  caf::reacts_to<atom::tick>>::extend_with<described>;

/// Makes the workspace of (build, placement) hold `source`. Done already: answers at once.
struct prepare_workspace {
  build_id build;
  uint32_t placement = 0;
  source_ref source;
};
struct prepared {
  std::string workspace;      ///< absolute path
  std::string outputs;        ///< absolute path of $DROVER_OUT
  std::string temporary = {}; ///< absolute path of $TMPDIR; empty: the system's
  std::string home = {};      ///< absolute path of $HOME; empty: the agent's
  uint32_t user = 0;          ///< whose the workspace is, and who its steps are; 0: the agent
  uint32_t group = 0;
};

/// The build's stay here is over; from the agent, which has seen how its steps ended.
struct end_workspace {
  close_build order;
  std::string builder;
  std::string failed = {}; ///< the step that failed; not empty: people may want to look at it
};
/// What the disk has to say of itself, as facts of the host; an empty value: no such fact.
struct disk_news {
  string_map facts;
};

/// What a look at the host's own health found; `trouble`: why it should get no new work, one
/// sentence; empty: it is well.
struct health_news {
  std::string trouble;
};

/// Owns the workspaces of a host: fetches and unpacks sources, keeps artifacts, cleans up, and sees
/// to it that the disk does not get full.
using workspace_actor =
  caf::typed_actor<caf::replies_to<prepare_workspace>::with<expected<prepared>>,
                   caf::reacts_to<end_workspace>, caf::reacts_to<blob_piece>,
                   caf::reacts_to<blob_stored>, caf::reacts_to<connected>,
                   caf::reacts_to<not_connected>,
                   // INTERNAL: repeats what is not confirmed, looks at the disk.
                   caf::reacts_to<atom::tick>>::extend_with<described>;

/// Joins, beats, hands out work; one a host.
using host_agent_actor = caf::typed_actor<caf::reacts_to<connected>, caf::reacts_to<not_connected>,
                                          // From the link.
                                          caf::reacts_to<farm_message>,
                                          // From steps.
                                          caf::reacts_to<step_over>,
                                          // From the workspace.
                                          caf::reacts_to<disk_news>,
                                          // From a look at the host's health.
                                          caf::reacts_to<health_news>,
                                          // INTERNAL: beat, reconnect.
                                          caf::reacts_to<atom::tick>>::extend_with<described>;

} // namespace drover

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::connected)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::not_connected)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::step_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::prepare_workspace)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::prepared)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::end_workspace)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::disk_news)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::health_news)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::expected<drover::prepared>)
