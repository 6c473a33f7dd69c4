#pragma once
// The coordinator's actors: their interfaces, what each message means and who may send it.
// SPDX-License-Identifier: Apache-2.0

#include "actors/common_types.hpp"
#include "actors/healing_types.hpp"
#include "storage/store.hpp"

#include <memory>
#include <utility>

namespace drover {

/// The batch that this answers is on disk.
struct recorded {};

/// Waits for news of the journal: answered with its last durable sequence once that is above
/// `after`, or after about `patience`.
struct event_wait {
  uint64_t after = 0;
  milliseconds patience{0};
};

/// The only writer of the store. Group commit: what gathers while one sync runs shares the next.
using recorder_actor = caf::typed_actor<
  // Commits the batch durably; the answer comes after the sync. Batches of one sender keep order.
  caf::replies_to<storage::write_batch>::with<recorded>,
  // From the gateway and from reporters.
  caf::replies_to<event_wait>::with<uint64_t>,
  // INTERNAL
  caf::reacts_to<atom::flush>, caf::reacts_to<atom::tick>>::extend_with<described>;

/// Hears what a host says after it was admitted.
using host_listener = caf::typed_actor<caf::reacts_to<host_message>>;

/// One connection to a host as the coordinator sees it: carries messages until it dies. Whoever
/// needs to know of its death monitors it.
using host_link_actor = caf::typed_actor<
  // To the host. The first one is its `welcome` or `refusal`, the answer to its `join`.
  caf::reacts_to<farm_message>,
  // From the supervisor, before `welcome`: what the host says goes there.
  caf::reacts_to<host_listener>>::extend_with<described>;

/// A log chunk on its way to the store; `log_durable` goes to `origin` once it is synced.
struct log_append {
  log_chunk chunk;
  caf::typed_actor<caf::reacts_to<log_durable>> origin;
};

/// Waits for news of a log: answered with the durable size once it is above `above`, or with the
/// present size after `patience`.
struct log_wait {
  attempt_id attempt;
  uint64_t above = 0;
  milliseconds patience{0};
};

/// Orders chunks of each attempt, hands them to the recorder, confirms what is durable, seals.
using log_sink_actor =
  caf::typed_actor<caf::reacts_to<log_append>, caf::replies_to<log_wait>::with<uint64_t>,
                   // The attempt is over: seal its log and forget it.
                   caf::reacts_to<atom::seal, attempt_id>,
                   // INTERNAL: gives up waits whose patience has ended.
                   caf::reacts_to<atom::tick>>::extend_with<described>;

/// Takes content in pieces from an upload (`upload` numbers it, chosen by the sender).
struct upload_piece {
  uint64_t upload = 0;
  uint64_t offset = 0;
  std::string bytes;
};
/// Ends an upload; the answer is its SHA-256 and size once durable.
struct upload_end {
  uint64_t upload = 0;
};
/// The sender gave up; what came is dropped.
struct upload_abort {
  uint64_t upload = 0;
};
struct stored_blob {
  std::string sha256;
  uint64_t size = 0;
};
/// A host asks for, or hands over, a piece; answers go to `origin`.
struct blob_read {
  blob_want want;
  caf::typed_actor<caf::reacts_to<blob_piece>, caf::reacts_to<blob_stored>> origin;
};
struct blob_write {
  host_name host;
  blob_part part;
  caf::typed_actor<caf::reacts_to<blob_piece>, caf::reacts_to<blob_stored>> origin;
  bool waits = true; ///< for room on the store's disk; else it is refused while there is none
};

/// Keeps sources and artifacts by content.
using artifact_store_actor =
  caf::typed_actor<caf::replies_to<upload_piece>::with<expected<uint64_t>>,
                   caf::replies_to<upload_end>::with<expected<stored_blob>>,
                   caf::reacts_to<upload_abort>, caf::reacts_to<blob_read>,
                   caf::reacts_to<blob_write>>::extend_with<described>;

/// A host has asked to join; the link is admitted by `welcome` or dropped after `refusal`.
struct arrival {
  hello greeting;
  host_link_actor link;
  size_t herd = 1; ///< hosts that the farm knows; the coordinator sets it
};

/// A build's live attempt that its host must run, or is known to run since before a restart.
struct grant_order {
  assignment work;
};

/// Ends a grant on the coordinator's side: its result is durable, or it is lost.
struct grant_over {
  grant_token token;
};

/// The host's lease is over, or it came back as another machine: the attempts are lost.
struct attempt_lost {
  grant_token token;
  host_name host;
  std::string reason;
};

/// The host holds an attempt that its supervisor has no order for: from before a restart, or one
/// that was declared lost. Whoever knows the build decides what becomes of it.
struct stray_attempt {
  host_name host;
  known_attempt held;
};

/// So many hosts does the farm know by now; from the coordinator, when it matters for their pace.
struct herd_size {
  size_t hosts = 1;
};

struct hosts_query {};

/// What a person wants of a host.
enum class host_action : uint8_t {
  drain,   ///< nothing new; what is there goes on to its end
  pause,   ///< nothing new, and builds that are there wait between two steps
  resume,  ///< ends a drain or a pause
  restart, ///< the agent ends itself and is started again; steps run on
  forget,  ///< a host that is away: its record goes
};
struct host_order {
  host_name host;
  host_action action = host_action::drain;
  std::string by;
  std::string reason;
  milliseconds lasting{0}; ///< of a drain or a pause; 0: until `resume`
};

/// What was asked is done (or recorded and under way), in one sentence.
struct accepted {
  std::string text;
};

/// One a known host: its link, its lease, its open orders. Repeats each order until confirmed.
using host_supervisor_actor =
  caf::typed_actor<caf::reacts_to<arrival>,
                   // From the link.
                   caf::reacts_to<host_message>,
                   // From builds.
                   caf::reacts_to<grant_order>, caf::reacts_to<grant_over>,
                   caf::reacts_to<cancel_attempt>, caf::reacts_to<close_build>,
                   // The build needs no more answer to its close_build.
                   caf::reacts_to<atom::stop, build_id>,
                   // From log_sink and artifact_store, to be passed on.
                   caf::reacts_to<log_durable>, caf::reacts_to<blob_piece>,
                   caf::reacts_to<blob_stored>,
                   caf::replies_to<census_ask>::with<std::vector<actor_entry>>,
                   // How it stands at this moment; from the coordinator.
                   caf::replies_to<hosts_query>::with<host_view>,
                   // From the coordinator, for a person; not `forget`, which is its own.
                   caf::replies_to<host_order>::with<expected<accepted>>,
                   // From the coordinator: the herd has grown, its hosts may have to beat slower.
                   caf::reacts_to<herd_size>,
                   // From the coordinator: what the farm itself decided about the host.
                   caf::reacts_to<host_care>,
                   // INTERNAL: looks at the silence and repeats open orders.
                   caf::reacts_to<atom::tick>>::extend_with<described>;

/// Gives a build its host; from the coordinator.
struct placed {
  host_name host;
  host_supervisor_actor supervisor;
};

/// Begins a second attempt beside that of the build's silent host; from the coordinator.
struct hedge_order {
  placed where;
  std::string why; ///< one sentence, for the journal
};

struct cancel_build {
  build_id build;
  std::string by;
  std::string reason;
};

/// One an active build: decides its next move by core/progress, accepts each result once.
using build_actor =
  caf::typed_actor<caf::reacts_to<placed>, caf::reacts_to<hedge_order>,
                   // From the supervisor of its host.
                   caf::reacts_to<attempt_started>, caf::reacts_to<attempt_ended>,
                   caf::reacts_to<attempt_lost>, caf::reacts_to<stray_attempt>,
                   caf::reacts_to<build_closed>,
                   caf::replies_to<cancel_build>::with<expected<accepted>>>::extend_with<described>;

/// Reads the tests of a build's steps from their logs and reports, where that is not done yet.
struct analyse_tests {
  build_id build;
};
/// What could be read is in the store (storage/tables.hpp, `read_test_report`).
struct tests_analysed {};

/// Reads what steps printed. Works after the fact, from the store alone: nothing waits for it but
/// who asks.
using analyst_actor =
  caf::typed_actor<caf::replies_to<analyse_tests>::with<tests_analysed>>::extend_with<described>;

/// Looks at a source now, not only when its time has come.
struct look_now {
  std::string source;
  std::string by;
};

/// Watches one source of the configuration.
using source_actor = caf::typed_actor<caf::replies_to<look_now>::with<expected<accepted>>,
                                      // INTERNAL: the time for a look has come.
                                      caf::reacts_to<atom::tick>>::extend_with<described>;

/// A source has something new whose content is stored; the coordinator gives `change.id`, and makes
/// the change and what is built of it durable together.
struct change_found {
  change_record change;
};

/// A new or changed view of a host; from its supervisor.
struct host_news {
  host_view view;
};

/// A build has ended and released its host; from the build.
struct build_over {
  build_id build;
};

/// A build can't go on where it was; from the build, which waits for `placed`.
struct build_homeless {
  build_file file;
};

struct submission {
  struct order {
    std::string builder;
    source_ref source; ///< content stored already
  };
  std::vector<order> orders;
  string_map params;
  std::string host; ///< empty: where the builders say
  std::string by;
  std::string because;
};

struct submitted {
  campaign_id campaign; ///< 0: a single build without a campaign
  std::vector<build_id> builds;
};

/// The same builder on the same source with the same parameters, once more.
struct retry_build {
  build_id build;
  std::string by;
  std::string reason;
};

/// Puts another configuration in force; `source.generation` is given by the coordinator.
struct reload_config {
  farm_config config;
  config_record source;
};

/// The configuration that is in force.
struct live_config {
  uint64_t generation = 0;
  farm_config config;
};
struct config_query {};

struct actors_query {};
struct waiting_query {
  std::vector<build_id> builds;
};
/// Answered once the build is over, or after `patience`.
struct over_query {
  build_id build;
  milliseconds patience{0};
};

/// Decides: the queue, the herd, who builds what where.
using coordinator_actor = caf::typed_actor<
  // From the gateway.
  caf::replies_to<submission>::with<expected<submitted>>,
  caf::replies_to<cancel_build>::with<expected<accepted>>,
  caf::replies_to<retry_build>::with<expected<submitted>>,
  caf::replies_to<host_order>::with<expected<accepted>>,
  caf::replies_to<reload_config>::with<expected<accepted>>,
  caf::replies_to<config_query>::with<std::shared_ptr<const live_config>>,
  caf::replies_to<look_now>::with<expected<accepted>>,
  // From sources.
  caf::replies_to<change_found>::with<expected<submitted>>,
  caf::replies_to<hosts_query>::with<std::vector<host_view>>,
  caf::replies_to<waiting_query>::with<std::vector<waiting_view>>,
  caf::replies_to<actors_query>::with<std::vector<actor_entry>>,
  caf::replies_to<over_query>::with<bool>,
  // From the listener: a host has said hello.
  caf::reacts_to<arrival>,
  // From supervisors: messages of hosts that belong to builds.
  caf::reacts_to<host_news>, caf::reacts_to<host_name, attempt_started>,
  caf::reacts_to<host_name, attempt_ended>, caf::reacts_to<attempt_lost>,
  caf::reacts_to<stray_attempt>, caf::reacts_to<host_name, build_closed>,
  // From builds.
  caf::reacts_to<build_over>, caf::reacts_to<build_homeless>, caf::reacts_to<hedge_over>,
  // From the command port.
  caf::reacts_to<command_over>,
  // INTERNAL
  caf::reacts_to<atom::plan>, caf::reacts_to<atom::tick>>::extend_with<described>;

} // namespace drover

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::storage::write_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::recorded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::log_append)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::log_wait)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::attempt_id)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::build_id)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::host_name)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::upload_piece)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::upload_end)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::upload_abort)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::stored_blob)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::expected<uint64_t>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::expected<drover::stored_blob>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::blob_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::blob_write)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::arrival)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::grant_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::grant_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::attempt_lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::stray_attempt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::attempt_started)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::attempt_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::build_closed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::census_ask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::placed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::hedge_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::cancel_build)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::accepted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::expected<drover::accepted>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::host_news)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::build_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::build_homeless)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::submission)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::expected<drover::submitted>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::event_wait)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::host_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::herd_size)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::retry_build)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::reload_config)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::analyse_tests)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::tests_analysed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::look_now)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::change_found)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::config_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<const drover::live_config>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::hosts_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::actors_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::waiting_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::over_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::host_view)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<drover::host_view>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<drover::waiting_view>)
