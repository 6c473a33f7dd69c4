#pragma once
// The actor that reads and clears the whole store for admins: on a thread of its own, one at a
// time, so that nobody else waits for it.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/retention.hpp"
#include "actors/farm.hpp"
#include "storage/maintenance.hpp"

#include <atomic>

namespace drover {
namespace http {

struct verify_order {};
struct clean_up_order {
  std::optional<milliseconds> older_than; ///< nothing: no build goes, only what they left
  bool preview = true;
};
struct clean_up_answer {
  storage::clean_up_report removed;
  std::vector<core::artifact_drop> dropped; ///< by retention, the oldest first
};
struct backup_order {
  std::string to;
};

struct backup_report {
  std::string path;
  uint64_t bytes = 0;
  uint64_t sequence = 0;
};
/// Copies the farm's state into a folder that must not exist yet.
using backup_maker = std::function<expected<backup_report>(const std::string& to)>;

} // namespace http

using store_keeper_actor =
  caf::typed_actor<caf::replies_to<http::verify_order>::with<expected<storage::verify_report>>,
                   caf::replies_to<http::clean_up_order>::with<expected<http::clean_up_answer>>,
                   caf::replies_to<http::backup_order>::with<expected<http::backup_report>>,
                   // INTERNAL: the time for retention has come.
                   caf::reacts_to<atom::tick>>::extend_with<described>;

namespace http {

/// What the keeper works with.
struct store_keeper_parts {
  std::shared_ptr<storage::store> store;
  recorder_actor recorder; ///< removes records
  census_actor census;
  wall_clock clock;
  backup_maker backup;
  coordinator_actor coordinator = {}; ///< knows the configuration
  archivist_actor archivist = {};     ///< notes that artifacts are gone
};

/// The actor and what others see of its work. Copies are cheap.
struct store_keeper {
  store_keeper_actor actor;
  std::shared_ptr<std::atomic<bool>> busy;     ///< taken by whoever gives an order
  std::shared_ptr<std::atomic<bool>> stopping; ///< ends long work
};

store_keeper spawn_store_keeper(caf::actor_system& system, store_keeper_parts parts);
void stop_store_keeper(const store_keeper& keeper);

} // namespace http
} // namespace drover

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::http::verify_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::http::clean_up_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::http::backup_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::expected<drover::storage::verify_report>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::expected<drover::http::clean_up_answer>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::expected<drover::http::backup_report>)
