#pragma once
// Keys and certificates in PEM files: OpenSSL's objects owned, read and written.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <optional>
#include <string>

namespace drover {

struct openssl_free {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using certificate_ptr = std::unique_ptr<X509, openssl_free>;
using private_key_ptr = std::unique_ptr<EVP_PKEY, openssl_free>;
using bio_ptr = std::unique_ptr<BIO, openssl_free>;

/// The first error that OpenSSL remembers on this thread, in its words; clears them all.
std::string openssl_reason();

/// The files hold one object each; a missing, unreadable or malformed file is a failure that names
/// it.
expected<certificate_ptr> read_certificate(const std::string& file);
expected<private_key_ptr> read_private_key(const std::string& file);

/// Nothing if OpenSSL is out of memory.
std::optional<std::string> to_pem(X509* certificate);
std::optional<std::string> to_pem(EVP_PKEY* key);

/// Nothing if the certificate has no common name.
std::optional<std::string> common_name(X509* certificate);

/// Nothing if it can't be read or is far too large for keys.
std::optional<std::string> read_whole_file(const std::string& file);
/// Replaces the file at once by one that only its owner may read: written, synced, renamed.
std::optional<failure> write_private_file(const std::string& file, const std::string& content);

} // namespace drover
