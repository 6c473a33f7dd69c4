#pragma once
// Files beside the database that hold chunks of logs until they are sealed: written once, synced,
// neither logged ahead nor compacted. For rocks_store alone.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rocksdb {
class Env;
class RandomAccessFile;
class Status;
class WritableFile;
} // namespace rocksdb

namespace drover::storage {

/// Where the value of a chunk lies.
struct chunk_place {
  uint64_t file = 0;
  uint64_t offset = 0;
  uint32_t size = 0;
  friend bool operator==(const chunk_place&, const chunk_place&) = default;
};

/// What stands in the database instead of the value.
std::string encode(const chunk_place& place);
/// Whether a stored value of the log family stands for one that lies in a file.
bool is_chunk_place(std::string_view value);
expected<chunk_place> decode_chunk_place(std::string_view value);

/// A file belongs to one run of the store and only ever grows; it is removed when nothing refers to
/// it any more. One thread at a time appends and syncs; everything else may come from any thread.
class chunk_files {
public:
  /// Takes over, or makes, the folder.
  static expected<std::unique_ptr<chunk_files>> open(const std::string& folder, rocksdb::Env* env);
  ~chunk_files();
  chunk_files(const chunk_files&) = delete;
  chunk_files& operator=(const chunk_files&) = delete;

  /// Appends; it lasts from the next `sync` on. Whatever fails leaves places as they were.
  expected<chunk_place> append(std::string_view value);
  /// What was appended is on disk. A failure is not survivable, as one of the store's own syncs.
  std::optional<failure> sync();
  /// `ec::not_found`: the file is gone, since nothing refers to it any more.
  expected<std::string> read(const chunk_place& place) const;

  /// Counts the places in the database that refer to a file. No new file takes the number of one
  /// that was ever referred to.
  void refer(uint64_t file);
  void forget(uint64_t file);
  /// Removes files that nothing refers to; those that can't be removed are tried again.
  void remove_unused();

  /// Keeps files until `release`, though nothing refers to them. Calls nest.
  void hold();
  void release();
  /// What is appended from now on goes to a new file.
  std::optional<failure> finish_file();
  /// Makes copies, as links where that can be, in the folder `path`, which is made, of all files
  /// that are no longer written to. Call it between `hold` and `release`.
  std::optional<failure> copy_to(const std::string& path) const;

private:
  chunk_files(std::string folder, rocksdb::Env* env);
  std::string path_of(uint64_t file) const;
  std::optional<failure> begin_file();
  std::optional<failure> take_over();
  failure explain(uint64_t file, const char* what, const rocksdb::Status& status) const;

  const std::string folder_;
  rocksdb::Env* const env_;

  mutable std::mutex writing_; // taken first
  std::unique_ptr<rocksdb::WritableFile> current_;
  uint64_t current_bytes_ = 0;
  bool unsynced_ = false;

  mutable std::mutex table_;                // guards all below, for moments only
  std::map<uint64_t, uint64_t> references_; ///< of each file that there is
  mutable std::map<uint64_t, std::shared_ptr<rocksdb::RandomAccessFile>> readers_;
  uint64_t newest_ = 0; ///< the number of the newest file
  bool writing_to_newest_ = false;
  size_t holds_ = 0;
};

} // namespace drover::storage
