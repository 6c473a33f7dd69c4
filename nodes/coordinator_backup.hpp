#pragma once
// A copy of all that a coordinator needs: its store, its keys, its configuration.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/store_keeper.hpp"
#include "storage/rocks_store.hpp"

namespace drover {

/// What is copied besides the store.
struct backup_sources {
  std::string keys;   ///< folder; may be missing
  std::string config; ///< file
};

/// Makes `to` with store/, store.high-water, keys/ and farm.yaml, while the farm works. It is there
/// whole or not at all: it is made under another name first. Only its owner can look into it.
expected<http::backup_report> make_backup(storage::rocks_store& store, const backup_sources& from,
                                          const std::string& to);

} // namespace drover
