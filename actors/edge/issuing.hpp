#pragma once
// How certificates are made and signed; for pki.cpp and certify.cpp alone.
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/pem_files.hpp"

namespace drover {

enum class certificate_role { authority, coordinator, host };

struct key_pair {
  certificate_ptr certificate;
  private_key_ptr key;
};

/// Clocks of machines differ: a certificate is valid from a day before it is made.
inline constexpr long backdated_seconds = 24L * 3600;
/// A farm outlives its admins' memory; renewing the authority means new keys for all hosts.
inline constexpr long valid_seconds = 10L * 365 * 24 * 3600;

struct certificate_wish {
  std::string name;
  certificate_role as = certificate_role::host;
  EVP_PKEY* subject_key = nullptr;
  const key_pair* issuer = nullptr; ///< none: signed by `subject_key` itself
  long seconds = valid_seconds;     ///< from now
  bool tells_serial = false;        ///< its common name is "NAME/SERIAL"
};

/// Of such a certificate: X.509 allows 64 characters for a common name, the serial takes 16.
inline constexpr size_t certificate_name_bytes_max = 47;

/// A certificate with a random serial number. The common name may tell it, since that is all that
/// kj's TLS tells of a peer's certificate.
expected<certificate_ptr> sign_certificate(const certificate_wish& wish);
/// With a new P-256 key.
expected<key_pair> make_pair_for(const std::string& name, certificate_role as,
                                 const key_pair* issuer);
/// Fails if the key is not the certificate's.
expected<key_pair> load_pair(const std::string& certificate_file, const std::string& key_file);

failure openssl_failure(const std::string& what);
/// Hex, lower case.
std::string serial_of(X509* certificate);

} // namespace drover
