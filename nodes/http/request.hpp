#pragma once
// A request's target and fields taken apart and judged: what is ambiguous is refused, not guessed.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace drover::http {

struct caller;

/// Who is at the other end, as far as the connection itself tells.
struct peer {
  std::optional<uint32_t> uid; ///< of a process on this machine, by the Unix socket
  /// Let in without a token by a door that shows the farm to everybody: what to call it. May look.
  std::string guest;
  std::string address = {}; ///< of a TCP connection, as numbers; empty: another kind
  /// Who the door has found it to be (caller.hpp); null: that is to be told from the fields.
  std::shared_ptr<const caller> known = {};
  friend bool operator==(const peer&, const peer&) = default;
};

struct request {
  std::string method;
  std::string target;                       ///< as sent, for the log
  std::vector<std::string> path;            ///< decoded segments, without empty ones at the end
  std::map<std::string, std::string> query; ///< decoded; `+` stands for itself
  std::optional<uint64_t> content_length;   ///< of the body, if the client said so
  peer from;
  /// Fields that handlers look at, names in lower case: authorization, content-type, cookie, host,
  /// last-event-id, origin, referer, x-forwarded-for, x-forwarded-proto.
  std::map<std::string, std::string> fields;

  /// The value of a query parameter, or nothing.
  std::optional<std::string> parameter(const std::string& name) const;
};

/// Reads %XX; nothing if an escape is broken or makes a NUL.
std::optional<std::string> percent_decode(std::string_view text);
/// Escapes all but letters, digits and `-._~`.
std::string percent_encode(std::string_view text);

/// Takes an origin-form target ("/api/v1/builds?limit=3") apart; a failure says what is wrong.
expected<request> parse_target(std::string_view method, std::string_view target);

/// What framing depends on, as the client sent it.
struct framing {
  unsigned version = 11; ///< 10 or 11
  std::vector<std::string> host;
  std::vector<std::string> transfer_encoding;
  std::vector<std::string> content_length;
  std::vector<std::string> te;
  std::vector<std::string> expect;
  bool folded = false; ///< a field goes on in a second line
};

/// An HTTP status and a sentence.
struct refused_framing {
  unsigned status = 400;
  std::string why;
};

/// Refuses whatever two readers could understand differently: both lengths at once, codings other
/// than chunked, a missing or second Host.
std::optional<refused_framing> judge_framing(const framing& seen);

} // namespace drover::http
