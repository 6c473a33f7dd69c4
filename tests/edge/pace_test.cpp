// How much bulk is under way, over links of all kinds.
// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/bulk_pace.hpp"
#include "tests/catch.hpp"

#include <deque>

using namespace drover;
using namespace std::chrono_literals;

namespace {

using moment = bulk_pace::moment;

/// A link that carries so many bytes in a second, and an answer comes so much later.
struct link_model {
  double bytes_per_second;
  moment round_trip;
};

struct seen {
  moment longest_wait{0}; ///< of a beat that would have set out at that moment, after the start
  uint64_t bytes = 0;     ///< that got through
};

/// Floods the link for so long; what happens in the first `start` is not judged.
seen flood(bulk_pace& pace, const link_model& link, moment lasting, moment start = 0ns) {
  struct message {
    bulk_pace::departure left;
    moment answered;
    size_t bytes;
  };
  std::deque<message> open;
  size_t under_way = 0;
  moment now{0}, free_at{0}; // when all that was sent is through
  seen result;
  while (now < lasting) {
    while (under_way + pace.piece() <= pace.window()) {
      free_at = std::max(free_at, now)
                + moment{static_cast<int64_t>(1e9 * static_cast<double>(pace.piece())
                                              / link.bytes_per_second)};
      open.push_back({pace.sent(now), free_at + link.round_trip, pace.piece()});
      under_way += pace.piece();
    }
    if (now >= start)
      result.longest_wait = std::max(result.longest_wait, free_at - now);
    auto first = open.front();
    open.pop_front();
    now = first.answered;
    under_way -= first.bytes;
    result.bytes += first.bytes;
    pace.answered(first.left, first.bytes, now);
  }
  return result;
}

} // namespace

TEST_CASE("pace: over a slow link a beat never waits long, and the link is kept busy") {
  for (auto rate : {48.0 * 1024, 128.0 * 1024, 1024.0 * 1024}) {
    bulk_pace uut;
    auto found = flood(uut, {rate, 20ms}, 60s);
    INFO(rate << " B/s: " << found.longest_wait / 1ms << " ms");
    CHECK(found.longest_wait <= 2 * limits::bulk_delay_max);
    CHECK(static_cast<double>(found.bytes) > 0.75 * 60 * rate);
  }
}

TEST_CASE("pace: a fast link has its whole window at once") {
  bulk_pace uut;
  auto left = uut.sent(0ns);
  for (auto at : {moment{200us}, moment{300us}})
    uut.answered(left, uut.piece(), at);
  CHECK(uut.window() == limits::link_window_bytes);
}

TEST_CASE("pace: a machine that is slow to answer now and then keeps its window") {
  bulk_pace uut;
  moment now{0};
  for (auto took : {1ms, 300ms, 800ms, 2ms, 900ms, 700ms, 1ms, 400ms}) {
    auto left = uut.sent(now);
    now += took;
    uut.answered(left, 64 * 1024, now);
    CHECK(uut.window() == limits::link_window_bytes);
  }
}

TEST_CASE("pace: a long way is no queue") {
  bulk_pace uut;
  flood(uut, {100e6, 250ms}, 30s);
  CHECK(uut.window() == limits::link_window_bytes);
}

TEST_CASE("pace: a link that becomes slow is noticed, and one that becomes fast again, too") {
  bulk_pace uut;
  flood(uut, {100e6, 1ms}, 1s);
  REQUIRE(uut.window() == limits::link_window_bytes);
  auto slow = flood(uut, {64.0 * 1024, 1ms}, 120s, 20s);
  CHECK(slow.longest_wait <= 2 * limits::bulk_delay_max);
  flood(uut, {100e6, 1ms}, 1s);
  CHECK(uut.window() == limits::link_window_bytes);
}
