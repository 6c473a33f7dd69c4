// Secrets of reporters, and what tells one delivery from another and from a forged one.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/reporters/reporters.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace drover::reporters {

expected<std::string> read_secret(const reporter_spec& reporter, const std::string& key,
                                  const std::string& folder) {
  auto named = reporter.settings.find(key);
  if (named == reporter.settings.end() || named->second.empty())
    return std::string{};
  auto path = named->second[0] == '/' ? named->second : folder + "/" + named->second;
  std::ifstream file{path};
  std::string secret;
  if (!file || !std::getline(file, secret))
    return failure{ec::unavailable,
                   path + ": can't be read, or is empty: write the secret into its first line"};
  while (!secret.empty() && (secret.back() == '\r' || secret.back() == ' '))
    secret.pop_back();
  if (secret.empty())
    return failure{ec::unavailable, path + ": its first line is empty"};
  return secret;
}

std::string webhook_signature(const std::string& secret, const std::string& timestamp,
                              const std::string& body) {
  constexpr std::string_view digits = "0123456789abcdef";
  auto text = timestamp + "." + body;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex.push_back(digits[digest.at(i) >> 4]);
    hex.push_back(digits[digest.at(i) & 15]);
  }
  return hex;
}

std::string delivery_id(const notice_record& notice) {
  return notice.reporter + "-" + std::to_string(notice.id) + "-"
         + std::to_string(notice.made_at.ms);
}

} // namespace drover::reporters
