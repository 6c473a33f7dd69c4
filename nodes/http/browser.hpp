#pragma once
// What a browser sends beside a path: cookies, forms, where a form came from, over which way. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/request.hpp"

namespace drover::http {

/// How a request came to us. What a proxy says is believed of one on this machine alone.
struct way_in {
  bool tls = false;    ///< as the browser sees it
  std::string address; ///< of the browser, as far as we know
  bool shared = false; ///< a proxy on this machine did not say whose it is
};
way_in way_of(const request& asked);

/// The value of this cookie; nothing if it is not there, or twice: then one is somebody else's.
std::optional<std::string> cookie_of(std::string_view field, std::string_view name);
/// What the session's cookie is called. Over TLS browsers take it from this host alone. Browsers
/// give all ports of a host the same cookies: without TLS the name has the port.
std::string cookie_name(const request& asked);
/// The Set-Cookie field; `seconds` 0 removes it.
std::string cookie_field(const request& asked, std::string_view value, int64_t seconds);

/// Why a form was not sent by a page of ours: its Origin, or else its Referer, is not this host.
std::optional<std::string> origin_problem(const request& asked);

using form = std::map<std::string, std::string>;
/// Reads application/x-www-form-urlencoded; a field that comes twice is a mistake.
expected<form> parse_form(std::string_view text);
/// A field without blanks around it; absent: empty.
std::string field_of(const form& sent, const std::string& name);

/// A path of ours to go on at: begins with one slash and leads to no other host, else "/".
std::string safe_next(const std::string& path);

} // namespace drover::http
