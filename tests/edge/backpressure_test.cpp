// A slow store slows logs and nothing else, and what waits for it is bounded on both sides.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/log_window.hpp"
#include "schema/limits_log.hpp"
#include "storage/tables.hpp"
#include "tests/edge/real_farm.hpp"

using namespace drover;
using namespace drover::test;

namespace {

/// Pushes a log through a link as a step does: by core::log_window, from what it is told.
struct writer {
  writer(farm_link_actor to, grant_token whose, uint64_t size)
      : link{std::move(to)}, token{whose}, total{size} {
    window.connected();
    push();
  }

  void push() {
    while (auto span = window.next(total)) {
      caf::anon_send(link,
                     host_message{log_chunk{token, span->offset, std::string(span->bytes, 'x')}});
      window.sent(span->bytes, 0);
      sent = std::max(sent, span->offset + span->bytes);
      most_unconfirmed = std::max(most_unconfirmed, sent - window.confirmed());
    }
  }

  /// Until all of it is stored, or `rounds` confirmations have come.
  void write(light_host& host, uint64_t rounds) {
    for (; rounds > 0 && !window.complete(total); --rounds) {
      auto news = host.news->others.pop();
      if (const auto* durable = std::get_if<log_durable>(&news))
        window.durable(durable->offset, 0);
      push();
    }
  }

  farm_link_actor link;
  grant_token token;
  uint64_t total;
  core::log_window window{limits::log_piece_bytes, limits::log_flow_bytes};
  uint64_t sent = 0;
  uint64_t most_unconfirmed = 0;
};

} // namespace

TEST_CASE_METHOD(real_farm, "back-pressure: a slow store slows the log, not the beats") {
  light_host host, other;
  join(host, "h1");
  join(other, "h2");
  auto work = build_on(host, "h1");
  auto resident = resident_kib();
  constexpr uint64_t size = 16 * limits::log_flow_bytes;
  store->delay = 200ms;
  writer uut{host.links.pop(), work.token, size};
  auto beats = host.news->beats.now();
  uut.write(host, 12);                    // each confirms some pieces
  CHECK_FALSE(uut.window.complete(size)); // it waits for the disk
  CHECK(host.beats_on(3));
  CHECK(other.beats_on(3));

  store->delay = 1000ms;
  uut.write(host, 6);
  CHECK(host.beats_on(3));
  CHECK(host.news->beats.now() > beats);

  store->delay = 0ms;
  uut.write(host, 10'000);
  CHECK(uut.window.complete(size));
  CHECK(uut.most_unconfirmed <= limits::log_flow_bytes);
  CHECK(host.beats_on(1));
  INFO("grown by " << resident_kib() - resident << " KiB, the log itself has " << size / 1024);
  CHECK(resident_kib() - resident < 64 * 1024);
  auto stored = storage::log_size(*store, work.token.attempt);
  REQUIRE(stored.ok());
  CHECK(*stored == size);
}

TEST_CASE_METHOD(real_farm,
                 "back-pressure: a host that ignores its window does not fill the store's queue") {
  light_host host;
  join(host, "h1");
  auto work = build_on(host, "h1");
  auto link = host.links.pop();
  store->delay = 500ms;
  // Four times what may wait, without a look at what is confirmed.
  constexpr uint64_t chunks = 4 * limits::log_unstored_max / limits::log_chunk_bytes;
  for (uint64_t i = 0; i < chunks; ++i)
    caf::anon_send(link, host_message{log_chunk{work.token, i * limits::log_chunk_bytes,
                                                std::string(limits::log_chunk_bytes, 'x')}});
  // Each chunk is answered: those that were dropped at once, with where to go on.
  uint64_t least = chunks * limits::log_chunk_bytes, most = 0;
  for (uint64_t answers = 0; answers < chunks; ++answers) {
    auto offset = std::get<log_durable>(host.news->others.pop()).offset;
    least = std::min(least, offset);
    most = std::max(most, offset);
  }
  store->delay = 0ms;
  CHECK(least == 0);
  CHECK(most <= chunks * limits::log_chunk_bytes / 2);
  CHECK(host.beats_on(2));
}
