#pragma once
// The store on disk: RocksDB with the settings that DESIGN.md, section 5, asks for.
// SPDX-License-Identifier: Apache-2.0

#include "schema/model.hpp"
#include "storage/store.hpp"

#include <memory>
#include <string>

namespace rocksdb {
class Env;
}

namespace drover::storage {

struct open_options {
  /// Opens a store that is shorter than its high-water file says, and goes on from there: what was
  /// acknowledged and is missing is given up, but for what hosts still hold.
  bool accept_short = false;
  /// Monotonic time, by which the high-water file is written once a second at most.
  std::function<milliseconds()> clock;
  /// The file system; none: the real one. For tests.
  rocksdb::Env* env = nullptr;
};

/// Any thread may read and commit. Synced commits follow each other. After a commit or a flush has
/// failed, but for want of space, all later ones fail too: what the disk holds is then unknown, and
/// only opening the store anew tells.
class rocks_store final : public store {
public:
  /// Opens or makes the store in the folder `path`; `path` + ".high-water" belongs to it. Fails
  /// with `ec::conflict` if another process has it open, `ec::damaged` if it is damaged or short:
  /// then nothing of the high-water file is changed.
  static expected<std::unique_ptr<rocks_store>> open(const std::string& path, open_options options);
  ~rocks_store() override;
  rocks_store(const rocks_store&) = delete;
  rocks_store& operator=(const rocks_store&) = delete;

  std::optional<failure> commit(const write_batch& batch, durability when) override;
  std::optional<failure> flush_content() override;
  expected<std::optional<std::string>> get(family where, std::string_view key) const override;
  std::optional<failure> scan(
    family where, std::string_view from, std::string_view to, scan_order order,
    const std::function<bool(std::string_view key, std::string_view value)>& visit) const override;

  /// Makes a copy of the store as it stands, in the folder `path` that must not exist, with its
  /// high-water file beside it; answers the copy's sequence. Files are linked where the folder is
  /// on the same file system, so that this is quick. Commits go on meanwhile.
  expected<uint64_t> copy_to(const std::string& path);

  /// Writes the high-water mark and closes; the store can't be used after it. The destructor does
  /// the same, but can't say what went wrong.
  std::optional<failure> close();

  /// Synced commits that this store has seen in its life.
  uint64_t sequence() const;
  /// What was odd at open and yet no reason to refuse, one sentence each; for the log.
  const std::vector<std::string>& notes() const;

private:
  struct state;
  explicit rocks_store(std::unique_ptr<state> opened);
  std::unique_ptr<state> state_;
};

} // namespace drover::storage
