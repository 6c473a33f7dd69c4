// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/pki.hpp"

#include "actors/edge/issuing.hpp"
#include "actors/edge/pem_files.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <filesystem>

namespace drover {
namespace {

std::optional<failure> save(const key_pair& made, const std::string& certificate_file,
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
std::optional<failure> issue(const key_pair& authority, const std::string& name,
                             certificate_role as, const key_files& files) {
  if (auto present = load_pair(files.certificate, files.key)) {
    X509* certificate = present->certificate.get();
    if (!check_certificate(certificate, authority.certificate.get(), files.certificate)
        && common_name(certificate) == name)
      return std::nullopt;
  }
  auto made = make_pair_for(name, as, &authority);
  if (!made)
    return made.error();
  return save(*made, files.certificate, files.key);
}

/// The authority that is there, or a new one where there is nothing of it.
expected<key_pair> authority_in(const std::string& folder) {
  auto certificate_file = ca_file(folder);
  auto key_file = ca_key_file(folder);
  // An interrupted first run leaves a key without a certificate: nobody trusts that one yet.
  if (std::filesystem::exists(certificate_file))
    return load_pair(certificate_file, key_file);
  auto made = make_pair_for("drover-authority", certificate_role::authority, nullptr);
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
  auto own = load_pair(files.certificate, files.key);
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
  return issue(*authority, coordinator_common_name, certificate_role::coordinator,
               coordinator_key_files(folder));
}

std::optional<failure> issue_host_keys(const std::string& authority_folder, const std::string& name,
                                       const std::string& folder) {
  if (auto problem = name_problem("host", name))
    return failure{ec::bad_input, *problem};
  if (name == coordinator_common_name)
    return failure{ec::bad_input,
                   fmt::format("host name '{}' is the coordinator's: choose another", name)};
  auto authority = load_pair(ca_file(authority_folder), ca_key_file(authority_folder));
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
  return issue(*authority, name, certificate_role::host, files);
}

} // namespace drover
