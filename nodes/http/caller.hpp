#pragma once
// Who asks, and what that one may do: tokens over TCP, the peer's user on the Unix socket.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/request.hpp"
#include "storage/store.hpp"

namespace drover::http {

/// What a caller may do; each may do what those before it may.
enum class role : uint8_t {
  anyone, ///< without a token: whether the farm lives
  view,   ///< look at everything but secrets
  force,  ///< submit, cancel, retry
  admin,  ///< hosts, configuration, tokens, the store
};
std::string_view to_string(role value);
/// A role that a token may have: not `anyone`.
std::optional<role> parse_role(std::string_view text);

struct caller {
  std::string name;
  role may = role::anyone;
  bool speaks_for_others = false;         ///< its `by` is believed: root, or the farm's own user
  std::string token;                      ///< hex SHA-256 of its token; empty: it has none
  wall_time until;                        ///< its token or session ends then; 0: never
  std::vector<std::string> builders = {}; ///< that `force` is for, names or globs; empty: all
  bool browser = false;                   ///< at the pages' door, signed in or not
  std::string session = {};               ///< hex SHA-256 of its cookie; empty: has not signed in
};

/// Whether it may have builds of `builder` made, cancelled and repeated.
bool may_force(const caller& who, std::string_view builder);

/// A token that is in a file and not in the store: of the farm's owner.
struct file_token {
  std::string sha256; ///< hex; empty: there is none
  std::string name;
};

/// What callers are told from.
struct door_book {
  const storage::store& tokens;
  const file_token& owner;
  wall_time now;
};

/// The caller behind a request. `refused` with the status 401 for a token that is none.
expected<caller> who_asks(const request& asked, const door_book& book);
/// Whether a caller's token still holds; one without a token always does. Of browsers:
/// sessions.hpp.
bool still_holds(const caller& who, const door_book& book);

/// The token in "Authorization: Bearer TOKEN"; nothing for other fields.
std::optional<std::string> bearer_of(std::string_view field);
/// Hex SHA-256 of a token.
std::string digest_of_token(std::string_view token);
/// So many bytes of random in base64url; a failure if the system has none.
expected<std::string> make_secret(size_t bytes);
/// A new token: "drv_" and 43 characters of random; a failure if the system has no random bytes.
expected<std::string> make_token();
/// Eight random hex digits: what a token is called.
expected<std::string> make_token_id();

} // namespace drover::http
