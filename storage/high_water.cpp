// SPDX-License-Identifier: Apache-2.0
#include "storage/high_water.hpp"

#include "schema/crc32c.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace drover::storage {

namespace {

// A slot: magic, generation, epoch counter, epoch incarnation, sequence, checksum; all u64be.
constexpr std::string_view magic = "DROVERHW";
constexpr size_t numbers = 5;
constexpr size_t slot_bytes = 8 * (numbers + 1);
/// Slots lie in different blocks of any disk, so that one bad write can't reach both.
constexpr size_t slot_distance = 64 * 1024;
constexpr size_t slots = 2;

using slot_numbers = std::array<uint64_t, numbers>;

std::string pack(const slot_numbers& values) {
  std::string slot{magic};
  auto add = [&slot](uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8)
      slot.push_back(static_cast<char>(value >> shift));
  };
  for (size_t i = 0; i + 1 < numbers; ++i)
    add(values[i]);
  add(crc32c(slot));
  return slot;
}

std::optional<slot_numbers> unpack(std::string_view slot) {
  slot_numbers values{};
  auto body = slot.substr(magic.size());
  for (size_t i = 0; i < body.size(); ++i)
    values[i / 8] = values[i / 8] << 8 | static_cast<uint8_t>(body[i]);
  auto checked = slot.substr(0, slot.size() - 8);
  if (slot.substr(0, magic.size()) != magic || values.back() != crc32c(checked))
    return std::nullopt;
  return values;
}

failure system_failure(const std::string& path, std::string_view what) {
  return {ec::io,
          path + ": cannot " + std::string{what} + " the high-water file: " + std::strerror(errno)};
}

/// Writes all of `bytes` at `offset` and returns once they are on disk; errno tells why not.
bool write_durably(int fd, std::string_view bytes, off_t offset) {
  while (!bytes.empty()) {
    auto written = ::pwrite(fd, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += written;
  }
  return ::fdatasync(fd) == 0;
}

/// Makes a new file's name durable; errno tells why not.
bool sync_folder(const std::string& path) {
  auto folder = std::filesystem::path{path}.parent_path();
  auto fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return false;
  auto synced = ::fsync(fd) == 0;
  auto why = errno;
  ::close(fd);
  errno = why;
  return synced;
}

} // namespace

std::optional<std::string> shortfall(const high_water_mark& durable, const high_water_mark& found) {
  auto numbered = [](const high_water_mark& mark) {
    return "commit " + std::to_string(mark.sequence) + " of epoch "
           + std::to_string(mark.written_in.counter);
  };
  if (found.sequence < durable.sequence || found.written_in.counter < durable.written_in.counter)
    return "it ends at " + numbered(found) + ", but " + numbered(durable) + " was durable";
  if (found.written_in.counter == durable.written_in.counter
      && found.written_in.incarnation != durable.written_in.incarnation)
    return "its " + numbered(found) + " was written by another coordinator than the "
           + numbered(durable) + " that was durable here";
  return std::nullopt;
}

expected<std::unique_ptr<high_water_file>> high_water_file::open(const std::string& path) {
  auto fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return system_failure(path, "open");
  std::unique_ptr<high_water_file> file{new high_water_file{path, fd}};
  if (auto problem = file->read())
    return *problem;
  if (!file->mark_ && !sync_folder(path))
    return system_failure(path, "make");
  return file;
}

high_water_file::~high_water_file() {
  ::close(fd_);
}

std::optional<failure> high_water_file::read() {
  for (size_t i = 0; i < slots; ++i) {
    std::string slot(slot_bytes, '\0');
    auto size = ::pread(fd_, slot.data(), slot.size(), static_cast<off_t>(i * slot_distance));
    if (size < 0)
      return system_failure(path_, "read");
    if (slot == std::string(slot_bytes, '\0'))
      continue; // never written
    auto values = unpack(slot);
    damaged_ = damaged_ || !values;
    if (!values || (mark_ && (*values)[0] < generation_))
      continue;
    generation_ = (*values)[0];
    mark_ = high_water_mark{{(*values)[1], (*values)[2]}, (*values)[3]};
  }
  return std::nullopt;
}

std::optional<failure> high_water_file::write(const high_water_mark& mark) {
  auto next = generation_ + 1;
  auto slot = pack({next, mark.written_in.counter, mark.written_in.incarnation, mark.sequence});
  if (!write_durably(fd_, slot, static_cast<off_t>(next % slots * slot_distance)))
    return system_failure(path_, "write");
  generation_ = next;
  mark_ = mark;
  return std::nullopt;
}

} // namespace drover::storage
