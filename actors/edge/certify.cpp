// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/certify.hpp"

#include "actors/edge/issuing.hpp"
#include "actors/edge/pki.hpp"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <ctime>
#include <filesystem>

namespace drover {
namespace {

struct request_free {
  void operator()(X509_REQ* request) const { X509_REQ_free(request); }
};
using request_ptr = std::unique_ptr<X509_REQ, request_free>;

std::string hex_sha256(const unsigned char* bytes, size_t size) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (EVP_Digest(bytes, size, digest.data(), &length, EVP_sha256(), nullptr) != 1)
    return {};
  std::string out;
  for (unsigned at = 0; at < length; ++at)
    out += fmt::format("{:02x}", digest[at]);
  return out;
}

expected<std::string> fingerprint_of(X509_PUBKEY* key, const std::string& what) {
  unsigned char* bytes = nullptr;
  int size = key ? i2d_X509_PUBKEY(key, &bytes) : -1;
  if (size <= 0)
    return openssl_failure(what);
  auto digest = hex_sha256(bytes, static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return digest;
}

expected<certificate_ptr> parse_certificate(const std::string& pem) {
  bio_ptr from{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  certificate_ptr out{from ? PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr) : nullptr};
  openssl_reason(); // what is left of it
  if (!out)
    return failure{ec::bad_input, "what should be a certificate is none"};
  return out;
}

/// The request, if it is whole, of a P-256 key, and signed by that key.
expected<request_ptr> parse_request(const std::string& der) {
  auto wrong = [](const std::string& why) {
    openssl_reason();
    return failure{ec::bad_input, "the certificate request " + why};
  };
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* end = at + der.size();
  request_ptr request{d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size()))};
  if (!request || at != end)
    return wrong("is malformed");
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  std::array<char, 32> group{};
  size_t length = 0;
  if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_EC
      || EVP_PKEY_get_group_name(key, group.data(), group.size(), &length) != 1
      || std::string_view{group.data(), length} != "prime256v1")
    return wrong("has a key of a kind that the farm does not take; it takes P-256");
  if (X509_REQ_verify(request.get(), key) != 1)
    return wrong("is not signed by its own key");
  return request;
}

class authority final : public authority_port {
public:
  authority(key_pair keys, std::string pem) : keys_{std::move(keys)}, pem_{std::move(pem)} {}

  expected<checked_request> check(const std::string& request) override {
    auto parsed = parse_request(request);
    if (!parsed)
      return parsed.error();
    auto digest = fingerprint_of(X509_REQ_get_X509_PUBKEY(parsed->get()), "the request's key");
    if (!digest)
      return digest.error();
    return checked_request{*digest};
  }

  expected<issued_certificate> issue(const std::string& request, const host_name& name,
                                     wall_time until) override {
    if (name.value == coordinator_common_name)
      return failure{ec::refused, "host name '" + name.value
                                    + "' is the coordinator's: choose "
                                      "another"};
    if (name.value.size() > certificate_name_bytes_max)
      return failure{ec::refused,
                     fmt::format("host name '{}' is too long for a certificate: at most"
                                 " {} characters; choose another (--name)",
                                 name.value, certificate_name_bytes_max)};
    auto parsed = parse_request(request);
    if (!parsed)
      return parsed.error();
    auto seconds = static_cast<long>(until.ms / 1000 - std::time(nullptr));
    auto made = sign_certificate({name.value, certificate_role::host,
                                  X509_REQ_get0_pubkey(parsed->get()), &keys_, seconds, true});
    if (!made)
      return made.error();
    auto pem = to_pem(made->get());
    if (!pem)
      return openssl_failure("certificate for " + name.value);
    issued_certificate out;
    out.serial = serial_of(made->get());
    out.pem = *pem;
    return out;
  }

  std::string certificate() const override { return pem_; }

private:
  key_pair keys_;
  std::string pem_;
};

wall_time time_of(const ASN1_TIME* from) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(from, &parts) != 1)
    return {};
  return {static_cast<int64_t>(timegm(&parts)) * 1000};
}

} // namespace

expected<std::shared_ptr<authority_port>> open_authority(const std::string& folder) {
  auto keys = load_pair(folder + "/ca.crt", folder + "/ca.key");
  if (!keys)
    return keys.error();
  auto pem = to_pem(keys->certificate.get());
  if (!pem)
    return openssl_failure(folder + "/ca.crt");
  return std::shared_ptr<authority_port>{std::make_shared<authority>(std::move(*keys), *pem)};
}

expected<std::string> key_fingerprint(const std::string& certificate_pem) {
  auto certificate = parse_certificate(certificate_pem);
  if (!certificate)
    return certificate.error();
  return fingerprint_of(X509_get_X509_PUBKEY(certificate->get()), "the certificate's key");
}

expected<std::string> make_request(const std::string& key_file) {
  private_key_ptr key;
  if (std::filesystem::exists(key_file)) {
    auto present = read_private_key(key_file);
    if (!present)
      return present.error();
    key = std::move(*present);
  } else {
    key.reset(EVP_EC_gen("P-256"));
    auto pem = key ? to_pem(key.get()) : std::nullopt;
    if (!pem)
      return openssl_failure("new key");
    if (auto problem = write_private_file(key_file, *pem))
      return *problem;
  }
  request_ptr request{X509_REQ_new()};
  if (!request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1
      || X509_REQ_set_pubkey(request.get(), key.get()) != 1
      || X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0)
    return openssl_failure("certificate request");
  unsigned char* bytes = nullptr;
  int size = i2d_X509_REQ(request.get(), &bytes);
  if (size <= 0)
    return openssl_failure("certificate request");
  std::string der{reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)};
  OPENSSL_free(bytes);
  return der;
}

expected<certificate_life> life_of(const std::string& file) {
  auto certificate = read_certificate(file);
  if (!certificate)
    return certificate.error();
  auto from = time_of(X509_get0_notBefore(certificate->get()));
  return certificate_life{{from.ms + int64_t{backdated_seconds} * 1000},
                          time_of(X509_get0_notAfter(certificate->get()))};
}

std::optional<failure> keep_grant(const std::string& folder, const enrolment_grant& grant) {
  auto files = host_key_files(folder);
  auto certificate = parse_certificate(grant.certificate);
  if (!certificate)
    return certificate.error();
  auto key = read_private_key(files.key);
  if (!key)
    return key.error();
  if (X509_check_private_key(certificate->get(), key->get()) != 1) {
    openssl_reason();
    return failure{ec::bad_input, "the farm's answer is a certificate for another key"};
  }
  if (auto problem = write_private_file(files.authority, grant.authority))
    return problem;
  return write_private_file(files.certificate, grant.certificate);
}

} // namespace drover
