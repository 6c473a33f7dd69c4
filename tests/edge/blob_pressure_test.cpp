// A slow store slows artifacts and sources and nothing else, and what waits for it is bounded.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/log_window.hpp"
#include "storage/tables.hpp"
#include "tests/edge/real_farm.hpp"

using namespace drover;
using namespace drover::test;

namespace {

constexpr uint64_t piece = limits::blob_piece_bytes;

/// A host whose build is being closed: it may hand artifacts over.
struct closing_farm : real_farm {
  closing_farm() {
    join(other, "h2");
    host.news->closes_at_once = false;
    join(host, "h1");
    work = build_on(host, "h1");
    link = host.links.pop();
    attempt_ended end;
    end.token = work.token;
    end.outcome = result::success;
    caf::anon_send(link, host_message{end});
    while (!std::holds_alternative<close_build>(host.news->others.pop())) {
    }
  }

  blob_part part(const std::string& sha256, uint64_t offset, uint64_t total) const {
    return {work.token.attempt.build, sha256, offset, total, std::string(piece, 'x')};
  }

  light_host host, other;
  assignment work;
  farm_link_actor link;
};

/// SHA-256 of `pieces` pieces of 'x', as the store names it.
std::string digest_of(uint64_t pieces) {
  storage::memory_store scratch;
  storage::blob_writer writer{scratch};
  for (uint64_t i = 0; i < pieces; ++i)
    REQUIRE_FALSE(writer.append(std::string(piece, 'x')));
  auto name = writer.finish();
  REQUIRE(name.ok());
  return *name;
}

} // namespace

TEST_CASE_METHOD(closing_farm, "back-pressure: a slow store slows an artifact, not the beats") {
  constexpr uint64_t pieces = 48;
  auto sha256 = digest_of(pieces);
  core::log_window window{piece, limits::blob_pieces_in_flight * piece};
  window.connected();
  auto resident = resident_kib();
  uint64_t most_open = 0, sent = 0;
  auto push = [&] {
    while (auto span = window.next(pieces * piece)) {
      auto one = part(sha256, span->offset, pieces * piece);
      one.bytes.resize(span->bytes);
      caf::anon_send(link, host_message{one});
      window.sent(span->bytes, 0);
      sent = std::max(sent, span->offset + span->bytes);
      most_open = std::max(most_open, sent - window.confirmed());
    }
  };
  store->delay = 200ms;
  push();
  bool durable = false;
  for (uint64_t answers = 0; !durable; ++answers) {
    auto news = host.news->others.pop();
    const auto* stored = std::get_if<blob_stored>(&news);
    if (!stored)
      continue;
    REQUIRE(stored->problem.empty());
    if (answers == 4) {
      CHECK(host.beats_on(3));
      CHECK(other.beats_on(3));
      store->delay = 0ms;
    }
    durable = stored->durable;
    window.durable(stored->offset, 0);
    push();
  }
  CHECK(most_open <= limits::blob_pieces_in_flight * piece);
  INFO("grown by " << resident_kib() - resident << " KiB");
  CHECK(resident_kib() - resident < 64 * 1024); // the store itself holds 12 MiB of them
  auto size = storage::blob_size(*store, sha256);
  REQUIRE(size.ok());
  CHECK(*size == pieces * piece);
}

TEST_CASE_METHOD(real_farm,
                 "back-pressure: a slow reader of a source keeps nothing but its window") {
  constexpr uint64_t pieces = 200; // of 50 MiB
  auto sha256 = [&] {
    storage::blob_writer writer{*store};
    for (uint64_t i = 0; i < pieces; ++i)
      REQUIRE_FALSE(writer.append(std::string(piece, 'x')));
    auto name = writer.finish();
    REQUIRE(name.ok());
    return *name;
  }();
  light_host host, other;
  join(other, "h2");
  join(host, "h1");
  auto work = build_on(host, "h1", {source_kind::tarball, "s.tar", sha256, "", pieces * piece});
  auto link = host.links.pop();
  auto resident = resident_kib();
  // All of it at once, four times over: a correct host asks for eight pieces and waits.
  for (uint64_t i = 0; i < 4 * pieces; ++i)
    caf::anon_send(link,
                   host_message{blob_want{work.token.attempt.build, sha256, i % pieces * piece}});
  CHECK(host.beats_on(3));
  CHECK(other.beats_on(3));
  uint64_t came = 0;
  while (came < limits::blob_pieces_in_flight) {
    auto news = host.news->others.pop();
    if (const auto* one = std::get_if<blob_piece>(&news)) {
      CHECK(one->problem.empty());
      CHECK(one->bytes.size() == piece);
      ++came;
    }
  }
  CHECK(host.beats_on(2));
  INFO("grown by " << resident_kib() - resident << " KiB, asked for " << pieces * piece / 256);
  CHECK(resident_kib() - resident < 96 * 1024);
}
