// SPDX-License-Identifier: Apache-2.0
#include "nodes/sha256.hpp"

#include "nodes/record_file.hpp"
#include "schema/limits.hpp"

#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <vector>

namespace drover {

struct sha256::state {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
};

sha256::sha256() : state_{std::make_unique<state>()} {
  if (EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error{"OpenSSL has no SHA-256"};
}

sha256::~sha256() {
  EVP_MD_CTX_free(state_->context);
}

void sha256::add(std::string_view bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

std::string sha256::hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_DigestFinal_ex(state_->context, digest, &length);
  std::string text;
  for (unsigned i = 0; i < length; ++i) {
    text += "0123456789abcdef"[digest[i] >> 4];
    text += "0123456789abcdef"[digest[i] & 15];
  }
  return text;
}

expected<file_digest> digest_of_file(int fd) {
  sha256 digest;
  file_digest result;
  std::vector<char> piece(limits::blob_piece_bytes);
  while (true) {
    auto got = read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return io_failure("read", errno);
    if (got == 0)
      break;
    digest.add({piece.data(), static_cast<size_t>(got)});
    result.size += static_cast<uint64_t>(got);
  }
  result.sha256 = digest.hex();
  return result;
}

bool is_sha256_hex(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

} // namespace drover
