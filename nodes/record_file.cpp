// SPDX-License-Identifier: Apache-2.0
#include "nodes/record_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace drover {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

std::string checksum(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (char c : bytes)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  std::string text(16, '0');
  for (size_t i = 16; i-- > 0; hash >>= 4)
    text[i] = hex_digits[hash & 15];
  return text;
}

// "sum " + 16 digits + "\n"
constexpr size_t trailer_bytes = 21;

constexpr std::string_view heading_begin = "drover ";
constexpr std::string_view trailer_begin = "sum ";

std::string heading(std::string_view kind) {
  return std::string{heading_begin} + std::string{kind} + " 1\n";
}

std::string trailer_of(std::string_view body) {
  return std::string{trailer_begin} + checksum(body) + "\n";
}

/// How many bytes the record at the beginning of `text` has, by the lengths in it; 0 if they do not
/// lead to a trailer.
size_t size_by_lengths(std::string_view text) {
  auto at = text.find('\n');
  while (at != std::string_view::npos && at + 1 < text.size()) {
    auto line = text.substr(at + 1);
    if (line.starts_with(trailer_begin))
      return line.size() >= trailer_bytes ? at + 1 + trailer_bytes : 0;
    auto end = line.find('\n');
    auto blank = line.substr(0, end).rfind(' ');
    if (end == std::string_view::npos || blank == std::string_view::npos)
      return 0;
    size_t length = 0;
    auto digits = line.substr(blank + 1, end - blank - 1);
    auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (error != std::errc{} || last != digits.data() + digits.size()
        || length >= line.size() - end - 1)
      return 0;
    at += 1 + end + 1 + length; // the line's end behind the value
  }
  return 0;
}

} // namespace

size_t whole_record(std::string_view text) {
  auto size = text.starts_with(heading_begin) ? size_by_lengths(text) : 0;
  if (size == 0)
    return 0;
  auto body = text.substr(0, size - trailer_bytes);
  return text.substr(body.size(), trailer_bytes) == trailer_of(body) ? size : 0;
}

record_writer::record_writer(std::string_view kind) : bytes_{heading(kind)} {}

void record_writer::put(std::string_view key, std::string_view value) {
  bytes_.append(key).append(" ").append(std::to_string(value.size())).append("\n");
  bytes_.append(value).append("\n");
}

std::string record_writer::finish() {
  bytes_.append(trailer_of(bytes_));
  return std::move(bytes_);
}

record_reader::record_reader(std::string_view kind, std::string_view bytes) : kind_{kind} {
  auto first_line = heading(kind);
  auto body = bytes.substr(0, bytes.size() - std::min(trailer_bytes, bytes.size()));
  if (!bytes.starts_with(first_line))
    fail("does not begin as one, or is of another version");
  else if (body.size() < first_line.size())
    fail("is cut short");
  else if (bytes.substr(body.size()) != trailer_of(body))
    fail("does not match its checksum");
  else
    rest_ = body.substr(first_line.size());
}

std::string record_reader::take(std::string_view key) {
  if (problem_)
    return {};
  auto lost = [&] {
    fail("has no field " + std::string{key} + " in its place");
    return std::string{};
  };
  if (!rest_.starts_with(key) || rest_.size() <= key.size() || rest_[key.size()] != ' ')
    return lost();
  auto rest = rest_.substr(key.size() + 1);
  size_t length = 0;
  auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), length);
  if (error != std::errc{})
    return lost();
  rest.remove_prefix(static_cast<size_t>(end - rest.data()));
  if (rest.size() < 2 || rest[0] != '\n' || length > rest.size() - 2 || rest[length + 1] != '\n')
    return lost();
  std::string value{rest.substr(1, length)};
  rest_ = rest.substr(length + 2);
  return value;
}

void record_reader::fail(const std::string& why) {
  if (!problem_)
    problem_ = failure{ec::damaged, "the " + kind_ + " record " + why};
}

std::string system_text(int error_number) {
  const char* text = strerrordesc_np(error_number);
  return text ? text : "error " + std::to_string(error_number);
}

failure io_failure(const std::string& what, int error_number) {
  return {error_number == ENOENT ? ec::not_found : ec::io, what + ": " + system_text(error_number)};
}

expected<std::string> read_whole(const std::string& path, size_t max) {
  unique_fd file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file)
    return io_failure(path, errno);
  std::string bytes;
  char piece[4096];
  while (true) {
    auto got = read(file.get(), piece, sizeof piece);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return io_failure(path, errno);
    if (got == 0)
      return bytes;
    bytes.append(piece, static_cast<size_t>(got));
    if (bytes.size() > max)
      return failure{ec::damaged, path + ": longer than " + std::to_string(max) + " bytes"};
  }
}

expected<std::string> read_part(const std::string& path, uint64_t offset, size_t max) {
  unique_fd file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file)
    return io_failure(path, errno);
  std::string bytes(max, '\0');
  size_t filled = 0;
  while (filled < max) {
    auto got =
      pread(file.get(), bytes.data() + filled, max - filled, static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return io_failure(path, errno);
    if (got == 0)
      break;
    filled += static_cast<size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto wrote = write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote < 0)
      return errno;
    bytes.remove_prefix(static_cast<size_t>(wrote));
  }
  return 0;
}

std::optional<failure> append_record(int fd, std::string_view record, const std::string& where) {
  auto line = "\n" + std::string{record};
  if (int error = write_all(fd, line))
    return io_failure(where, error);
  return std::nullopt;
}

expected<std::string_view> last_record(std::string_view kind, std::string_view file) {
  auto wanted = heading(kind);
  std::string_view found;
  bool damaged = false;
  for (size_t at = 0; at < file.size();) {
    auto rest = file.substr(at);
    bool ours = rest.starts_with(wanted);
    if (auto size = whole_record(rest)) {
      if (ours)
        found = rest.substr(0, size);
      at += size;
      continue;
    }
    damaged = damaged || ours;
    auto line = rest.find('\n');
    at = line == std::string_view::npos ? file.size() : at + line + 1;
  }
  if (!found.empty())
    return found;
  if (damaged)
    return failure{ec::damaged, "the " + std::string{kind}
                                  + " record is cut short or does not match its checksum"};
  return failure{ec::not_found, "no " + std::string{kind} + " record"};
}

std::optional<failure> sync_folder(const std::string& folder) {
  unique_fd fd{open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd || fsync(fd.get()) != 0)
    return io_failure(folder, errno);
  return std::nullopt;
}

std::optional<failure> replace_file(const std::string& folder, const std::string& name,
                                    std::string_view bytes, durability level) {
  auto path = folder + "/" + name;
  auto aside = path + ".new";
  // Not truncated when opened: what was allocated ahead is room that a full disk can't take away.
  unique_fd file{open(aside.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)};
  if (!file)
    return io_failure(aside, errno);
  if (int error = write_all(file.get(), bytes))
    return io_failure(aside, error);
  if (ftruncate(file.get(), static_cast<off_t>(bytes.size())) != 0)
    return io_failure(aside, errno);
  if (level == durability::synced && fsync(file.get()) != 0)
    return io_failure(aside, errno);
  if (rename(aside.c_str(), path.c_str()) != 0)
    return io_failure(path, errno);
  return level == durability::synced ? sync_folder(folder) : std::nullopt;
}

void unique_fd::reset(int fd) {
  if (fd_ >= 0)
    close(fd_);
  fd_ = fd;
}

} // namespace drover
