// What the farm itself decides about a host, and what the host says of its own health.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/events.hpp"
#include "actors/core/probation.hpp"
#include "actors/host_supervisor.hpp"
#include "schema/names.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

namespace drover {

namespace {

bool is_by_person(const host_hold& hold) {
  return hold.kind == hold_kind::drain || hold.kind == hold_kind::pause;
}

} // namespace

/// Makes the record and what is told of it durable.
void host_supervisor_state::store(std::vector<event_record> events) {
  storage::write_batch batch;
  storage::put_host(batch, record);
  batch.events = std::move(events);
  self->request(farm.recorder, caf::infinite, std::move(batch)).then([](recorded) {});
}

void host_supervisor_state::care(const host_care& decided) {
  if (decided.hold && !is_by_person(record.hold))
    record.hold = *decided.hold;
  if (decided.ladder)
    record.ladder = *decided.ladder;
  for (const auto& event : decided.events)
    if (auto stage = core::decision_of(event)) {
      record.stage = stage->stage;
      record.stage_note = stage->note;
    }
  store(decided.events);
  announce();
}

/// A host that is short of something is held until it says that it is well; what others have
/// decided about it stands before that.
void host_supervisor_state::judge_health(const std::string& trouble) {
  bool held = record.hold.kind == hold_kind::health;
  if (trouble.empty() ? !held : held && record.hold.reason == trouble)
    return;
  if (record.hold.kind != hold_kind::none && !held)
    return;
  auto since = held ? record.hold.since : farm.clock();
  record.hold = trouble.empty()
                  ? host_hold{}
                  : host_hold{hold_kind::health, record.name.value, trouble, since, {}};
  spdlog::info("host health host={} trouble=\"{}\"", record.name.value, trouble);
  store({core::host_order_event(record.name, {},
                                trouble.empty() ? "it is well again and takes builds"
                                                : "it gets no new builds: " + trouble,
                                farm.clock())});
}

void host_supervisor_state::judge_clock(const std::string& trouble) {
  if (trouble == clock_trouble)
    return;
  clock_trouble = trouble;
  if (!trouble.empty())
    spdlog::warn("host clock host={} trouble=\"{}\"", record.name.value, trouble);
  if (state == host_state::up)
    reason = reason_when_up();
  announce();
}

void host_supervisor_state::on(const host_news_told& said) {
  bool changed = record.facts != said.facts;
  record.facts = said.facts;
  auto before = record.hold;
  judge_health(said.trouble);
  if (changed && before == record.hold)
    store({});
  if (state == host_state::up)
    reason = reason_when_up();
  announce();
}

} // namespace drover
