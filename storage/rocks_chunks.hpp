#pragma once
// How the database refers to chunks of logs that lie in files beside it. For rocks_store alone.
// SPDX-License-Identifier: Apache-2.0

#include "storage/chunk_files.hpp"
#include "storage/store.hpp"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
} // namespace rocksdb

namespace drover::storage {

/// Counts what the database refers to, and removes the files that it does not need: of a run that
/// ended before it could. A failure: not all was counted.
std::optional<failure> count_places(rocksdb::DB& database, rocksdb::ColumnFamilyHandle& logs,
                                    chunk_files& files);

/// The value of `key`, whose place was seen to be `place`; nothing if it was removed meanwhile.
expected<std::optional<std::string>> read_chunk(rocksdb::DB& database,
                                                rocksdb::ColumnFamilyHandle& logs,
                                                const chunk_files& files, std::string_view key,
                                                std::string place);

/// What one batch changes in the files: shown each operation in order, told once it is written.
/// What it appended for a batch that was not written, or has replaced in one that was not synced,
/// stays until the store is opened again.
class chunk_changes {
public:
  chunk_changes(rocksdb::DB& database, rocksdb::ColumnFamilyHandle& logs, chunk_files& files)
      : database_{database}, logs_{logs}, files_{files} {}

  /// A large chunk is appended to a file: then `placed` is what to put in its stead.
  std::optional<failure> look_at(const std::variant<put, erase>& operation);
  const std::optional<std::string>& placed() const { return placed_; }
  /// The batch is in the database: files that nothing refers to any more may go.
  void written(durability when);

private:
  std::optional<uint64_t> file_of(const std::string& key) const;

  rocksdb::DB& database_;
  rocksdb::ColumnFamilyHandle& logs_;
  chunk_files& files_;
  std::optional<std::string> placed_;
  /// The chunks that it touches: in which files they were, and will be.
  struct move {
    std::optional<uint64_t> from, to;
  };
  std::map<std::string, move> moves_;
};

} // namespace drover::storage
