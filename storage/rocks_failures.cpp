// SPDX-License-Identifier: Apache-2.0
#include "storage/rocks_failures.hpp"

namespace drover::storage {

failure at(const std::string& path, ec code, const std::string& what) {
  return {code, "store " + path + ": " + what};
}

failure explain(const std::string& path, const rocksdb::Status& status) {
  if (status.IsNoSpace())
    return at(path, ec::unavailable, "the disk is full; make room: " + status.ToString());
  if (status.IsCorruption())
    return at(path, ec::damaged, "damaged, run admin verify: " + status.ToString());
  return at(path, ec::io, status.ToString());
}

failure explain_open(const std::string& path, const rocksdb::Status& status) {
  auto text = status.ToString();
  // RocksDB has no code for this: it is an IOError with one of two texts.
  if (status.IsIOError()
      && (text.find("lock hold by current process") != std::string::npos
          || text.find("While lock file") != std::string::npos))
    return at(path, ec::conflict, "another coordinator has it open; stop that one first");
  if (status.IsCorruption())
    return at(path, ec::damaged,
              "damaged, so it was not opened and nothing is lost yet; copy it, "
              "then restore a backup: "
                + text);
  if (status.IsNoSpace())
    return at(path, ec::unavailable, "the disk is full; make room: " + text);
  return at(path, ec::io, "cannot open: " + text);
}

} // namespace drover::storage
