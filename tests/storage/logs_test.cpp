// SPDX-License-Identifier: Apache-2.0
#include "schema/limits.hpp"
#include "storage/keys.hpp"
#include "storage/memory_store.hpp"
#include "storage/segment.hpp"
#include "storage/tables.hpp"
#include "tests/catch.hpp"
#include "tests/schema/record_samples.hpp"

using namespace drover;
using namespace drover::storage;
using namespace drover::test;

namespace {

constexpr attempt_id attempt{{12}, {0}, {1}};

void append(store& into, attempt_id of, uint64_t offset, std::string_view bytes) {
  write_batch batch;
  put_log_chunk(batch, of, offset, bytes);
  REQUIRE_FALSE(into.commit(batch, durability::synced));
}

/// Seals once; true if there was something to seal.
bool seal(store& into, storage::remainder rest) {
  auto batch = seal_log(into, attempt, rest);
  REQUIRE(batch.ok());
  REQUIRE_FALSE(into.commit(*batch, durability::synced));
  return !batch->empty();
}

size_t count(const store& from, keys::tag kind) {
  size_t found = 0;
  from.scan(family::log, std::string{static_cast<char>(kind)}, keys::end_of(kind),
            scan_order::ascending, [&](auto, auto) { return ++found > 0; });
  return found;
}

uint64_t size_of(const store& from) {
  auto size = log_size(from, attempt);
  REQUIRE(size.ok());
  return *size;
}

std::string read(const store& from, uint64_t offset, size_t max) {
  auto bytes = read_log(from, attempt, offset, max);
  REQUIRE(bytes.ok());
  return *bytes;
}

} // namespace

TEST_CASE("logs: chunks are read back from any offset, and nothing of other attempts") {
  memory_store store;
  append(store, {{12}, {0}, {2}}, 0, "another attempt");
  append(store, {{11}, {9}, {9}}, 0, "another build");
  CHECK(size_of(store) == 0);
  CHECK(read(store, 0, 10).empty());
  append(store, attempt, 0, "hello ");
  append(store, attempt, 6, "world");
  CHECK(size_of(store) == 11);
  CHECK(read(store, 0, 100) == "hello world");
  CHECK(read(store, 4, 4) == "o wo");
  CHECK(read(store, 11, 100).empty());
  CHECK(read(store, 500, 100).empty());
  CHECK(read(store, 0, 0).empty());
}

TEST_CASE("logs: a chunk larger than the limit becomes several") {
  memory_store store;
  auto bytes = sampler{31}.bytes(3 * limits::log_chunk_bytes + 5);
  append(store, attempt, 0, bytes);
  CHECK(count(store, keys::tag::log_chunk) == 4);
  CHECK(read(store, 0, bytes.size() + 1) == bytes);
}

TEST_CASE("logs: sealing waits for a full segment unless it is the end") {
  memory_store store;
  append(store, attempt, 0, "short");
  CHECK_FALSE(seal(store, storage::remainder::leave));
  CHECK(count(store, keys::tag::log_chunk) == 1);
  CHECK(seal(store, storage::remainder::seal));
  CHECK(count(store, keys::tag::log_chunk) == 0);
  CHECK(count(store, keys::tag::log_segment) == 1);
  CHECK_FALSE(seal(store, storage::remainder::seal));
  CHECK(read(store, 0, 10) == "short");
  CHECK(read(store, 2, 2) == "or");
  CHECK(size_of(store) == 5);
}

TEST_CASE("logs: a chunk that is put again changes nothing, before and after it is sealed") {
  memory_store store;
  append(store, attempt, 0, "hello ");
  append(store, attempt, 6, "world");
  append(store, attempt, 6, "world");
  CHECK(read(store, 0, 100) == "hello world");
  CHECK(seal(store, storage::remainder::seal));
  append(store, attempt, 0, "hello ");
  append(store, attempt, 6, "world");
  CHECK(size_of(store) == 11);
  CHECK(read(store, 0, 100) == "hello world");
  append(store, attempt, 8, "rld, and more");
  CHECK(read(store, 0, 100) == "hello world, and more");
  CHECK(seal(store, storage::remainder::seal));
  CHECK(count(store, keys::tag::log_chunk) == 0);
  CHECK(read(store, 0, 100) == "hello world, and more");
  CHECK(size_of(store) == 21);
}

TEST_CASE("logs: a gap is damage when it is sealed, and the text says where") {
  memory_store store;
  append(store, attempt, 0, "hello ");
  append(store, attempt, 7, "orld");
  auto sealed = seal_log(store, attempt, storage::remainder::seal);
  REQUIRE_FALSE(sealed.ok());
  CHECK(sealed.error().code == ec::damaged);
  CHECK(sealed.error().text.find("log of 12/0/1 at byte 6") == 0);
  CHECK(read(store, 0, 100) == "hello ");
}

TEST_CASE("logs: a flipped bit is damage, in a chunk and in a segment") {
  memory_store store;
  append(store, attempt, 0, "hello");
  auto position = keys::log_position{attempt, 0};
  SECTION("in a chunk") {
    REQUIRE(store.damage(family::log, keys::log_chunk(position), 9));
  }
  SECTION("in a segment") {
    REQUIRE(seal(store, storage::remainder::seal));
    REQUIRE(store.damage(family::log, keys::log_segment(position), 60));
  }
  auto bytes = read_log(store, attempt, 0, 10);
  REQUIRE_FALSE(bytes.ok());
  CHECK(bytes.error().code == ec::damaged);
}

TEST_CASE("logs: any mixture of chunks and segments reads as the bytes that were put") {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    sampler samples{seed};
    memory_store store;
    std::string whole;
    while (whole.size() < 2 * limits::log_segment_bytes) {
      auto chunk = samples.bytes(1 + samples.below(limits::log_chunk_bytes));
      append(store, attempt, whole.size(), chunk);
      whole += chunk;
      if (samples.below(50) == 0)
        seal(store, samples.below(4) == 0 ? storage::remainder::seal : storage::remainder::leave);
      if (samples.below(10) == 0) {
        auto offset = samples.below(whole.size() + 10);
        auto max = samples.below(300'000);
        auto expected = offset < whole.size() ? whole.substr(offset, max) : std::string{};
        CHECK((read(store, offset, max) == expected));
      }
    }
    CHECK(size_of(store) == whole.size());
    while (seal(store, storage::remainder::seal))
      continue;
    CHECK(count(store, keys::tag::log_chunk) == 0);
    CHECK((read(store, 0, whole.size() + 1) == whole));
    CHECK(size_of(store) == whole.size());
  }
}

TEST_CASE("segment: it knows its lines and where every thousandth starts") {
  std::string bytes;
  std::vector<uint32_t> starts;
  for (uint32_t line = 1; line <= 2500; ++line) {
    bytes += "line " + std::to_string(line) + "\n";
    if (line % limits::log_line_index_every == 0)
      starts.push_back(static_cast<uint32_t>(bytes.size()));
  }
  bytes += "an unfinished line";
  auto packed = pack_segment(bytes);
  REQUIRE(packed.ok());
  CHECK(packed->size() < bytes.size());
  auto segment = record::decode_log_segment(*packed);
  REQUIRE(segment.ok());
  CHECK(segment->lines == 2500);
  CHECK(segment->line_starts == starts);
  CHECK(*segment_size(*packed) == bytes.size());
}

TEST_CASE("segment: every window of it is read exactly, across its frames") {
  auto bytes = sampler{33}.bytes(2 * limits::log_frame_bytes + 100);
  auto packed = pack_segment(bytes);
  REQUIRE(packed.ok());
  sampler samples{34};
  for (int i = 0; i < 50; ++i) {
    auto offset = samples.below(bytes.size());
    auto max = samples.below(bytes.size());
    auto window = unpack_segment(*packed, offset, max);
    REQUIRE(window.ok());
    CHECK((*window == bytes.substr(offset, max)));
  }
  CHECK(unpack_segment(*packed, bytes.size(), 10)->empty());
  CHECK(unpack_segment(*packed, ~uint64_t{0}, 10)->empty());
}

TEST_CASE("segment: frames that do not hold what it says are damage") {
  auto segment = record::decode_log_segment(*pack_segment("some bytes of a log"));
  REQUIRE(segment.ok());
  segment->size -= 1;
  auto window = unpack_segment(record::encode(*segment), 0, 100);
  REQUIRE_FALSE(window.ok());
  CHECK(window.error().code == ec::damaged);
}
