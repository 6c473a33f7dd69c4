// SPDX-License-Identifier: Apache-2.0
#include "nodes/source_fetcher.hpp"

#include "actors/core/source_pace.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace drover {

namespace {

struct fetcher_state {
  using pointer = source_fetcher_actor::stateful_pointer<fetcher_state>;
  static inline const char* name = "source_fetcher";
  explicit fetcher_state(pointer actor) : self{actor}, born{actor->clock().now()} {}

  expected<source_ref> store(expected<found_change> found);
  expected<stored_blob> upload(const std::string& file);
  void note(const std::string& text) { self->send(parts.census, actor_note{name, text}); }

  actor_entry describe() const {
    actor_entry out;
    out.name = out.kind = name;
    out.state = "idle";
    out.uptime_ms = (self->clock().now() - born) / milliseconds{1};
    out.activity = last.empty() ? "nothing was asked of it yet" : "fetched last: " + last;
    return out;
  }

  pointer self;
  caf::actor_clock::time_point born;
  fetcher_parts parts;
  std::string last;
  uint64_t upload_number = core::first_upload("fetcher of what people want");
};

/// Asks and waits: the thread is the fetcher's own.
template <class Answer, class Message>
expected<Answer> ask(caf::scoped_actor& from, const artifact_store_actor& to, Message message) {
  expected<Answer> answer = failure{ec::unavailable, "the farm is stopping; try again"};
  from->request(to, limits::request_timeout, std::move(message))
    .receive([&](expected<Answer>& given) { answer = std::move(given); }, [](const caf::error&) {});
  return answer;
}

expected<stored_blob> fetcher_state::upload(const std::string& file) {
  caf::scoped_actor asker{self->home_system()};
  auto number = ++upload_number;
  uint64_t offset = 0;
  auto give_up = [&](failure why) -> failure {
    caf::anon_send(parts.artifacts, upload_abort{number});
    return why;
  };
  while (true) {
    auto piece = parts.files->read(file, offset, limits::blob_piece_bytes);
    if (!piece)
      return give_up(piece.error());
    if (piece->empty())
      break;
    auto size = piece->size();
    auto taken =
      ask<uint64_t>(asker, parts.artifacts, upload_piece{number, offset, *std::move(piece)});
    if (!taken)
      return give_up(taken.error());
    offset += size;
  }
  if (offset == 0)
    return give_up({ec::bad_input, "it is empty"});
  return ask<stored_blob>(asker, parts.artifacts, upload_end{number});
}

expected<source_ref> fetcher_state::store(expected<found_change> found) {
  if (!found)
    return found.error();
  auto stored = upload(found->file);
  parts.files->discard(found->file);
  note("waits for wishes");
  if (!stored)
    return stored.error();
  auto ref = found->change.ref;
  ref.sha256 = stored->sha256;
  ref.size = stored->size;
  last = printable(ref.revision.empty() ? ref.id : ref.revision, limits::name_bytes_max);
  return ref;
}

source_fetcher_actor::behavior_type run_fetcher(fetcher_state::pointer self,
                                                const fetcher_parts& parts) {
  self->state.parts = parts;
  return {
    [self](const fetch_revision& wish) {
      self->state.note("takes a revision of " + wish.source.name);
      return self->state.store(self->state.parts.take(wish.source, wish.name));
    },
    [self](const fetch_address& wish) {
      self->state.note("downloads " + printable(wish.url, limits::name_bytes_max));
      return self->state.store(self->state.parts.download(wish.url, wish.name));
    },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace

source_fetcher_actor spawn_source_fetcher(caf::actor_system& system, fetcher_parts parts) {
  auto census = parts.census;
  auto fetcher = system.spawn<caf::detached>(run_fetcher, std::move(parts));
  caf::anon_send(census, enlistment{"source_fetcher", "source_fetcher", "coordinator", fetcher});
  return fetcher;
}

void stop_source_fetcher(const source_fetcher_actor& fetcher) {
  caf::anon_send_exit(fetcher, caf::exit_reason::user_shutdown);
}

} // namespace drover
