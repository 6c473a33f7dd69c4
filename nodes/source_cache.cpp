// SPDX-License-Identifier: Apache-2.0
#include "nodes/source_cache.hpp"

#include "nodes/record_file.hpp"
#include "nodes/sha256.hpp"
#include "schema/names.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>

namespace drover {

namespace fs = std::filesystem;

namespace {

std::optional<uint64_t> size_of(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0)
    return std::nullopt;
  return static_cast<uint64_t>(info.st_size);
}

failure about(const source_ref& source, ec code, const std::string& what) {
  return {code, "source " + printable(source.id, limits::name_bytes_max) + ": " + what};
}

/// The digest becomes a file name: anything else than hex must not.
std::optional<failure> source_problem(const source_ref& source) {
  if (!is_sha256_hex(source.sha256))
    return about(source, ec::bad_input, "its SHA-256 is not 64 hex digits");
  if (source.size > limits::blob_bytes_max)
    return about(source, ec::refused, "larger than the bound of sources");
  return std::nullopt;
}

} // namespace

source_cache::source_cache(std::string folder, const cache_bounds& bounds)
    : folder_{std::move(folder)}, bounds_{bounds} {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error)
    throw std::runtime_error{folder_ + ": " + error.message()};
}

uint64_t source_cache::bytes_of(const source_ref& source) const {
  if (source_problem(source))
    return 0;
  auto path = folder_ + "/" + source.sha256;
  if (auto whole = size_of(path))
    return *whole;
  return size_of(path + ".part").value_or(0);
}

std::optional<failure> source_cache::add(const source_ref& source, uint64_t offset,
                                         std::string_view bytes) {
  if (auto problem = source_problem(source))
    return problem;
  if (auto here = bytes_of(source); here != offset)
    return about(source, ec::conflict,
                 "a piece for byte " + std::to_string(offset) + " came, but the next one is "
                   + std::to_string(here));
  if (bytes.size() > source.size - std::min(offset, source.size))
    return about(source, ec::bad_input,
                 "more bytes came than its size of " + std::to_string(source.size));
  auto path = folder_ + "/" + source.sha256 + ".part";
  unique_fd file{open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
  if (!file)
    return io_failure(path, errno);
  if (int error = write_all(file.get(), bytes)) {
    // What was written of it would shift all that follows.
    if (ftruncate(file.get(), static_cast<off_t>(offset)) != 0)
      unlink(path.c_str());
    return io_failure(path, error);
  }
  return std::nullopt;
}

expected<std::string> source_cache::take(const source_ref& source) {
  if (auto problem = source_problem(source))
    return *problem;
  auto path = folder_ + "/" + source.sha256;
  auto part = path + ".part";
  auto present = size_of(path) ? path : part;
  if (bytes_of(source) < source.size || (source.size == 0 && !size_of(present)))
    return about(source, ec::unavailable,
                 "only " + std::to_string(bytes_of(source)) + " of " + std::to_string(source.size)
                   + " bytes are here");
  unique_fd file{open(present.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file)
    return io_failure(present, errno);
  auto digest = digest_of_file(file.get());
  if (!digest)
    return failure{ec::io, present + ": " + digest.error().text};
  if ((*digest).sha256 != source.sha256) {
    unlink(present.c_str());
    return about(source, ec::damaged,
                 "its bytes have SHA-256 " + (*digest).sha256 + ", not " + source.sha256
                   + "; the download is dropped");
  }
  if (present != path && rename(part.c_str(), path.c_str()) != 0)
    return io_failure(path, errno);
  utimensat(AT_FDCWD, path.c_str(), nullptr, 0); // used now: the last one to go
  return path;
}

void source_cache::prune(const source_ref& keep) const {
  struct cached {
    fs::file_time_type used;
    uint64_t bytes;
    fs::path path;
  };
  std::vector<cached> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{folder_, error})
    if (entry.path().stem() != keep.sha256)
      files.push_back({entry.last_write_time(error), entry.file_size(error), entry.path()});
  std::sort(files.begin(), files.end(),
            [](const cached& a, const cached& b) { return a.used > b.used; });
  uint64_t bytes = keep.size;
  for (size_t i = 0; i < files.size(); ++i) {
    bytes += files[i].bytes;
    if (i + 1 < bounds_.files && bytes <= bounds_.bytes)
      continue;
    fs::remove(files[i].path, error);
    if (error)
      spdlog::warn("workspaces event=prune file={} problem=\"{}\"", files[i].path.string(),
                   error.message());
  }
}

std::vector<core::spare> source_cache::spares() const {
  std::vector<core::spare> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{folder_, error}) {
    struct stat info {};
    if (stat(entry.path().c_str(), &info) != 0)
      continue; // gone meanwhile
    core::spare one;
    one.name = entry.path().filename().string();
    one.path = entry.path().string();
    one.bytes = static_cast<uint64_t>(info.st_size);
    one.used_ms = int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000;
    found.push_back(std::move(one));
  }
  return found;
}

} // namespace drover
