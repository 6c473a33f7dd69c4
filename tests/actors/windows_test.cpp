// SPDX-License-Identifier: Apache-2.0
#include "actors/core/backoff.hpp"
#include "actors/core/log_window.hpp"
#include "actors/core/piece_window.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <deque>
#include <random>

using namespace drover;
using namespace std::chrono_literals;

namespace {

/// A number below `bound`.
uint64_t below(std::mt19937_64& random, uint64_t bound) {
  return random() % bound;
}

/// A peer that stores what follows what it has, over a link that loses, delays and breaks.
struct lossy_store {
  std::mt19937_64& random;
  std::string stored;
  std::deque<uint64_t> answers; ///< on their way

  void take(uint64_t offset, const std::string& bytes) {
    if (below(random, 4) == 0)
      return; // lost
    if (offset <= stored.size() && offset + bytes.size() > stored.size())
      stored.resize(offset), stored += bytes;
    if (below(random, 4) != 0)
      answers.push_back(stored.size());
  }
};

/// Sends `log` until all is confirmed; false if that takes too many steps.
bool send_all(std::mt19937_64& random, const std::string& log, lossy_store& peer) {
  constexpr size_t chunk = 7;
  constexpr size_t window_bytes = 40;
  core::log_window window{chunk, window_bytes};
  int64_t now = 0;
  uint64_t size = 0;
  for (int step = 0; step < 100'000; ++step, now += static_cast<int64_t>(below(random, 400))) {
    size = std::min<uint64_t>(log.size(), size + below(random, 5));
    if (below(random, 50) == 0) {
      window.disconnected();
      peer.answers.clear();
      REQUIRE_FALSE(window.next(size));
      window.connected();
      REQUIRE(window.next(size) == core::log_span{window.confirmed(), 0});
    }
    window.overdue(now);
    while (auto span = window.next(size)) {
      REQUIRE(span->bytes <= chunk);
      REQUIRE(span->offset + span->bytes <= size);
      REQUIRE(span->offset + span->bytes <= window.confirmed() + window_bytes);
      window.sent(span->bytes, now);
      peer.take(span->offset, log.substr(span->offset, span->bytes));
    }
    if (!peer.answers.empty() && below(random, 2) == 0) {
      window.durable(peer.answers.front(), now);
      peer.answers.pop_front();
    }
    REQUIRE(window.confirmed() <= peer.stored.size());
    if (window.complete(log.size()))
      return true;
  }
  return false;
}

} // namespace

TEST_CASE("log window: whatever the link loses, all bytes arrive in order and in bounds") {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random{seed};
    std::string log;
    for (auto bytes = below(random, 400); log.size() < bytes;)
      log += static_cast<char>('a' + below(random, 26));
    lossy_store peer{random, {}, {}};
    REQUIRE(send_all(random, log, peer));
    REQUIRE(peer.stored == log);
  }
}

TEST_CASE("log window: on a good link no byte is sent twice") {
  core::log_window window{10, 30};
  window.connected();
  uint64_t bytes_sent = 0;
  for (int64_t now = 0; !window.complete(1000); now += 10) {
    REQUIRE(now < 100'000);
    REQUIRE_FALSE(window.overdue(now));
    uint64_t end = 0;
    while (auto span = window.next(1000)) {
      bytes_sent += span->bytes;
      end = span->offset + span->bytes;
      window.sent(span->bytes, now);
    }
    window.durable(end, now + 5);
  }
  CHECK(bytes_sent == 1000);
}

TEST_CASE("log window: a piece goes when there is room for all of it") {
  core::log_window window{10, 25};
  window.connected();
  window.sent(0, 0);
  window.durable(0, 1);
  window.sent(10, 2);
  window.sent(10, 2);
  CHECK_FALSE(window.next(1000));                  // room for 5
  CHECK(window.next(24) == core::log_span{20, 4}); // that is all there is
  window.durable(5, 3);
  CHECK(window.next(1000) == core::log_span{20, 10});
}

TEST_CASE("log window: a window that is smaller than a piece lets parts through") {
  core::log_window window{10, 4};
  window.connected();
  window.sent(0, 0);
  window.durable(0, 1);
  CHECK(window.next(1000) == core::log_span{0, 4});
  window.sent(4, 2);
  CHECK_FALSE(window.next(1000));
}

TEST_CASE("log window: the peer's answer to the question counts even if it is less") {
  core::log_window window{10, 30};
  window.connected();
  window.sent(0, 0);
  window.durable(20, 1);
  CHECK(window.complete(20));
  window.durable(5, 2); // late
  CHECK(window.confirmed() == 20);
  window.disconnected();
  window.connected();
  window.sent(0, 3);
  window.durable(5, 4); // lost what it had
  CHECK(window.next(20) == core::log_span{5, 10});
}

TEST_CASE("piece window: pieces that are lost, doubled and shuffled make the whole") {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random{seed};
    uint64_t size = below(random, 12 * limits::blob_piece_bytes);
    uint64_t have = size == 0 ? 0 : below(random, size + 1);
    core::piece_window window{size, have};
    uint64_t written = have;
    std::vector<uint64_t> asked;
    for (int64_t now = 0; !window.complete(); now += 500) {
      REQUIRE(now < 10'000'000);
      if (below(random, 20) == 0) {
        window.forget_asked();
        asked.clear();
      }
      for (auto offset : window.wants(now))
        asked.push_back(offset);
      REQUIRE(asked.size() <= 20 * limits::blob_pieces_in_flight);
      std::shuffle(asked.begin(), asked.end(), random);
      while (!asked.empty() && below(random, 4) != 0) {
        auto offset = asked.back();
        if (below(random, 4) != 0) // else it comes twice
          asked.pop_back();
        if (below(random, 5) == 0)
          continue; // lost
        auto bytes = std::min<uint64_t>(limits::blob_piece_bytes, size - offset);
        window.arrived(offset, std::string(bytes, 'x'));
      }
      while (auto bytes = window.take())
        written += bytes->size();
      REQUIRE(written == window.written());
    }
    REQUIRE(written == size);
  }
}

TEST_CASE("piece window: what was not asked for, or is too long, is not taken") {
  core::piece_window window{10, 4};
  REQUIRE(window.wants(0) == std::vector<uint64_t>{4});
  CHECK_FALSE(window.arrived(0, "abcd"));
  CHECK_FALSE(window.arrived(5, "abc"));
  CHECK_FALSE(window.arrived(4, "1234567"));
  CHECK_FALSE(window.arrived(4, ""));
  CHECK_FALSE(window.take());
  CHECK(window.arrived(4, "123456"));
  CHECK(window.take() == "123456");
  CHECK(window.complete());
}

TEST_CASE("backoff: it doubles up to the maximum and is jittered within its second half") {
  std::mt19937_64 random{1};
  for (uint32_t failures = 1; failures < 100; ++failures) {
    auto full = failures > 6 ? 5000ms : std::min(5000ms, 100ms * (1 << (failures - 1)));
    for (int i = 0; i < 50; ++i) {
      auto wait = core::backoff(failures, 100ms, 5000ms, random());
      REQUIRE(wait >= full / 2);
      REQUIRE(wait <= full);
    }
  }
  CHECK(core::backoff(3, 100ms, 5000ms, 0) != core::backoff(3, 100ms, 5000ms, 77));
}
