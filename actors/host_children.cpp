// The children of a host's agent: spawned, watched and replaced.
// SPDX-License-Identifier: Apache-2.0
#include "actors/host_agent.hpp"
#include "actors/spool.hpp"
#include "actors/step.hpp"
#include "actors/step_cache.hpp"
#include "actors/workspace.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

namespace drover {

namespace {

std::string text_of(const caf::error& reason) {
  return printable(caf::to_string(reason), 200);
}

} // namespace

void host_agent_state::hold(const assignment& work) {
  auto& held = attempts[work.token];
  held.work = work;
  spawn_step(held);
}

void host_agent_state::spawn_step(held_attempt& held) {
  step_setup setup{held.work, settings, host_agent_actor{self}, workspace, spool, cache};
  held.actor = self->spawn(drover::step, std::move(setup));
  self->monitor(held.actor);
  steps[held.actor.address()] = held.work.token;
  self->send(census,
             enlistment{"step " + to_string(held.work.token.attempt), "step", name, held.actor});
  if (session)
    self->send(held.actor, *session);
}

void host_agent_state::spawn_spool() {
  spool = self->spawn(drover::spool, settings.spool, settings.clock);
  self->monitor(spool);
  self->send(census, enlistment{"spool", "spool", name, spool});
}

void host_agent_state::spawn_workspace() {
  workspace =
    settings.blocking == blocking_actors::own_thread
      ? self->spawn<caf::detached>(drover::workspace, settings.workspaces, census,
                                   host_agent_actor{self})
      : self->spawn(drover::workspace, settings.workspaces, census, host_agent_actor{self});
  self->monitor(workspace);
  self->send(census, enlistment{"workspace", "workspace", name, workspace});
  if (session)
    self->send(workspace, *session);
}

void host_agent_state::spawn_cache() {
  if (!settings.cache)
    return;
  cache = settings.blocking == blocking_actors::own_thread
            ? self->spawn<caf::detached>(drover::step_cache, settings, census)
            : self->spawn(drover::step_cache, settings, census);
  self->monitor(cache);
  self->send(census, enlistment{"step_cache", "step_cache", name, cache});
  if (session)
    self->send(cache, *session);
}

void host_agent_state::forget(const step_over& news) {
  auto found = attempts.find(news.token);
  if (found == attempts.end())
    return;
  activity.did("finished attempt " + to_string(news.token.attempt), self->clock().now());
  steps.erase(found->second.actor.address());
  attempts.erase(found);
}

void host_agent_state::gone(const caf::down_msg& down) {
  if (session && down.source == session->link.address())
    return lost("the link is gone: " + text_of(down.reason));
  if (auto found = steps.find(down.source); found != steps.end()) {
    auto token = found->second;
    steps.erase(found);
    return replace_step(token, down.reason);
  }
  if (down.source == workspace.address())
    return replace_workspace(down.reason);
  if (cache && down.source == cache.address())
    return replace_cache(down.reason);
  if (down.source == spool.address() && may_restart(spool_restarts, "spool"))
    return spawn_spool();
  if (down.source == census.address())
    settings.fatal("the census of actors died: " + text_of(down.reason));
}

void host_agent_state::replace_step(const grant_token& token, const caf::error& reason) {
  auto& held = attempts.at(token);
  spdlog::warn("attempt={} its step actor died, a new one adopts it: {}", to_string(token.attempt),
               text_of(reason));
  if (may_restart(held.restarts, "the step of attempt " + to_string(token.attempt)))
    spawn_step(held);
}

void host_agent_state::replace_workspace(const caf::error& reason) {
  spdlog::warn("the workspace actor died, a new one takes over: {}", text_of(reason));
  if (!may_restart(workspace_restarts, "workspace"))
    return;
  spawn_workspace();
  end_steps();
}

void host_agent_state::replace_cache(const caf::error& reason) {
  spdlog::warn("the step cache's actor died, a new one takes over: {}", text_of(reason));
  if (!may_restart(cache_restarts, "step_cache"))
    return;
  spawn_cache();
  end_steps();
}

/// Steps may wait for an answer that a dead actor owed them. Once they are gone, their successors
/// adopt and ask the new one.
void host_agent_state::end_steps() {
  for (auto& [_, held] : attempts)
    caf::anon_send_exit(held.actor, caf::exit_reason::kill);
}

bool host_agent_state::may_restart(core::restart_history& history, const std::string& who) {
  core::restart_budget budget{limits::actor_restarts_max, limits::actor_restart_period};
  if (core::spend(history, budget, now_ms()))
    return true;
  settings.fatal(who + " died more than " + std::to_string(limits::actor_restarts_max)
                 + " times in " + std::to_string(limits::actor_restart_period.count() / 1000)
                 + " s");
  return false;
}

} // namespace drover
