#pragma once
// A notice as a mail (RFC 5322): the one place where foreign text becomes headers and a body.
//
// Whatever the notice holds, a header is one header and the body is a body: control characters and
// line ends do not get through, other scripts are encoded (RFC 2047, quoted-printable UTF-8).
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <string>
#include <string_view>

namespace drover::reporters {

struct mail_envelope {
  std::string farm; ///< its name
  std::string from; ///< an address
  std::string to;   ///< an address
};

/// The whole message, lines ended by CR LF. `from` and `to` must be plain addresses
/// (core::is_plain_address).
std::string mail_text(const notice_record& notice, const mail_envelope& envelope);

/// The same for the same notice, whenever it is made: how a reader knows a mail that came twice.
std::string message_id(const notice_record& notice, const std::string& from);

/// "Name: value" with its CR LF, encoded and folded. `name` is ours.
std::string mail_header(std::string_view name, std::string_view value);
/// Lines as quoted-printable, each ended by CR LF.
std::string quoted_printable(std::string_view text);
/// "Sat, 31 Jan 2026 12:00:00 +0000".
std::string mail_date(wall_time when);

} // namespace drover::reporters
