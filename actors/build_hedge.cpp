// A build's second attempt beside that of a silent host (core/hedge.hpp).
// SPDX-License-Identifier: Apache-2.0
#include "actors/build.hpp"
#include "actors/core/events.hpp"
#include "actors/core/hedge.hpp"

#include <spdlog/spdlog.h>

namespace drover {

void build_actor_state::hedge(const hedge_order& request) {
  auto why_not = hedge_host ? "it has one" : core::why_no_hedge(file);
  if (!why_not.empty() || request.where.host == file.build.host || ended_all) {
    self->send(farm.coordinator,
               hedge_over{file.build.id, request.where.host, false, core::last_placement(file)});
    return;
  }
  step_index step;
  core::live_attempt(file, &step);
  auto event = core::about_build(event_kind::attempt_hedged, file.build, farm.clock());
  event.host = request.where.host;
  event.step = file.steps[step.value].name;
  event.text = request.why;
  told.push_back(std::move(event));
  hedge_host = request.where.supervisor;
  auto token = core::apply_hedged(file, request.where.host, farm.now, farm.clock());
  spdlog::info("build hedged build={} host={} reason=\"{}\"", file.build.id.value,
               request.where.host.value, request.why);
  commit({[this, token, at = hedge_host] { order_at(at, token); }});
}

/// A repeated step of the second seat is over: the next one is granted there.
void build_actor_state::advance_hedge(std::vector<effect>& effects) {
  if (!hedge_host || ended_all)
    return;
  auto next = core::next_of_hedge(file);
  if (!next)
    return;
  auto token = core::apply_hedge_grant(file, *next, farm.now, farm.clock());
  effects.push_back([this, token, at = hedge_host] { order_at(at, token); });
}

/// The race may be over by what was just applied: the loser's attempts are ended and its workspace
/// is released; the build goes on where the winner is.
void build_actor_state::settle_hedge(std::vector<effect>& effects) {
  auto before = core::open_hedge(stored);
  if (!hedge_host || !before || core::open_hedge(file))
    return;
  bool moved = file.build.placement == before->placement;
  auto loser = moved ? supervisor : hedge_host;
  auto left = moved ? stored.build.placement : before->placement;
  if (moved) {
    supervisor = hedge_host;
    closing = false;
  }
  hedge_host = nullptr;
  auto ended = core::given_up(stored, file);
  close_build release{file.build.id, left, false, {}};
  hedge_over over{file.build.id, before->host, moved, core::last_placement(file)};
  effects.push_back([this, loser, ended, release, over] {
    for (const auto& token : ended)
      if (const auto* attempt = core::find_attempt(file, token); loser && attempt != nullptr)
        self->send(loser, cancel_attempt{token, attempt->reason});
    if (loser)
      self->send(loser, release);
    self->send(farm.coordinator, over);
  });
}

} // namespace drover
