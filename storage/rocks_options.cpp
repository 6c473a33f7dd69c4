// SPDX-License-Identifier: Apache-2.0
#include "storage/rocks_options.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

namespace drover::storage {

namespace {

constexpr size_t kib = 1024;
constexpr size_t mib = 1024 * kib;

// About 72 MiB in all, whatever comes in: 32 of memtables, 16 of cache (indexes and filters are in
// it too), and compactions, flushes and open files within the rest.
constexpr size_t memtables_bytes = 32 * mib;
/// Chunks of a log are erased as soon as a segment of 4 MiB is made of them: the more segments a
/// memtable sees, the fewer chunks are ever written to a file, and compacted.
constexpr size_t log_memtable_bytes = 16 * mib;
constexpr int log_files_compacted = 8;
constexpr size_t cache_bytes = 16 * mib;
constexpr int open_files = 256;
/// What a start has to replay at most; with it, how long a start takes.
constexpr size_t wal_bytes = 24 * mib;

} // namespace

std::shared_ptr<rocksdb::Cache> new_cache() {
  return rocksdb::NewLRUCache(cache_bytes);
}

rocksdb::DBOptions database_options(rocksdb::Env* env) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  // The default opens "OK" with half of the records after one flipped bit (FAULTS.md).
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.max_total_wal_size = wal_bytes;
  options.db_write_buffer_size = memtables_bytes;
  options.max_open_files = open_files;
  options.max_background_jobs = 2;
  options.bytes_per_sync = mib; // what flushes and compactions write reaches the disk evenly
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.max_log_file_size = mib;
  options.keep_log_file_num = 4;
  if (env != nullptr)
    options.env = env;
  return options;
}

rocksdb::ColumnFamilyOptions family_options(family where,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.max_write_buffer_number = 2;
  options.target_file_size_base = 16 * mib;
  auto bulk = where == family::log || where == family::content;
  options.write_buffer_size = bulk ? 8 * mib : 4 * mib;
  if (where == family::log) {
    options.write_buffer_size = log_memtable_bytes;
    options.level0_file_num_compaction_trigger = log_files_compacted;
  }
  if (bulk) {
    // Large values are written once more than need be only when their file is mostly garbage. Log
    // chunks (64 KiB) stay in the tree: they are erased soon. Segments are compressed by us.
    options.enable_blob_files = true;
    options.min_blob_size = where == family::log ? 96 * kib : 4 * kib;
    options.blob_file_size = 64 * mib;
    options.enable_blob_garbage_collection = true;
    options.compression = rocksdb::kNoCompression;
  }
  return options;
}

} // namespace drover::storage
