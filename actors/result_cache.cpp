// SPDX-License-Identifier: Apache-2.0
#include "actors/result_cache.hpp"

#include "actors/core/cache_bounds.hpp"
#include "actors/core/cache_key.hpp"
#include "schema/limits.hpp"
#include "schema/limits_cache.hpp"
#include "schema/names.hpp"
#include "storage/cache_entries.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

// -- questions -----------------------------------------------------------------------------------

string_map result_cache_state::parts_of(const cache_subject& subject) const {
  auto facts = subject.host.facts;
  for (const auto& [label, value] : subject.labels)
    facts[label] = value;
  auto parts = subject.parts;
  for (const auto& [part, value] : core::cache_parts(subject.work, {}, facts, storage::text_digest))
    parts[part] = value;
  return parts;
}

cache_answer result_cache_state::answer(const cache_question& question) {
  const auto& subject = question.subject;
  auto parts = parts_of(subject);
  auto key = storage::text_digest(core::cache_text(parts));
  cache_answer out{subject.work.token, false, {}, 0, {}, {}};
  auto found = storage::read_cache_entry(*store, key);
  if (found && *found) {
    auto entry = **found;
    out.note = unfit(entry, subject.host.name);
    if (out.note.empty()) {
      out.hit = true;
      out.sha256 = entry.sha256;
      out.size = entry.size;
      out.from = entry.build;
      out.note = core::hit_note(entry);
      entry.used_at = clock();
      ++entry.uses;
      storage::write_batch batch;
      storage::put_cache_entry(batch, entry);
      write(std::move(batch));
    }
  } else if (!found) {
    spdlog::warn("step cache key={} problem=\"{}\"", key, found.error().text);
    out.note = "ran because the kept result can't be read";
  } else {
    auto kept = storage::cache_entries_of(*store, subject.work.builder, subject.work.step.name,
                                          limits::cache_compared_max);
    out.note = kept ? core::miss_note(*kept, parts)
                    : "ran because the step cache can't be read: " + kept.error().text;
  }
  out.note = printable(out.note, limits::reason_bytes_max);
  ++(out.hit ? hits : misses);
  activity.did(std::string{out.hit ? "hit" : "miss"} + " for " + subject.work.builder + "/"
                 + subject.work.step.name,
               self->clock().now());
  return out;
}

std::string result_cache_state::unfit(const cache_record& entry, const host_name& asking) {
  auto of = "the result of build " + to_string(entry.build);
  if (entry.host != asking && !is_trusted(entry.host))
    return "ran because " + of + " is from " + entry.host.value + ", which is on probation";
  auto now = clock();
  if (now.ms - entry.used_at.ms > limits::cache_unused_max.count())
    return "ran because " + of + " was not used for too long";
  auto size = storage::touch_blob(*store, entry.sha256, now);
  if (!size || !*size || **size != entry.size) {
    forget(entry, "its content is not stored");
    return "ran because " + of + " is not stored any more";
  }
  return {};
}

bool result_cache_state::is_trusted(const host_name& host) const {
  auto hosts = storage::read_hosts(*store);
  if (!hosts)
    return false;
  auto known = std::find_if(hosts->begin(), hosts->end(),
                            [&](const host_record& one) { return one.name == host; });
  return known == hosts->end() || known->stage != host_stage::probation;
}

// -- keeping -------------------------------------------------------------------------------------

/// From the attempt's start until now: what the next one saves. The start of a short attempt is
/// told only with its end, which is still to come: then it counts from the grant.
int64_t result_cache_state::took_ms(const grant_token& token) const {
  auto file = storage::read_build_file(*store, token.attempt.build);
  if (!file || !*file || (*file)->steps.size() <= token.attempt.step.value)
    return 0;
  for (const auto& attempt : (*file)->steps[token.attempt.step.value].attempts)
    if (attempt.number == token.attempt.attempt) {
      auto from = attempt.started_at.ms > 0 ? attempt.started_at : attempt.granted_at;
      return std::max<int64_t>(clock().ms - from.ms, 0);
    }
  return 0;
}

caf::result<cache_kept> result_cache_state::file(const cache_filing& filing) {
  const auto& subject = filing.subject;
  cache_kept out{subject.work.token, {}};
  if (subject.host.stage == host_stage::probation) {
    out.problem = subject.host.name.value + " is on probation, its results are not kept";
    return out;
  }
  auto size = storage::touch_blob(*store, filing.sha256, clock());
  if (!size || !*size || **size != filing.size) {
    out.problem = size ? "its content has not arrived" : size.error().text;
    return out;
  }
  cache_record entry;
  entry.parts = parts_of(subject);
  entry.key = storage::text_digest(core::cache_text(entry.parts));
  entry.builder = subject.work.builder;
  entry.step = subject.work.step.name;
  entry.sha256 = filing.sha256;
  entry.size = filing.size;
  entry.build = subject.work.token.attempt.build;
  entry.host = subject.host.name;
  entry.took_ms = took_ms(subject.work.token);
  entry.made_at = entry.used_at = clock();
  storage::write_batch batch;
  // One that another builder or step made goes: it would be found under both names.
  if (auto before = storage::read_cache_entry(*store, entry.key); before && *before)
    storage::remove_cache_entry(batch, **before);
  auto all = all_entries();
  std::erase_if(all, [&](const cache_record& one) { return one.key == entry.key; });
  all.push_back(entry);
  storage::put_cache_entry(batch, entry);
  for (const auto& gone : core::entries_to_drop(std::move(all), entry.used_at)) {
    spdlog::info("step cache dropped key={} builder={} step={}", gone.key, gone.builder, gone.step);
    storage::remove_cache_entry(batch, gone);
  }
  activity.did("kept " + entry.builder + "/" + entry.step + " of build " + to_string(entry.build),
               self->clock().now());
  auto promise = self->make_response_promise<cache_kept>();
  self
    ->request(recorder, caf::infinite, std::move(batch)) // its silence is fatal anyway
    .then([promise, out](recorded) mutable { promise.deliver(out); });
  return promise;
}

// -- dropping ------------------------------------------------------------------------------------

void result_cache_state::damaged(const cache_damaged& news) {
  for (const auto& entry : all_entries())
    if (entry.sha256 == news.sha256)
      forget(entry, news.why);
}

std::vector<cache_record> result_cache_state::all_entries() const {
  auto found = storage::list_cache_entries(*store);
  if (!found)
    spdlog::warn("step cache problem=\"{}\"", found.error().text);
  return found ? *std::move(found) : std::vector<cache_record>{};
}

void result_cache_state::forget(const cache_record& entry, const std::string& why) {
  spdlog::warn("step cache dropped key={} build={} reason=\"{}\"", entry.key,
               to_string(entry.build), why);
  storage::write_batch batch;
  storage::remove_cache_entry(batch, entry);
  write(std::move(batch));
}

caf::result<expected<accepted>> result_cache_state::drop(const cache_drop& order) {
  auto all = storage::list_cache_entries(*store);
  if (!all)
    return expected<accepted>{all.error()};
  storage::write_batch batch;
  size_t dropped = 0;
  for (const auto& entry : *all)
    if (entry.key.starts_with(order.key)) {
      storage::remove_cache_entry(batch, entry);
      ++dropped;
    }
  if (dropped == 0 && !order.key.empty())
    return expected<accepted>{
      failure{ec::not_found, "no entry of the step cache has a key that begins with '"
                               + printable(order.key, limits::name_bytes_max) + "'"}};
  event_record event;
  event.kind = event_kind::store_kept;
  event.at = clock();
  event.by = order.by;
  event.text =
    std::to_string(dropped) + (dropped == 1 ? " entry" : " entries") + " of the step cache dropped";
  batch.events.push_back(event);
  auto promise = self->make_response_promise<expected<accepted>>();
  self->request(recorder, caf::infinite, std::move(batch))
    .then([promise, text = event.text](recorded) mutable {
      promise.deliver(expected<accepted>{{text}});
    });
  return promise;
}

void result_cache_state::write(storage::write_batch batch) {
  self->request(recorder, caf::infinite, std::move(batch)).then([](recorded) {});
}

actor_entry result_cache_state::describe() const {
  return describe_as(name, name,
                     std::to_string(hits) + " hits, " + std::to_string(misses) + " misses",
                     activity.told(self->clock().now()));
}

result_cache_actor::behavior_type result_cache(result_cache_state::pointer self,
                                               const farm_settings& settings,
                                               recorder_actor recorder) {
  self->state.store = settings.store;
  self->state.clock = settings.clock;
  self->state.recorder = std::move(recorder);
  return {
    [self](const cache_question& question) { return self->state.answer(question); },
    [self](const cache_filing& filing) { return self->state.file(filing); },
    [self](const cache_damaged& news) { self->state.damaged(news); },
    [self](const cache_drop& order) { return self->state.drop(order); },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
