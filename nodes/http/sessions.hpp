#pragma once
// Who is behind a browser: sessions, signing in and out. What accounts may do, farm.yaml says.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/api.hpp"
#include "nodes/http/browser.hpp"

namespace drover::http {

/// One who looks at pages.
struct visitor {
  caller who;
  std::string csrf; ///< what forms of the session carry; empty: has not signed in
  bool signed_in() const { return !csrf.empty(); }
};

/// The visitor behind a session, by the hex SHA-256 of its cookie; of one that holds no more, or of
/// none (empty), somebody who has not signed in.
asio::awaitable<expected<visitor>> visitor_of(const api_parts& parts, std::string session);

/// Whether a caller may still what it might when it came: for streams.
asio::awaitable<bool> still_holds(const api_parts& parts, const caller& who);

/// What came of a try to sign in.
struct sign_in_result {
  unsigned status = 200;
  std::string text;      ///< one sentence, if it was refused
  std::string cookie;    ///< the session's, if not
  milliseconds pause{0}; ///< before the next try, where one has to wait
};

/// The door for browsers. The pages' own thread alone uses it.
class front_desk {
public:
  virtual ~front_desk() = default;
  /// Who asks, by its cookie.
  virtual asio::awaitable<expected<visitor>> visitor_of(const request& asked) = 0;
  /// A new session, whatever cookie came with the request; the one that came ends. A wrong name is
  /// told from a wrong password by nothing.
  virtual asio::awaitable<sign_in_result> sign_in(const request& asked, std::string name,
                                                  std::string password) = 0;
  virtual asio::awaitable<std::optional<failure>> sign_out(visitor leaving) = 0;
};

std::unique_ptr<front_desk> make_front_desk(api_parts parts);

} // namespace drover::http
