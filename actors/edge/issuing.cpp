// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/issuing.hpp"

#include <fmt/format.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cctype>
#include <vector>

namespace drover {
namespace {

bool add_extension(X509* to, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (!extension)
    return false;
  bool added = X509_add_ext(to, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool add_extensions(X509* to, X509* issuer, certificate_role as, const std::string& name) {
  bool authority = as == certificate_role::authority;
  bool ok =
    add_extension(to, issuer, NID_basic_constraints,
                  authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE")
    && add_extension(to, issuer, NID_key_usage,
                     authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature")
    && add_extension(to, issuer, NID_subject_key_identifier, "hash");
  if (!ok || authority)
    return ok;
  return add_extension(to, issuer, NID_authority_key_identifier, "keyid:always")
         && add_extension(to, issuer, NID_ext_key_usage,
                          as == certificate_role::coordinator ? "serverAuth" : "clientAuth")
         && add_extension(to, issuer, NID_subject_alt_name, "DNS:" + name);
}

constexpr size_t serial_bytes = 16;
constexpr size_t told_serial_bytes = 8;

/// Serial numbers are random, so that two authorities or two runs never give the same one.
bool set_random_serial(X509* certificate, size_t size) {
  std::vector<unsigned char> bytes(size);
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    return false;
  bytes[0] &= 0x7f; // positive
  bytes[0] |= 0x40; // and of one length
  BIGNUM* number = BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr);
  if (!number)
    return false;
  bool set = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

} // namespace

failure openssl_failure(const std::string& what) {
  return {ec::internal, fmt::format("{}: OpenSSL can't do it: {}", what, openssl_reason())};
}

std::string serial_of(X509* certificate) {
  BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr);
  char* digits = number ? BN_bn2hex(number) : nullptr;
  std::string out{digits ? digits : ""};
  OPENSSL_free(digits);
  BN_free(number);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

expected<certificate_ptr> sign_certificate(const certificate_wish& wish) {
  certificate_ptr made{X509_new()};
  X509* certificate = made.get();
  if (!certificate)
    return openssl_failure("certificate for " + wish.name);
  X509* signer = wish.issuer ? wish.issuer->certificate.get() : certificate;
  X509_NAME* subject = X509_get_subject_name(certificate);
  if (!set_random_serial(certificate, wish.tells_serial ? told_serial_bytes : serial_bytes))
    return openssl_failure("certificate for " + wish.name);
  auto name = wish.name + (wish.tells_serial ? "/" + serial_of(certificate) : std::string{});
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  bool ok =
    X509_set_version(certificate, X509_VERSION_3) == 1
    && X509_gmtime_adj(X509_getm_notBefore(certificate), -backdated_seconds)
    && X509_gmtime_adj(X509_getm_notAfter(certificate), wish.seconds)
    && X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, text, -1, -1, 0) == 1
    && X509_set_issuer_name(certificate, X509_get_subject_name(signer)) == 1
    && X509_set_pubkey(certificate, wish.subject_key) == 1
    && add_extensions(certificate, signer, wish.as, wish.name);
  EVP_PKEY* signing_key = wish.issuer ? wish.issuer->key.get() : wish.subject_key;
  if (!ok || X509_sign(certificate, signing_key, EVP_sha256()) == 0)
    return openssl_failure("certificate for " + wish.name);
  return made;
}

expected<key_pair> make_pair_for(const std::string& name, certificate_role as,
                                 const key_pair* issuer) {
  private_key_ptr key{EVP_EC_gen("P-256")};
  if (!key)
    return openssl_failure("new key for " + name);
  auto certificate = sign_certificate({name, as, key.get(), issuer});
  if (!certificate)
    return certificate.error();
  return key_pair{std::move(*certificate), std::move(key)};
}

expected<key_pair> load_pair(const std::string& certificate_file, const std::string& key_file) {
  auto certificate = read_certificate(certificate_file);
  if (!certificate)
    return certificate.error();
  auto key = read_private_key(key_file);
  if (!key)
    return key.error();
  if (X509_check_private_key(certificate->get(), key->get()) != 1)
    return failure{ec::damaged, fmt::format("{}: is not the key of {}: restore the pair from a "
                                            "backup or issue new keys",
                                            key_file, certificate_file)};
  return key_pair{std::move(*certificate), std::move(*key)};
}

} // namespace drover
