#pragma once
// How RocksDB is set for a farm: durability, memory, files. For rocks_store.cpp.
// SPDX-License-Identifier: Apache-2.0

#include "storage/store.hpp"

#include <rocksdb/options.h>

namespace drover::storage {

/// The block cache that all families of one store share.
std::shared_ptr<rocksdb::Cache> new_cache();
/// `env`: the file system; null: the real one.
rocksdb::DBOptions database_options(rocksdb::Env* env);
rocksdb::ColumnFamilyOptions family_options(family where,
                                            const std::shared_ptr<rocksdb::Cache>& cache);

} // namespace drover::storage
