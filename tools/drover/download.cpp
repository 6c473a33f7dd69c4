// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/download.hpp"

#include "schema/names.hpp"

#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace drover::cli {

struct download::state {
  std::string path;
  std::string temporary; ///< empty once renamed
  int fd = -1;
  EVP_MD_CTX* digest = nullptr;

  ~state() {
    if (fd >= 0)
      ::close(fd);
    if (!temporary.empty())
      ::unlink(temporary.c_str());
    EVP_MD_CTX_free(digest);
  }
};

namespace {

failure io_error(const std::string& path, const char* what) {
  return {ec::io, printable(path, 200) + ": " + what + ": " + std::strerror(errno)};
}

} // namespace

expected<std::string> local_name(const std::string& artifact_path) {
  auto refuse = [&](const char* what) {
    return failure{ec::refused, "artifact '" + printable(artifact_path, 200) + "': " + what};
  };
  if (artifact_path.empty() || artifact_path[0] == '/')
    return refuse("an absolute or empty path is never kept here");
  std::string_view rest = artifact_path;
  std::string_view last;
  for (;;) {
    auto end = std::min(rest.find('/'), rest.size());
    last = rest.substr(0, end);
    if (last == "..")
      return refuse("a path with '..' is never kept here");
    if (end == rest.size())
      break;
    rest.remove_prefix(end + 1);
  }
  if (last.empty() || last == ".")
    return refuse("names no file");
  return std::string{last};
}

download::download(std::unique_ptr<state> made) : state_{std::move(made)} {}
download::~download() = default;
download::download(download&&) noexcept = default;

expected<download> download::begin(const std::string& path) {
  auto made = std::make_unique<state>();
  made->path = path;
  auto pattern = path + ".part-XXXXXX";
  made->fd = ::mkstemp(pattern.data());
  if (made->fd < 0)
    return io_error(path, "can't write beside it");
  made->temporary = pattern;
  made->digest = EVP_MD_CTX_new();
  if (!made->digest || EVP_DigestInit_ex(made->digest, EVP_sha256(), nullptr) != 1)
    return failure{ec::internal, "OpenSSL has no SHA-256"};
  return download{std::move(made)};
}

std::optional<failure> download::take(std::string_view bytes) {
  if (EVP_DigestUpdate(state_->digest, bytes.data(), bytes.size()) != 1)
    return failure{ec::internal, "OpenSSL can't compute SHA-256"};
  while (!bytes.empty()) {
    auto count = ::write(state_->fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return io_error(state_->path, "can't be written");
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return std::nullopt;
}

std::optional<failure> download::finish(const std::string& sha256) {
  unsigned char raw[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_DigestFinal_ex(state_->digest, raw, &size) != 1)
    return failure{ec::internal, "OpenSSL can't compute SHA-256"};
  static constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += digits[raw[i] >> 4];
    hex += digits[raw[i] & 15];
  }
  if (hex != sha256)
    return failure{ec::damaged, printable(state_->path, 200) + ": the bytes that came have SHA-256 "
                                  + hex + " instead of " + printable(sha256, 80)
                                  + "; nothing was kept"};
  auto mask = ::umask(0); // there is no other way to read it; this program has one thread
  ::umask(mask);
  if (::fchmod(state_->fd, 0666 & ~mask) != 0 || ::fsync(state_->fd) != 0)
    return io_error(state_->path, "can't be made durable");
  if (::rename(state_->temporary.c_str(), state_->path.c_str()) != 0)
    return io_error(state_->path, "can't be put in place");
  state_->temporary.clear();
  return std::nullopt;
}

} // namespace drover::cli
