#pragma once
// What RocksDB's failures mean to the farm, with the store's path. For rocks_store alone.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <rocksdb/status.h>

#include <string>

namespace drover::storage {

failure at(const std::string& path, ec code, const std::string& what);
/// The failure of an operation on an open store.
failure explain(const std::string& path, const rocksdb::Status& status);
/// Why RocksDB did not open the store.
failure explain_open(const std::string& path, const rocksdb::Status& status);

} // namespace drover::storage
