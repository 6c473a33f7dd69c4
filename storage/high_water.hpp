#pragma once
// The high-water file: a small file beside the store that knows how far the store was durable.
//
// A store whose log was deleted, or that was put back from a backup, opens without complaint; only
// something outside of it can tell that it is short.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"
#include "schema/ids.hpp"

#include <memory>
#include <optional>
#include <string>

namespace drover::storage {

/// How far a store was durable: its last synced commit, and who made it.
struct high_water_mark {
  epoch written_in;
  uint64_t sequence = 0;
  friend bool operator==(const high_water_mark&, const high_water_mark&) = default;
};

/// Why a store that stands at `found` is not the one that stood at `durable`, or nothing. Pure.
std::optional<std::string> shortfall(const high_water_mark& durable, const high_water_mark& found);

/// The file: two slots, written in turn, each with its checksum, so that a write that is torn
/// leaves the one before. Not thread-safe.
class high_water_file {
public:
  /// Opens or makes the file and reads it. Not being able to is an error; a damaged file is not:
  /// it is as one without a mark, and `damaged` tells.
  static expected<std::unique_ptr<high_water_file>> open(const std::string& path);
  ~high_water_file();
  high_water_file(const high_water_file&) = delete;
  high_water_file& operator=(const high_water_file&) = delete;

  /// The newest mark on disk.
  const std::optional<high_water_mark>& mark() const { return mark_; }
  bool damaged() const { return damaged_; }
  /// Returns once the mark is on disk.
  std::optional<failure> write(const high_water_mark& mark);

private:
  high_water_file(std::string path, int fd) : path_{std::move(path)}, fd_{fd} {}
  std::optional<failure> read();

  std::string path_;
  int fd_;
  uint64_t generation_ = 0; // counts writes; its lowest bit is the slot of the last one
  std::optional<high_water_mark> mark_;
  bool damaged_ = false;
};

} // namespace drover::storage
