// What is done to a store's files from outside (FAULTS.md, rows 4 to 7).
// SPDX-License-Identifier: Apache-2.0
#include "schema/record_codec.hpp"
#include "storage/keys.hpp"
#include "storage/tables.hpp"
#include "tests/schema/record_samples.hpp"
#include "tests/storage/store_folder.hpp"

using namespace drover;
using namespace drover::storage;
using namespace drover::test;

namespace {

constexpr uint64_t commits = 100;
constexpr uint64_t own_commits = 1; // the store's version, at first open

open_options accepting() {
  auto options = still();
  options.accept_short = true;
  return options;
}

/// A crash image of a store with `commits` numbers; its mark is that of the first commit.
fs::path make_image(const fs::path& path) {
  auto store = open_store(path);
  commit_numbers(*store, 1, commits);
  return crash_image(path);
}

/// A store with `commits` numbers that was closed: its mark is that of the last commit.
fs::path make_closed(const fs::path& path) {
  auto store = open_store(path);
  commit_numbers(*store, 1, commits);
  REQUIRE_FALSE(store->close());
  return path;
}

} // namespace

TEST_CASE("rocks store: power loss loses no synced commit") {
  temporary_folder folder;
  auto image = make_image(folder.path() / "store");
  CHECK(count_numbers(*open_store(image)) == commits);
}

TEST_CASE("rocks store: a torn tail opens without the torn commit") {
  temporary_folder folder;
  auto image = make_image(folder.path() / "store");
  auto wal = largest_file(image, ".log");
  fs::resize_file(wal, fs::file_size(wal) - 50);
  auto store = open_store(image);
  CHECK(count_numbers(*store) == commits - 1);
  commit_numbers(*store, commits, commits + 1);
  CHECK(count_numbers(*store) == commits + 1);
}

TEST_CASE("rocks store: a torn tail that reaches below the high-water mark is refused") {
  temporary_folder folder;
  auto path = make_closed(folder.path() / "store");
  auto wal = largest_file(path, ".log");
  fs::resize_file(wal, fs::file_size(wal) - 50);
  auto why = why_not_opened(path);
  CHECK(why.code == ec::damaged);
  CHECK(why.text.find("commit " + std::to_string(commits + own_commits)) != std::string::npos);
}

TEST_CASE("rocks store: a bit flipped in the middle of the log is refused, not skipped") {
  temporary_folder folder;
  auto image = make_image(folder.path() / "store");
  auto wal = largest_file(image, ".log");
  flip_bit(wal, fs::file_size(wal) / 2);
  auto why = why_not_opened(image);
  CHECK(why.code == ec::damaged);
  CHECK(why.text.find(image.string()) != std::string::npos);
}

TEST_CASE("rocks store: a deleted log is refused with both numbers, and accepted knowingly") {
  temporary_folder folder;
  auto path = make_closed(folder.path() / "store");
  fs::remove(largest_file(path, ".log"));
  for (int i = 0; i < 2; ++i) { // refusing changes nothing: it is refused again
    auto why = why_not_opened(path);
    CHECK(why.code == ec::damaged);
    CHECK(why.text.find("commit 0 of epoch 0") != std::string::npos);
    CHECK(why.text.find("commit " + std::to_string(commits + own_commits)) != std::string::npos);
  }
  auto store = open_store(path, accepting());
  CHECK(store->notes().size() == 1);
  CHECK(count_numbers(*store) == 0);
  commit_numbers(*store, 1, 3);
  store.reset();
  CHECK(count_numbers(*open_store(path)) == 3);
}

TEST_CASE("rocks store: yesterday's copy is refused") {
  temporary_folder folder;
  auto path = make_closed(folder.path() / "store");
  fs::copy(path, folder.path() / "yesterday", fs::copy_options::recursive);
  commit_numbers(*open_store(path), commits + 1, commits + 2);
  fs::remove_all(path);
  fs::rename(folder.path() / "yesterday", path);
  auto why = why_not_opened(path);
  CHECK(why.code == ec::damaged);
  CHECK(why.text.find("commit " + std::to_string(commits + own_commits) + " of")
        != std::string::npos);
  CHECK(why.text.find("commit " + std::to_string(commits + own_commits + 2) + " of")
        != std::string::npos);
}

TEST_CASE("rocks store: another coordinator's store of the same age is refused") {
  temporary_folder folder;
  for (uint64_t incarnation : {1u, 2u}) {
    auto store = open_store(folder.path() / std::to_string(incarnation));
    write_batch batch;
    put_epoch(batch, {1, incarnation});
    REQUIRE_FALSE(store->commit(batch, durability::synced));
  }
  fs::remove_all(folder.path() / "1");
  fs::rename(folder.path() / "2", folder.path() / "1");
  CHECK(why_not_opened(folder.path() / "1").code == ec::damaged);
}

TEST_CASE("rocks store: a damaged high-water file does not keep a sound store closed") {
  temporary_folder folder;
  auto path = make_closed(folder.path() / "store");
  auto mark = path.string() + ".high-water";
  flip_bit(mark, 20);
  flip_bit(mark, 64 * 1024 + 20);
  {
    auto store = open_store(path);
    CHECK(store->notes().size() == 2);
    CHECK(count_numbers(*store) == commits);
    commit_numbers(*store, commits + 1, commits + 2);
  }
  fs::remove(mark);
  auto store = open_store(path);
  CHECK(store->notes().size() == 1);
}

TEST_CASE("rocks store: a bit flipped in a table or blob file is damage, never another value") {
  temporary_folder folder;
  auto path = folder.path() / "store";
  auto content = sampler{51}.bytes(piece_bytes);
  auto value_of = [](uint64_t row) { return sampler{row}.bytes(5000); };
  constexpr uint64_t rows = 20;
  std::string name;
  {
    auto store = open_store(path);
    write_batch batch;
    for (uint64_t row = 1; row <= rows; ++row)
      batch.add(family::history, numbered_key(row), value_of(row));
    REQUIRE_FALSE(store->commit(batch, durability::synced));
    blob_writer writer{*store};
    REQUIRE_FALSE(writer.append(content));
    name = *writer.finish();
  }
  open_store(path).reset(); // recovery turns the log into tables
  SECTION("in a table") {
    auto table = largest_file(path, ".sst");
    flip_bit(table, fs::file_size(table) / 2);
    auto store = open_store(path);
    int damaged = 0;
    for (uint64_t row = 1; row <= rows; ++row) {
      auto found = store->get(family::history, numbered_key(row));
      damaged += found.ok() ? 0 : 1;
      CHECK((found.ok() ? **found == value_of(row) : found.error().code == ec::damaged));
    }
    CHECK(damaged > 0);
    auto visit = [](std::string_view, std::string_view) { return true; };
    auto problem = store->scan(family::history, "0", "1", scan_order::ascending, visit);
    REQUIRE(problem);
    CHECK(problem->code == ec::damaged);
  }
  SECTION("in a blob file") {
    auto blob = largest_file(path, ".blob");
    flip_bit(blob, fs::file_size(blob) / 2);
    auto store = open_store(path);
    auto read = read_blob(*store, name, 0, 10);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().code == ec::damaged);
    CHECK(read.error().text.find(name) != std::string::npos);
  }
}

TEST_CASE("rocks store: a store of another layout is refused and left alone") {
  temporary_folder folder;
  auto path = folder.path() / "store";
  {
    auto store = open_store(path);
    write_batch batch;
    batch.add(family::history, keys::store_version(), record::encode(record::store_version{99}));
    REQUIRE_FALSE(store->commit(batch, durability::synced));
  }
  auto why = why_not_opened(path);
  CHECK(why.code == ec::conflict);
  CHECK(why.text.find("version 99") != std::string::npos);
}
