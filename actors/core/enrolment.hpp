#pragma once
// Whether a machine gets a certificate, keeps it, or loses it. Pure: time and records come in.
// SPDX-License-Identifier: Apache-2.0

#include "schema/enrolment.hpp"

#include <variant>

namespace drover::core {

/// What the decision on a request is made from.
struct enrolment_case {
  std::string token;      ///< hex SHA-256 of the token that was said; empty: renewal
  std::string key_sha256; ///< of the key in the request
  host_name name;
  std::optional<token_record> record;    ///< of that token, if the farm has it
  std::optional<host_identity> identity; ///< what the name was given before
  bool has_worked = false;               ///< a host of this name has been here before
  wall_time now;
};

/// The certificate that this name has for this key is the answer, once more: an answer was lost.
struct give_again {
  issued_certificate certificate;
};
/// A new certificate is to be made.
struct give_new {};
struct give_nothing {
  std::string reason;    ///< one sentence, for the machine's owner
  bool is_guess = false; ///< the token is not known: the sentence tells nothing more
};
using enrolment_verdict = std::variant<give_again, give_new, give_nothing>;

/// On a request with a token.
enrolment_verdict decide_enrolment(const enrolment_case& of);
/// On a request over a connection whose certificate holds.
enrolment_verdict decide_renewal(const enrolment_case& of);

/// The name's record once `made` is given to a machine that came with a token: it alone holds.
host_identity enrolled(const enrolment_case& of, const issued_certificate& made);
/// The name's record once `made` follows on the certificate in use: both hold.
host_identity renewed(host_identity before, const issued_certificate& made);
/// The name's record once nothing holds any more.
host_identity revoked(host_identity before, const revoked_certificate& how);

/// Why `serial` does not hold under this name; nothing: it holds.
std::optional<std::string> certificate_problem(const host_identity& of, const std::string& serial);

/// Who took all certificates of the host back, and why; empty: it has one, or never had any.
std::string revocation_of(const host_identity& host);

/// The newest certificate for the key of `serial`, which held `before` and does not `after`: a link
/// that was let in by it goes on by that one, however often its host renews. Nothing: it must end.
std::optional<std::string> successor_of(const std::string& serial, const host_identity& before,
                                        const host_identity& after);

/// The token with one use less; nothing: that was the last one.
std::optional<token_record> used(token_record token);

/// Whether two digests are equal; how long it takes does not tell where they differ.
bool same_digest(const std::string& a, const std::string& b);

} // namespace drover::core
