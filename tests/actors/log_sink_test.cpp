// SPDX-License-Identifier: Apache-2.0
#include "actors/log_sink.hpp"
#include "schema/limits_log.hpp"
#include "storage/unsealed.hpp"
#include "tests/actors/farm_fixture.hpp"

using namespace drover;
using namespace drover::test;
using namespace std::chrono_literals;

namespace {

using storage::family;
constexpr char keys_of_segments = 0x31; // storage/KEYS.md

using listener = caf::typed_actor<caf::reacts_to<log_durable>>;

struct log_sink_fixture : farm_fixture {
  notebook told;
  recorder_actor recorder = spawn_held_recorder();
  listener host = spawn_scribe<listener>(told);
  log_sink_actor uut = keep(system.spawn(log_sink, settings, recorder));
  grant_token token = token_of(7);

  void say(uint64_t offset, const std::string& bytes) {
    tell(uut, log_append{{token, offset, bytes}, host});
  }

  std::string log() const {
    auto bytes = storage::read_log(*store, token.attempt, 0, 1'000'000);
    REQUIRE(bytes);
    return *bytes;
  }

  std::vector<storage::unsealed_log> unsealed() const {
    auto found = storage::read_unsealed(*store);
    REQUIRE(found);
    return *found;
  }

  size_t segments() const {
    size_t count = 0;
    REQUIRE_FALSE(store->scan(family::log, std::string{char{keys_of_segments}},
                              std::string{char{keys_of_segments + 1}},
                              storage::scan_order::ascending, [&](auto, auto) {
                                ++count;
                                return true;
                              }));
    return count;
  }

  std::vector<uint64_t> confirmed() const {
    std::vector<uint64_t> offsets;
    for (const auto& one : told.all<log_durable>()) {
      CHECK(one.token == token);
      offsets.push_back(one.offset);
    }
    return offsets;
  }

  reply<uint64_t> wait(uint64_t above, milliseconds patience) {
    return ask<uint64_t>(uut, log_wait{token.attempt, above, patience});
  }
};

using offsets = std::vector<uint64_t>;

} // namespace

TEST_CASE_METHOD(log_sink_fixture, "log sink: a chunk is confirmed only once it is durable") {
  disk->open = false;
  say(0, "hello");
  say(5, " world");
  CHECK(confirmed().empty());
  release(recorder);
  CHECK(confirmed() == offsets{5, 11});
  store->crash();
  CHECK(log() == "hello world");
}

TEST_CASE_METHOD(log_sink_fixture,
                 "log sink: a gap is not stored and is answered with what is durable") {
  say(0, "hello");
  say(6, "world");
  CHECK(confirmed() == offsets{5, 5});
  CHECK(log() == "hello");
  say(5, " world");
  CHECK(log() == "hello world");
}

TEST_CASE_METHOD(log_sink_fixture, "log sink: a repeated chunk is confirmed and not stored again") {
  say(0, "hello");
  auto commits = store->commits();
  say(0, "hello");
  say(0, "hel");
  CHECK(confirmed() == offsets{5, 5, 5});
  CHECK(store->commits() == commits);
}

TEST_CASE_METHOD(log_sink_fixture,
                 "log sink: a chunk that is under way to the disk is not confirmed by its repeat") {
  disk->open = false;
  say(0, "hello");
  say(0, "hello");
  CHECK(confirmed() == offsets{0});
  CHECK(disk->queue.size() == 1);
  release(recorder);
  CHECK(confirmed() == offsets{0, 5});
}

TEST_CASE_METHOD(log_sink_fixture, "log sink: an overlapping chunk stores only its new part") {
  say(0, "hello");
  say(3, "lo world");
  CHECK(confirmed() == offsets{5, 11});
  CHECK(log() == "hello world");
}

TEST_CASE_METHOD(log_sink_fixture,
                 "log sink: whole pieces in a row get one commit and one answer") {
  auto commits = store->commits();
  std::string piece(limits::log_piece_bytes, 'x');
  uint64_t size = 0;
  for (; size + piece.size() < limits::log_gather_bytes; size += piece.size())
    say(size, piece);
  CHECK(confirmed().empty());
  CHECK(store->commits() == commits);
  say(size, piece);
  size += piece.size();
  CHECK(confirmed() == offsets{size});
  CHECK(store->commits() == commits + 1);
  say(size, piece);
  say(size + piece.size(), "the end of what there is");
  size += piece.size() + 24;
  CHECK(confirmed().back() == size);
  CHECK(store->commits() == commits + 2);
  store->crash();
  CHECK(*storage::log_size(*store, token.attempt) == size);
}

TEST_CASE_METHOD(log_sink_fixture, "log sink: a whole piece that nothing follows waits a moment") {
  std::string piece(limits::log_piece_bytes, 'x');
  say(0, piece);
  advance(limits::log_gather_within / 2);
  CHECK(confirmed().empty());
  advance(limits::log_gather_within / 2);
  CHECK(confirmed() == offsets{piece.size()});
  say(piece.size(), piece);
  tell(uut, atom::seal::value, token.attempt); // nor does it wait for what can't come any more
  CHECK(confirmed() == offsets{piece.size(), 2 * piece.size()});
}

TEST_CASE_METHOD(log_sink_fixture, "log sink: an empty chunk asks") {
  say(0, "");
  say(0, "hello");
  say(0, "");
  say(99, "");
  CHECK(confirmed() == offsets{0, 5, 5, 5});
  CHECK(log() == "hello");
}

TEST_CASE_METHOD(log_sink_fixture, "log sink: after a restart the offset comes from the store") {
  say(0, "hello");
  crash(uut);
  uut = keep(system.spawn(log_sink, settings, recorder));
  say(0, "");
  CHECK(confirmed() == offsets{5, 5});
  CHECK(wait(0, 0ms).get()[0] == 5);
  say(3, "lo world");
  CHECK(log() == "hello world");
}

TEST_CASE_METHOD(log_sink_fixture, "log sink: a waiter is answered when news comes") {
  say(0, "hello");
  CHECK(*wait(4, 10s).get() == 5);
  auto waits = wait(5, 10s);
  auto wants_more = wait(8, 10s);
  advance(1s);
  CHECK_FALSE(waits.ready());
  disk->open = false;
  say(5, " wo");
  CHECK_FALSE(waits.ready()); // not durable yet
  release(recorder);
  CHECK(*waits.get() == 8);
  CHECK_FALSE(wants_more.ready());
}

TEST_CASE_METHOD(log_sink_fixture,
                 "log sink: a waiter is answered with the present size when its patience ends") {
  say(0, "hello");
  auto waits = wait(5, 2s);
  advance(2s - limits::wait_granularity);
  CHECK_FALSE(waits.ready());
  advance(2 * limits::wait_granularity);
  CHECK(*waits.get() == 5);
}

TEST_CASE_METHOD(log_sink_fixture,
                 "log sink: who waits when the attempt ends is answered at once") {
  say(0, "hello");
  auto waits = wait(5, 10s);
  tell(uut, atom::seal::value, token.attempt);
  CHECK(*waits.get() == 5);
}

TEST_CASE_METHOD(log_sink_fixture,
                 "log sink: a sealed log reads as before, and stays at its size") {
  std::string all;
  for (int i = 0; i < 100; ++i) {
    auto line = "line " + std::to_string(i) + "\n";
    say(all.size(), line);
    all += line;
  }
  tell(uut, atom::seal::value, token.attempt);
  CHECK(log() == all);
  CHECK(unsealed().size() == 1);
  advance(2 * limits::seal_look);
  store->crash();
  CHECK(unsealed().empty());
  CHECK(log() == all);
  say(0, ""); // a late question
  CHECK(confirmed().back() == all.size());
}

TEST_CASE_METHOD(log_sink_fixture, "log sink: nothing is sealed while much comes in") {
  std::string piece(limits::seal_quiet_bytes, 'x');
  uint64_t size = 0;
  for (; size < 2 * limits::log_segment_bytes; size += piece.size()) {
    say(size, piece);
    advance(limits::seal_look);
    CHECK(unsealed().size() == 1);
  }
  CHECK(segments() == 0);
  advance(3 * limits::seal_look);
  CHECK(segments() == 2);
  CHECK(unsealed().empty());
  say(size, "more");
  CHECK(confirmed().back() == size + 4);
}

TEST_CASE_METHOD(log_sink_fixture, "log sink: logs that ended together are sealed in one commit") {
  advance(limits::seal_look);
  for (uint32_t number = 1; number <= 10; ++number) {
    token = token_of(7, 0, number);
    say(0, "hello");
    tell(uut, atom::seal::value, token.attempt);
  }
  auto commits = store->commits();
  advance(2 * limits::seal_look);
  CHECK(unsealed().empty());
  CHECK(segments() == 10);
  CHECK(store->commits() == commits + 1);
}

TEST_CASE_METHOD(log_sink_fixture, "log sink: what an earlier run left is sealed after a start") {
  say(0, "hello"); // of a build without records: nothing more is to come
  crash(uut);
  uut = keep(system.spawn(log_sink, settings, recorder));
  advance(3 * limits::seal_look);
  CHECK(unsealed().empty());
  CHECK(log() == "hello");
}

TEST_CASE_METHOD(log_sink_fixture, "log sink: logs of two attempts do not mix") {
  say(0, "first");
  auto first = std::exchange(token, token_of(7, 0, 2));
  told.clear();
  say(0, "second run");
  CHECK(confirmed() == offsets{10});
  CHECK(log() == "second run");
  token = first;
  CHECK(log() == "first");
}

TEST_CASE_METHOD(log_sink_fixture, "log sink: the census sees what it waits for") {
  disk->open = false;
  say(0, "hello");
  auto entry = ask<actor_entry>(uut, atom::describe::value);
  CHECK(entry.get()->state == "waits for the recorder to confirm 5 bytes");
  release(recorder);
  CHECK(ask<actor_entry>(uut, atom::describe::value).get()->state == "idle");
}
