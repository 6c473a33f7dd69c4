#pragma once
// The actor that works with passwords: argon2id on a thread of its own, one at a time.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/gateway.hpp"
#include "schema/error.hpp"

#include <atomic>

namespace drover {
namespace http {

struct hash_password {
  std::string password;
};
/// An empty `stored`, of nobody, costs as much as any other and never fits.
struct check_password {
  std::string password;
  std::string stored;
};

} // namespace http

using password_keeper_actor = caf::typed_actor<
  caf::replies_to<http::hash_password>::with<expected<std::string>>,
  caf::replies_to<http::check_password>::with<expected<bool>>>::extend_with<described>;

namespace http {

/// What one hash costs; the default is libsodium's for people who wait.
enum class password_cost : uint8_t { usual, least };

/// The actor and how much it has to do. Copies are cheap.
struct password_keeper {
  password_keeper_actor actor = {};
  std::shared_ptr<std::atomic<size_t>> waiting = {}; ///< asked and not answered
  std::shared_ptr<std::atomic<uint64_t>> done = {};  ///< hashes made or compared so far
};

password_keeper spawn_password_keeper(caf::actor_system& system,
                                      password_cost cost = password_cost::usual);
void stop_password_keeper(const password_keeper& keeper);

/// Libsodium's text form, with its salt. `unavailable` if too much is waiting already.
asio::awaitable<expected<std::string>> hash(gateway via, password_keeper keeper,
                                            std::string password);
asio::awaitable<expected<bool>> check(gateway via, password_keeper keeper, check_password asked);

/// Why this can't be anybody's password; nothing: it can.
std::optional<std::string> password_problem(const std::string& password);

} // namespace http
} // namespace drover

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::http::hash_password)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::http::check_password)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::expected<std::string>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::expected<bool>)
