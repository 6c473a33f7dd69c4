// Beats beside bulk: counted in messages, since machines differ in speed.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_log.hpp"
#include "tests/edge/edge_fixture.hpp"

#include <atomic>

using namespace drover;
using namespace drover::test;

namespace {

constexpr uint64_t download = 100 * 1024 * 1024;
constexpr uint64_t pieces = download / limits::blob_piece_bytes;
/// Bulk messages that may pass between a beat and its answer: what is in flight both ways when it
/// sets out, many times over.
constexpr uint64_t passed_max = 256;

struct counts {
  std::atomic<uint64_t> pieces_come{0}, chunks_come{0}, beats_answered{0}, worst{0};
  std::atomic<bool> flooding{true};
  mailbag<bool> progress; ///< after each tenth of the download
};
using counts_ptr = std::shared_ptr<counts>;

/// The coordinator's side: answers beats, serves the download, swallows the log and confirms it.
host_listener::behavior_type serve(host_listener::pointer self, host_link_actor link,
                                   counts_ptr seen) {
  return {[self, link, seen](const host_message& message) {
    if (const auto* one = std::get_if<beat>(&message)) {
      self->send(link, farm_message{beat_answer{one->sequence}});
    } else if (const auto* want = std::get_if<blob_want>(&message)) {
      self->send(
        link,
        farm_message{blob_piece{
          want->sha256, want->offset, download, std::string(limits::blob_piece_bytes, 'b'), {}}});
    } else if (const auto* chunk = std::get_if<log_chunk>(&message)) {
      ++seen->chunks_come;
      self->send(link,
                 farm_message{log_durable{chunk->token, chunk->offset + chunk->bytes.size()}});
    }
  }};
}

struct busy_state {
  using pointer = farm_listener::stateful_pointer<busy_state>;
  explicit busy_state(pointer actor) : self{actor} {}

  void chunk() {
    self->send(link, host_message{some_chunk(logged, limits::log_chunk_bytes)});
    logged += limits::log_chunk_bytes;
  }
  void want() {
    if (wanted < pieces)
      self->send(link, host_message{blob_want{
                         {1}, std::string(64, 'a'), wanted++ * limits::blob_piece_bytes}});
  }
  void beat_once(const counts& seen) {
    passed_before = seen.pieces_come + seen.chunks_come;
    self->send(link, host_message{beat{++beats, 0, {}}});
  }

  pointer self;
  farm_link_actor link;
  uint64_t logged = 0, wanted = 0, beats = 0, passed_before = 0;
};

/// The host's side: a log with a full window, a download with its pieces in flight, and beats, each
/// sent when the one before it was answered.
farm_listener::behavior_type work(busy_state::pointer self, counts_ptr seen) {
  return {
    [self, seen](const connected& one) {
      self->state.link = one.link;
      for (size_t i = 0; i < limits::log_flow_bytes / limits::log_chunk_bytes; ++i)
        self->state.chunk();
      for (size_t i = 0; i < limits::blob_pieces_in_flight; ++i)
        self->state.want();
      self->state.beat_once(*seen);
    },
    [seen](const not_connected&) { seen->progress.push(false); },
    [self, seen](const farm_message& one) {
      auto& state = self->state;
      if (std::holds_alternative<log_durable>(one)) {
        if (seen->flooding)
          state.chunk();
      } else if (std::holds_alternative<blob_piece>(one)) {
        if (++seen->pieces_come == pieces)
          seen->flooding = false;
        if (seen->pieces_come % (pieces / 10) == 0)
          seen->progress.push(true);
        state.want();
      } else if (std::holds_alternative<beat_answer>(one)) {
        ++seen->beats_answered;
        auto passed = seen->pieces_come + seen->chunks_come - state.passed_before;
        seen->worst = std::max(seen->worst.load(), passed);
        if (seen->flooding)
          state.beat_once(*seen);
      }
    },
  };
}

} // namespace

TEST_CASE_METHOD(farm_fixture,
                 "bulk: beats are answered while a log floods and 100 MB are fetched") {
  auto seen = std::make_shared<counts>();
  farm_listener agent = system.spawn(work, seen);
  auto link = connect_farm(host_loop, {address(), keys_of("h1")}, greeting_of("h1"), agent);
  auto came = arrivals.pop();
  host_listener supervisor = system.spawn(serve, came.link, seen);
  caf::anon_send(came.link, supervisor);
  caf::anon_send(came.link, farm_message{some_welcome()});
  for (uint64_t tenth = 0; tenth < 10; ++tenth)
    REQUIRE(seen->progress.pop());
  INFO(seen->beats_answered << " beats answered beside " << seen->pieces_come << " pieces and "
                            << seen->chunks_come << " chunks; at most " << seen->worst
                            << " of them passed one beat");
  CHECK(seen->chunks_come > 16);
  CHECK(seen->beats_answered >= pieces / passed_max);
  CHECK(seen->worst <= passed_max);
}
