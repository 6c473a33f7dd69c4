// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/pem_files.hpp"

#include "schema/limits.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace drover {
namespace {

std::string errno_text() {
  return std::generic_category().message(errno);
}

failure io_failure(const std::string& file, std::string_view what) {
  return {ec::io, fmt::format("{}: can't be {}: {}", file, what, errno_text())};
}

std::optional<std::string> content(BIO* bio) {
  char* start = nullptr;
  long size = BIO_get_mem_data(bio, &start);
  if (size <= 0)
    return std::nullopt;
  return std::string{start, static_cast<size_t>(size)};
}

expected<bio_ptr> open_pem(const std::string& file) {
  auto text = read_whole_file(file);
  if (!text)
    return failure{ec::not_found, fmt::format("{}: can't be read: make keys first", file)};
  bio_ptr source{BIO_new(BIO_s_mem())};
  auto size = static_cast<int>(text->size());
  if (!source || BIO_write(source.get(), text->data(), size) != size)
    return failure{ec::internal, fmt::format("{}: no memory to read it", file)};
  return source;
}

/// Refuses encrypted keys: nobody is there to type a password.
int no_password(char*, int, int, void*) {
  return -1;
}

/// Closes the descriptor whatever happens; the first problem wins.
std::optional<failure> fill(int descriptor, const std::string& file, const std::string& content) {
  std::optional<failure> problem;
  size_t done = 0;
  while (done < content.size() && !problem) {
    auto wrote = ::write(descriptor, content.data() + done, content.size() - done);
    if (wrote >= 0)
      done += static_cast<size_t>(wrote);
    else if (errno != EINTR)
      problem = io_failure(file, "written");
  }
  if (!problem && fsync(descriptor) != 0)
    problem = io_failure(file, "synced");
  if (close(descriptor) != 0 && !problem)
    problem = io_failure(file, "closed");
  return problem;
}

} // namespace

std::string openssl_reason() {
  auto code = ERR_get_error();
  ERR_clear_error();
  const char* words = ERR_reason_error_string(code);
  return words ? words : "no reason given";
}

expected<certificate_ptr> read_certificate(const std::string& file) {
  auto source = open_pem(file);
  if (!source)
    return source.error();
  certificate_ptr certificate{PEM_read_bio_X509(source->get(), nullptr, no_password, nullptr)};
  if (!certificate)
    return failure{ec::damaged, fmt::format("{}: is not a certificate in PEM ({}): restore it or "
                                            "issue new keys",
                                            file, openssl_reason())};
  return certificate;
}

expected<private_key_ptr> read_private_key(const std::string& file) {
  auto source = open_pem(file);
  if (!source)
    return source.error();
  private_key_ptr key{PEM_read_bio_PrivateKey(source->get(), nullptr, no_password, nullptr)};
  if (!key)
    return failure{ec::damaged, fmt::format("{}: is not an unencrypted private key in PEM ({}): "
                                            "restore it or issue new keys",
                                            file, openssl_reason())};
  return key;
}

std::optional<std::string> to_pem(X509* certificate) {
  bio_ptr target{BIO_new(BIO_s_mem())};
  if (!target || PEM_write_bio_X509(target.get(), certificate) != 1)
    return std::nullopt;
  return content(target.get());
}

std::optional<std::string> to_pem(EVP_PKEY* key) {
  bio_ptr target{BIO_new(BIO_s_mem())};
  if (!target
      || PEM_write_bio_PKCS8PrivateKey(target.get(), key, nullptr, nullptr, 0, nullptr, nullptr)
           != 1)
    return std::nullopt;
  return content(target.get());
}

std::optional<std::string> common_name(X509* certificate) {
  std::array<char, 256> name{};
  int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                       name.data(), static_cast<int>(name.size()));
  if (size <= 0)
    return std::nullopt;
  return std::string{name.data(), static_cast<size_t>(size)};
}

std::optional<std::string> read_whole_file(const std::string& file) {
  std::ifstream source{file, std::ios::binary};
  std::string text(limits::key_file_bytes_max + 1, '\0');
  source.read(text.data(), static_cast<std::streamsize>(text.size()));
  auto size = static_cast<size_t>(source.gcount());
  if (source.bad() || size == 0 || size > limits::key_file_bytes_max)
    return std::nullopt;
  text.resize(size);
  return text;
}

std::optional<failure> write_private_file(const std::string& file, const std::string& content) {
  auto draft = fmt::format("{}.{}.new", file, getpid());
  int descriptor = open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0)
    return io_failure(draft, "made");
  auto problem = fill(descriptor, draft, content);
  if (!problem && std::rename(draft.c_str(), file.c_str()) != 0)
    problem = io_failure(file, "replaced");
  if (problem) {
    unlink(draft.c_str());
    return problem;
  }
  auto folder = std::filesystem::path{file}.parent_path().string();
  int parent = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0)
    return io_failure(folder, "opened");
  problem = fsync(parent) == 0 ? std::nullopt : std::optional{io_failure(folder, "synced")};
  close(parent);
  return problem;
}

} // namespace drover
