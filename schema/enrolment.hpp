#pragma once
// How a host comes by its certificate, as plain values: what it asks, what it gets, what is kept.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drover {

/// A machine asks for a certificate. With a token it is new; without, it has one and renews it.
struct enrolment_request {
  std::string secret;  ///< of the token; empty: renewal, over a connection that proves who asks
  std::string name;    ///< the host's
  std::string request; ///< PKCS #10, DER; only its key and its proof of possession count
  std::string version; ///< of the program
  friend bool operator==(const enrolment_request&, const enrolment_request&) = default;
};

struct enrolment_grant {
  std::string certificate; ///< PEM
  std::string authority;   ///< PEM
  std::string farm;        ///< its name
  wall_time until;         ///< the certificate ends then
  string_map labels;       ///< what the farm knows the host by; for people
  friend bool operator==(const enrolment_grant&, const enrolment_grant&) = default;
};

/// A certificate that the farm gave.
struct issued_certificate {
  std::string serial;     ///< hex, lower case
  std::string key_sha256; ///< of its public key (SubjectPublicKeyInfo, DER), hex
  std::string pem;
  std::string token; ///< hex SHA-256 of the token that it was given for
  wall_time at;
  wall_time until;
  friend bool operator==(const issued_certificate&, const issued_certificate&) = default;
};

struct revoked_certificate {
  std::string serial;
  wall_time at;
  std::string by;
  std::string reason;
  friend bool operator==(const revoked_certificate&, const revoked_certificate&) = default;
};

/// What the farm gave to one host name and took back. Once there is such a record, only what is in
/// `valid` holds; of a name without one, every certificate of the farm holds.
struct host_identity {
  host_name name;
  string_map labels;                        ///< of the token
  std::vector<issued_certificate> valid;    ///< oldest first
  std::vector<revoked_certificate> revoked; ///< oldest first, the newest ones of them
  friend bool operator==(const host_identity&, const host_identity&) = default;
};

} // namespace drover
