// SPDX-License-Identifier: Apache-2.0
#include "actors/step_cache.hpp"

#include "actors/core/cache_key.hpp"
#include "schema/limits.hpp"
#include "schema/limits_cache.hpp"
#include "schema/names.hpp"

#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

// -- looking up ----------------------------------------------------------------------------------

caf::result<cache_looked> step_cache_state::look(const cache_lookup& request) {
  const auto& work = request.work;
  auto what =
    work.builder + "/" + work.step.name + " of build " + to_string(work.token.attempt.build);
  note("hashing the inputs of " + what);
  auto digest = [this](std::string_view text) { return port->digest(text); };
  auto files = port->file_parts(work.step, request.place);
  if (!files && files.error().code == ec::conflict)
    return cache_looked{cache_looked::verdict::broken, {}, files.error().text};
  if (!files) {
    cache_memo memo;
    memo.note = "ran because its inputs can't be looked at: " + files.error().text;
    remember(work.token, memo);
    return cache_looked{cache_looked::verdict::run, {}, memo.note};
  }
  auto promise = self->make_response_promise<cache_looked>();
  auto& one = lookups[work.token];
  one = {};
  one.request = request;
  one.promise = promise;
  one.memo.parts = core::cache_parts(work, base_env, host.facts, digest);
  one.memo.parts.merge(*files);
  one.memo.place = request.place;
  one.key = port->digest(core::cache_text(one.memo.parts));
  one.begun_ms = one.progress_ms = now_ms();
  activity.did("hashed the inputs of " + what, self->clock().now());
  ask(one);
  arm();
  return promise;
}

void step_cache_state::ask(lookup& one) {
  one.asking = true;
  one.asked_ms = now_ms();
  if (online())
    self->send(link, host_message{cache_ask{one.request.work.token, one.key, one.memo.parts}});
}

void step_cache_state::answered(const cache_answer& news) {
  auto found = lookups.find(news.token);
  if (found == lookups.end() || !found->second.asking)
    return;
  auto& one = found->second;
  if (!news.hit)
    return run(found, news.note);
  one.asking = false;
  one.progress_ms = now_ms();
  one.hit = news;
  auto [which, fresh] = downloads.try_emplace(
    news.sha256, download{core::piece_window{news.size, port->fetched(news.sha256)}, news.size});
  if (which->second.window.complete())
    fetched(news.sha256);
  else
    fetch(news.sha256);
  arm();
}

void step_cache_state::fetch(const std::string& sha256) {
  auto waits = std::find_if(lookups.begin(), lookups.end(), [&](const auto& one) {
    return !one.second.asking && one.second.hit.sha256 == sha256;
  });
  auto found = downloads.find(sha256);
  if (!online() || waits == lookups.end() || found == downloads.end())
    return;
  for (auto offset : found->second.window.wants(now_ms()))
    self->send(link, host_message{blob_want{waits->first.attempt.build, sha256, offset}});
}

void step_cache_state::piece(const blob_piece& news) {
  auto found = downloads.find(news.sha256);
  if (found == downloads.end())
    return;
  auto& one = found->second;
  if (!news.problem.empty())
    return ask_anew(news.sha256, news.problem);
  if (news.total != one.size)
    return ask_anew(news.sha256, "its size is another");
  if (!one.window.arrived(news.offset, news.bytes))
    return;
  for (auto& [token, waiting] : lookups)
    if (waiting.hit.sha256 == news.sha256)
      waiting.progress_ms = now_ms();
  auto offset = one.window.written();
  while (auto bytes = one.window.take()) {
    if (auto problem = port->add(news.sha256, offset, *bytes))
      return ask_anew(news.sha256, problem->text);
    offset = one.window.written();
  }
  if (one.window.complete())
    fetched(news.sha256);
  else
    fetch(news.sha256);
}

void step_cache_state::fetched(const std::string& sha256) {
  std::vector<grant_token> waiting;
  for (const auto& [token, one] : lookups)
    if (!one.asking && one.hit.sha256 == sha256)
      waiting.push_back(token);
  for (const auto& token : waiting)
    if (auto one = lookups.find(token); one != lookups.end() && !one->second.asking)
      restore(one->second);
}

void step_cache_state::restore(lookup& one) {
  auto token = one.request.work.token;
  auto hit = one.hit;
  note("restoring the result of build " + to_string(hit.from));
  auto problem = port->restore(one.request.work, one.request.place, {hit.sha256, hit.size});
  auto which = lookups.find(token);
  if (!problem) {
    one.memo.reused_from = hit.from;
    one.memo.note = hit.note;
    remember(token, one.memo);
    activity.did("reused the result of build " + to_string(hit.from), self->clock().now());
    return finish(which, {cache_looked::verdict::hit, hit.from, hit.note});
  }
  spdlog::warn("attempt={} cached result of build {} not used: {}", to_string(token.attempt),
               to_string(hit.from), problem->text);
  if (problem->code == ec::damaged)
    return ask_anew(hit.sha256, problem->text);
  if (problem->code == ec::conflict)
    return finish(which, {cache_looked::verdict::broken, hit.from, problem->text});
  run(which, "ran because the result of build " + to_string(hit.from)
               + " can't be restored: " + problem->text);
}

void step_cache_state::ask_anew(const std::string& sha256, const std::string& why) {
  downloads.erase(sha256);
  port->discard(sha256);
  for (auto at = lookups.begin(); at != lookups.end();) {
    auto which = at++;
    auto& one = which->second;
    if (one.asking || one.hit.sha256 != sha256)
      continue;
    if (++one.fetches >= limits::cache_fetches_max)
      run(which,
          "ran because the result of build " + to_string(one.hit.from) + " can't be had: " + why);
    else
      ask(one);
  }
  arm();
}

void step_cache_state::run(lookups_map::iterator one, const std::string& why) {
  auto& memo = one->second.memo;
  memo.keeps = true;
  memo.note = printable(why, limits::reason_bytes_max);
  remember(one->first, memo);
  finish(one, {cache_looked::verdict::run, {}, memo.note});
}

void step_cache_state::finish(lookups_map::iterator one, cache_looked verdict) {
  auto node = lookups.extract(one);
  node.mapped().promise.deliver(std::move(verdict));
  drop_unused_download(node.mapped().hit.sha256);
}

void step_cache_state::drop_unused_download(const std::string& sha256) {
  bool used = std::any_of(lookups.begin(), lookups.end(),
                          [&](const auto& one) { return one.second.hit.sha256 == sha256; });
  if (sha256.empty() || used)
    return;
  downloads.erase(sha256);
  port->discard(sha256);
}

/// The step is over, or has gone on without us: whoever asked gets no answer any more.
void step_cache_state::forget(const grant_token& token) {
  if (auto found = lookups.find(token); found != lookups.end())
    finish(found, {});
  if (auto found = offers.find(token); found != offers.end())
    finish(found, "the step was cancelled");
}

// -- link, timer, census -------------------------------------------------------------------------

void step_cache_state::connect(const connected& news) {
  link = news.link;
  // What was promised on an earlier connection may be forgotten by a farm that has restarted.
  for (auto& [token, one] : lookups) {
    one.progress_ms = now_ms();
    ask(one);
  }
  for (auto& [token, one] : offers) {
    one.progress_ms = now_ms();
    one.window.connected();
    if (one.stored)
      file(one);
    else
      upload(one);
  }
  arm();
}

void step_cache_state::disconnect() {
  link = farm_link_actor{};
  for (auto& [sha256, one] : downloads)
    one.window.forget_asked();
  for (auto& [token, one] : offers)
    one.window.disconnected();
}

void step_cache_state::tick() {
  judge_lookups();
  judge_offers();
  arm();
}

void step_cache_state::judge_lookups() {
  auto now = now_ms();
  for (auto at = lookups.begin(); at != lookups.end();) {
    auto which = at++;
    auto& one = which->second;
    auto patience = one.asking ? limits::cache_answer_patience : limits::cache_progress_patience;
    if (online() && over(one.progress_ms, now, patience))
      run(which, "ran because the farm did not answer about the step cache");
    else if (!online() && over(one.begun_ms, now, limits::cache_offline_patience))
      run(which, "ran because the farm could not be reached for the step cache");
    else if (one.asking && over(one.asked_ms, now, limits::resend_after))
      ask(one);
    else if (!one.asking)
      fetch(one.hit.sha256);
  }
}

void step_cache_state::remember(const grant_token& token, const cache_memo& memo) {
  if (auto problem = port->remember(token, memo))
    spdlog::warn("attempt={} what the step cache found can't be noted: {}",
                 to_string(token.attempt), problem->text);
}

void step_cache_state::note(const std::string& what) {
  self->send(census, actor_note{name, what});
}

void step_cache_state::arm() {
  if ((!lookups.empty() || !offers.empty()) && !timer.armed())
    timer.arm(self, limits::resend_after);
}

int64_t step_cache_state::now_ms() const {
  auto since = self->clock().now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(since).count();
}

actor_entry step_cache_state::describe() const {
  std::string state = "idle";
  if (!lookups.empty())
    state = std::to_string(lookups.size()) + " steps ask whether they have to run";
  else if (!offers.empty())
    state = std::to_string(offers.size()) + " results on their way to the farm";
  if (!online() && state != "idle")
    state += ", not connected";
  return describe_as(name, name, std::move(state), activity.told(self->clock().now()));
}

step_cache_actor::behavior_type step_cache(step_cache_state::pointer self,
                                           const host_settings& settings, census_actor census) {
  auto& state = self->state;
  state.port = settings.cache;
  state.host = settings.self;
  state.base_env = settings.base_env;
  state.census = std::move(census);
  return {
    [self](const cache_lookup& request) { return self->state.look(request); },
    [self](const cache_offer& request) { return self->state.keep(request); },
    [self](const cache_forget& request) { self->state.forget(request.token); },
    [self](const cache_answer& news) { self->state.answered(news); },
    [self](const cache_kept& news) { self->state.kept(news); },
    [self](const blob_piece& news) { self->state.piece(news); },
    [self](const blob_stored& news) { self->state.stored(news); },
    [self](const connected& news) { self->state.connect(news); },
    [self](const not_connected&) { self->state.disconnect(); },
    [self](atom::tick) {
      if (self->state.timer.due(self))
        self->state.tick();
    },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
