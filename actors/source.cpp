// SPDX-License-Identifier: Apache-2.0
#include "actors/source.hpp"

#include "actors/core/look_problem.hpp"
#include "actors/core/source_pace.hpp"
#include "schema/limits.hpp"
#include "schema/limits_sources.hpp"
#include "schema/names.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

namespace drover {

void source_state::tick() {
  if (timer.due(self))
    look();
}

caf::result<expected<accepted>> source_state::look_now_for(const std::string& by) {
  spdlog::info("source look asked source={} by={}", spec.name, by);
  auto promise = self->make_response_promise<expected<accepted>>();
  askers.push_back(promise);
  if (looking)
    again = true;
  else
    look();
  return promise;
}

void source_state::look() {
  looking = true;
  timer.disarm(); // one that was armed before somebody asked must not begin a second look in this
  again = false;
  taken = 0;
  self->send(farm.census, actor_note{"source/" + spec.name, "looks at " + spec.location});
  status.last_look = farm.clock();
  auto is_known = [this](const std::string& identity) {
    auto known = storage::find_change(*farm.store, spec.name, identity);
    return known && *known;
  };
  auto seen = farm.outside->look(spec, status.cursor, is_known);
  if (!seen)
    return finish(seen.error().text);
  next_cursor = std::move(seen->cursor);
  problem = core::take_look_problem(next_cursor);
  found.assign(std::make_move_iterator(seen->found.begin()),
               std::make_move_iterator(seen->found.end()));
  take_next();
}

void source_state::take_next() {
  if (found.empty())
    return finish({});
  ++upload_number;
  upload(0);
}

/// Piece by piece, each behind the one before it: a slow store slows the source, nothing else.
void source_state::upload(uint64_t offset) {
  auto give_up = [this](const std::string& why) {
    self->send(farm.artifacts, upload_abort{upload_number});
    auto what = found.front().change.identity;
    for (const auto& left : found)
      drop_file(left);
    found.clear();
    finish("'" + printable(what, limits::name_bytes_max) + "' can't be stored: " + why);
  };
  auto lost = [give_up](const caf::error&) { give_up("the store does not answer"); };
  auto piece = farm.outside->read(found.front().file, offset, limits::blob_piece_bytes);
  if (!piece)
    return give_up(piece.error().text);
  if (piece->empty() && offset > 0) {
    self->request(farm.artifacts, limits::request_timeout, upload_end{upload_number})
      .then(
        [this, give_up](const expected<stored_blob>& blob) {
          if (blob)
            hand_over(*blob);
          else
            give_up(blob.error().text);
        },
        lost);
    return;
  }
  auto next = offset + piece->size();
  if (piece->empty())
    return give_up("it is empty");
  self
    ->request(farm.artifacts, limits::request_timeout,
              upload_piece{upload_number, offset, *std::move(piece)})
    .then(
      [this, give_up, next](const expected<uint64_t>& size) {
        if (size)
          upload(next);
        else
          give_up(size.error().text);
      },
      lost);
}

void source_state::hand_over(const stored_blob& blob) {
  auto done = std::move(found.front());
  found.pop_front();
  drop_file(done);
  done.change.source = spec.name;
  done.change.ref.sha256 = blob.sha256;
  done.change.ref.size = blob.size;
  done.change.seen_at = farm.clock();
  self
    ->request(farm.coordinator, caf::infinite, change_found{done.change}) // same process
    .then([this](const expected<submitted>& answer) {
      if (!answer)
        spdlog::warn("source={} change not built: {}", spec.name, answer.error().text);
      ++taken;
      take_next();
    });
}

void source_state::drop_file(const found_change& done) {
  if (done.is_temporary)
    farm.outside->discard(done.file);
}

/// `error`: why the look failed, empty if it went well, but perhaps for a `problem` with some of
/// it.
void source_state::finish(const std::string& error) {
  bool failed_before = !status.last_error.empty();
  status.last_error =
    printable(error.empty() ? std::exchange(problem, {}) : error, limits::reason_bytes_max);
  auto wait = core::next_look(spec.every, error.empty() ? 0 : ++failures);
  if (error.empty()) {
    failures = 0;
    status.last_success = farm.clock();
    status.cursor = std::exchange(next_cursor, {});
  }
  status.next_look = {farm.clock().ms + wait.count()};
  storage::write_batch batch;
  storage::put_source_status(batch, status);
  bool is_well = status.last_error.empty();
  if (failed_before == is_well) {
    event_record event;
    event.kind = is_well ? event_kind::source_back : event_kind::source_failed;
    event.at = farm.clock();
    event.text =
      "source " + spec.name + (is_well ? " can be looked at again" : ": " + status.last_error);
    batch.events.push_back(std::move(event));
    if (!is_well)
      spdlog::warn("source={} problem=\"{}\"", spec.name, status.last_error);
  }
  self->request(farm.recorder, caf::infinite, std::move(batch)).then([](recorded) {});
  looking = false;
  answer(error);
  timer.arm(self, again ? milliseconds{0} : wait);
}

/// Tells those who asked for the look how it went.
void source_state::answer(const std::string& error) {
  auto text =
    "source " + spec.name + ": " + (taken == 0 ? "nothing new" : std::to_string(taken) + " new");
  if (!status.last_error.empty())
    text += "; " + status.last_error;
  for (auto& promise : std::exchange(askers, {}))
    promise.deliver(error.empty()
                      ? expected<accepted>{{text}}
                      : expected<accepted>{failure{ec::unavailable, status.last_error}});
}

actor_entry source_state::describe() const {
  auto state = looking ? "looks at " + spec.location
               : status.last_error.empty()
                 ? "waits until " + to_string(status.next_look)
                 : "tries again at " + to_string(status.next_look) + ": " + status.last_error;
  return describe_as(name, "source/" + spec.name, state,
                     "last look " + to_string(status.last_look));
}

source_actor::behavior_type source(source_state::pointer self, const source_context& farm,
                                   const source_spec& spec, const source_status& status) {
  auto& state = self->state;
  state.farm = farm;
  state.spec = spec;
  state.status = status;
  state.upload_number = core::first_upload(spec.name);
  state.timer.arm(self, limits::source_first_look);
  return {
    [self](const look_now& request) { return self->state.look_now_for(request.by); },
    [self](atom::tick) { self->state.tick(); },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
