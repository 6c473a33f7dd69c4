// SPDX-License-Identifier: Apache-2.0
#include "storage/keys.hpp"
#include "storage/memory_store.hpp"
#include "storage/tables.hpp"
#include "tests/catch.hpp"
#include "tests/schema/record_samples.hpp"

using namespace drover;
using namespace drover::storage;
using namespace drover::test;

namespace {

std::string write_blob(store& into, std::string_view bytes, size_t at_once) {
  blob_writer writer{into};
  for (size_t at = 0; at < bytes.size(); at += at_once)
    REQUIRE_FALSE(writer.append(bytes.substr(at, at_once)));
  CHECK(writer.size() == bytes.size());
  auto name = writer.finish();
  REQUIRE(name.ok());
  return *name;
}

/// The keys of pieces in the store.
std::vector<std::string> pieces(const store& from) {
  std::vector<std::string> keys;
  from.scan(family::content, std::string{static_cast<char>(keys::tag::blob_piece)},
            keys::end_of(keys::tag::blob_piece), scan_order::ascending,
            [&](std::string_view key, std::string_view) {
              keys.emplace_back(key);
              return true;
            });
  return keys;
}

} // namespace

TEST_CASE("blobs: the name is the SHA-256 of the content") {
  memory_store store;
  CHECK(write_blob(store, "abc", 1)
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(write_blob(store, "", 1)
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("blobs: content of any size is read back from any offset") {
  memory_store store;
  sampler samples{41};
  for (size_t size : {size_t{0}, size_t{1}, piece_bytes - 1, piece_bytes, piece_bytes + 1,
                      2 * piece_bytes + 12345}) {
    auto bytes = samples.bytes(size);
    auto name = write_blob(store, bytes, 100'000);
    CHECK(*blob_size(store, name) == std::optional<uint64_t>{size});
    CHECK((*read_blob(store, name, 0, size + 1) == bytes));
    for (int i = 0; i < 10; ++i) {
      auto offset = samples.below(size + 1);
      auto max = samples.below(size + 1);
      CHECK((*read_blob(store, name, offset, max) == bytes.substr(offset, max)));
    }
    CHECK(read_blob(store, name, size + 1, 10)->empty());
  }
}

TEST_CASE("blobs: equal pieces are stored once") {
  memory_store store;
  std::string twice(2 * piece_bytes, 'x');
  auto name = write_blob(store, twice, piece_bytes);
  CHECK(pieces(store).size() == 1);
  auto commits = store.commits();
  CHECK(write_blob(store, twice, 4096) == name);
  CHECK(store.commits() == commits);
}

TEST_CASE("blobs: what is finished survives a crash, what is not is not there") {
  memory_store store;
  sampler samples{42};
  auto bytes = samples.bytes(piece_bytes + 1);
  auto name = write_blob(store, bytes, piece_bytes);
  blob_writer unfinished{store};
  REQUIRE_FALSE(unfinished.append(samples.bytes(piece_bytes)));
  CHECK(pieces(store).size() == 3);
  store.crash();
  CHECK(pieces(store).size() == 2);
  CHECK((*read_blob(store, name, 0, bytes.size()) == bytes));
}

TEST_CASE("blobs: a damaged piece is named, and healed by storing the blob again") {
  memory_store store;
  auto bytes = sampler{43}.bytes(piece_bytes + 1);
  auto name = write_blob(store, bytes, piece_bytes);
  for (const auto& key : pieces(store))
    REQUIRE(store.damage(family::content, key, 0));
  auto read = read_blob(store, name, 0, 10);
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().code == ec::damaged);
  CHECK(read.error().text.find("blob " + name) == 0);
  CHECK(write_blob(store, bytes, piece_bytes) == name);
  CHECK((*read_blob(store, name, 0, bytes.size()) == bytes));
}

TEST_CASE("blobs: a damaged manifest is named, and healed by storing the blob again") {
  memory_store store;
  auto name = write_blob(store, "abc", 3);
  std::string manifest;
  store.scan(family::content, std::string{static_cast<char>(keys::tag::blob_manifest)},
             keys::end_of(keys::tag::blob_manifest), scan_order::ascending,
             [&](std::string_view key, std::string_view) {
               manifest = key;
               return false;
             });
  REQUIRE(store.damage(family::content, manifest, 30));
  CHECK(blob_size(store, name).error().code == ec::damaged);
  CHECK(read_blob(store, name, 0, 1).error().code == ec::damaged);
  CHECK(write_blob(store, "abc", 3) == name);
  CHECK(*read_blob(store, name, 0, 10) == "abc");
}

TEST_CASE("blobs: unknown and impossible names are told apart") {
  memory_store store;
  std::string unknown(64, 'a');
  CHECK_FALSE(blob_size(store, unknown)->has_value());
  CHECK(read_blob(store, unknown, 0, 1).error().code == ec::not_found);
  for (const auto& name : {std::string{}, std::string{"../x"}, std::string(64, 'A'),
                           std::string(64, 'g'), std::string(65, 'a')})
    CHECK(blob_size(store, name).error().code == ec::bad_input);
}

TEST_CASE("blobs: a failing store is an error of the writer") {
  memory_store store;
  blob_writer writer{store};
  store.fail_next_commits(1);
  auto problem = writer.append(std::string(piece_bytes, 'x'));
  REQUIRE(problem);
  CHECK(problem->code == ec::io);
}
