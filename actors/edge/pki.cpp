// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/pki.hpp"

#include "actors/edge/pem_files.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <filesystem>

namespace drover {
namespace {

/// Clocks of machines differ: a certificate is valid from a day before it is made.
constexpr long backdated_seconds = -24L * 3600;
/// A farm outlives its admins' memory; renewing means new keys for all hosts.
constexpr long valid_seconds = 10L * 365 * 24 * 3600;

enum class role { authority, coordinator, host };

struct identity {
  certificate_ptr certificate;
  private_key_ptr key;
};

failure openssl_failure(const std::string& what) {
  return {ec::internal, fmt::format("{}: OpenSSL can't do it: {}", what, openssl_reason())};
}

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

bool add_extensions(X509* to, X509* issuer, role as, const std::string& name) {
  bool authority = as == role::authority;
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
                          as == role::coordinator ? "serverAuth" : "clientAuth")
         && add_extension(to, issuer, NID_subject_alt_name, "DNS:" + name);
}

/// Serial numbers are random, so that two authorities or two runs never give the same one.
bool set_random_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
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

/// A new key and its certificate, signed by `issuer`, or by itself where that is null.
expected<identity> make_identity(const std::string& name, role as, const identity* issuer) {
  identity made{certificate_ptr{X509_new()}, private_key_ptr{EVP_EC_gen("P-256")}};
  X509* certificate = made.certificate.get();
  if (!certificate || !made.key)
    return openssl_failure("new key for " + name);
  X509* signer = issuer ? issuer->certificate.get() : certificate;
  X509_NAME* subject = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  bool ok =
    X509_set_version(certificate, X509_VERSION_3) == 1 && set_random_serial(certificate)
    && X509_gmtime_adj(X509_getm_notBefore(certificate), backdated_seconds)
    && X509_gmtime_adj(X509_getm_notAfter(certificate), valid_seconds)
    && X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, text, -1, -1, 0) == 1
    && X509_set_issuer_name(certificate, X509_get_subject_name(signer)) == 1
    && X509_set_pubkey(certificate, made.key.get()) == 1
    && add_extensions(certificate, signer, as, name);
  EVP_PKEY* signing_key = issuer ? issuer->key.get() : made.key.get();
  if (!ok || X509_sign(certificate, signing_key, EVP_sha256()) == 0)
    return openssl_failure("certificate for " + name);
  return made;
}

std::optional<failure> save(const identity& made, const std::string& certificate_file,
                            const std::string& key_file) {
  auto key = to_pem(made.key.get());
  auto certificate = to_pem(made.certificate.get());
  if (!key || !certificate)
    return openssl_failure(certificate_file);
  // The key first: a certificate without its key would look whole to who only lists files.
  if (auto problem = write_private_file(key_file, *key))
    return problem;
  return write_private_file(certificate_file, *certificate);
}

expected<identity> load_identity(const std::string& certificate_file, const std::string& key_file) {
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
  return identity{std::move(*certificate), std::move(*key)};
}

std::optional<failure> check_certificate(X509* certificate, X509* authority,
                                         const std::string& file) {
  private_key_ptr authority_key{X509_get_pubkey(authority)};
  if (!authority_key || X509_verify(certificate, authority_key.get()) != 1)
    return failure{ec::damaged,
                   fmt::format("{}: is not signed by the farm's authority: issue new keys", file)};
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
    return failure{ec::refused, fmt::format("{}: has expired: issue new keys", file)};
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
    return failure{ec::refused,
                   fmt::format("{}: is not valid yet: check this machine's clock", file)};
  return std::nullopt;
}

std::optional<failure> make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return failure{ec::io, fmt::format("{}: can't be made: {}", folder, error.message())};
  return std::nullopt;
}

std::string ca_file(const std::string& folder) {
  return folder + "/ca.crt";
}

std::string ca_key_file(const std::string& folder) {
  return folder + "/ca.key";
}

/// Makes keys for `name` unless the files hold good ones.
std::optional<failure> issue(const identity& authority, const std::string& name, role as,
                             const key_files& files) {
  if (auto present = load_identity(files.certificate, files.key)) {
    X509* certificate = present->certificate.get();
    if (!check_certificate(certificate, authority.certificate.get(), files.certificate)
        && common_name(certificate) == name)
      return std::nullopt;
  }
  auto made = make_identity(name, as, &authority);
  if (!made)
    return made.error();
  return save(*made, files.certificate, files.key);
}

/// The authority that is there, or a new one where there is nothing of it.
expected<identity> authority_in(const std::string& folder) {
  auto certificate_file = ca_file(folder);
  auto key_file = ca_key_file(folder);
  // An interrupted first run leaves a key without a certificate: nobody trusts that one yet.
  if (std::filesystem::exists(certificate_file))
    return load_identity(certificate_file, key_file);
  auto made = make_identity("drover-authority", role::authority, nullptr);
  if (!made)
    return made.error();
  if (auto problem = save(*made, certificate_file, key_file))
    return *problem;
  return made;
}

} // namespace

key_files coordinator_key_files(const std::string& folder) {
  return {ca_file(folder), folder + "/coordinator.crt", folder + "/coordinator.key"};
}

key_files host_key_files(const std::string& folder) {
  return {ca_file(folder), folder + "/host.crt", folder + "/host.key"};
}

expected<key_texts> load_keys(const key_files& files) {
  auto authority = read_certificate(files.authority);
  if (!authority)
    return authority.error();
  auto own = load_identity(files.certificate, files.key);
  if (!own)
    return own.error();
  if (auto problem = check_certificate(own->certificate.get(), authority->get(), files.certificate))
    return *problem;
  auto authority_pem = to_pem(authority->get());
  auto certificate_pem = to_pem(own->certificate.get());
  auto key_pem = to_pem(own->key.get());
  if (!authority_pem || !certificate_pem || !key_pem)
    return openssl_failure(files.certificate);
  return key_texts{*authority_pem, *certificate_pem, *key_pem};
}

std::optional<failure> make_farm_keys(const std::string& folder) {
  if (auto problem = make_folder(folder))
    return problem;
  auto authority = authority_in(folder);
  if (!authority)
    return authority.error();
  return issue(*authority, coordinator_common_name, role::coordinator,
               coordinator_key_files(folder));
}

std::optional<failure> issue_host_keys(const std::string& authority_folder, const std::string& name,
                                       const std::string& folder) {
  if (auto problem = name_problem("host", name))
    return failure{ec::bad_input, *problem};
  if (name == coordinator_common_name)
    return failure{ec::bad_input,
                   fmt::format("host name '{}' is the coordinator's: choose another", name)};
  auto authority = load_identity(ca_file(authority_folder), ca_key_file(authority_folder));
  if (!authority)
    return authority.error();
  if (auto problem = make_folder(folder))
    return problem;
  auto files = host_key_files(folder);
  auto pem = to_pem(authority->certificate.get());
  if (!pem)
    return openssl_failure(files.authority);
  if (read_whole_file(files.authority) != *pem)
    if (auto problem = write_private_file(files.authority, *pem))
      return problem;
  return issue(*authority, name, role::host, files);
}

} // namespace drover
