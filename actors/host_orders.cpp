// What people order of a host: drain, pause, resume, restart.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/events.hpp"
#include "actors/core/holds.hpp"
#include "actors/host_supervisor.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

namespace drover {

caf::result<expected<accepted>> host_supervisor_state::obey(const host_order& request) {
  const auto& host = record.name.value;
  auto told_of = [&](const std::string& text) {
    return std::vector{core::host_order_event(record.name, request.by, text, farm.clock())};
  };
  auto because = request.reason.empty() ? std::string{} : ": " + request.reason;
  switch (request.action) {
  case host_action::drain:
  case host_action::pause: {
    bool drains = request.action == host_action::drain;
    auto at = farm.clock();
    record.hold = {
      drains ? hold_kind::drain : hold_kind::pause, request.by, request.reason, at, {}};
    if (request.lasting.count() > 0)
      record.hold.until = {at.ms + request.lasting.count()};
    return keep(told_of(core::hold_sentence(record.hold)),
                host
                  + (drains ? " gets no new builds; what is there goes on"
                            : " gets no new builds; builds there wait before their next step"));
  }
  case host_action::resume:
    if (record.hold.kind == hold_kind::none)
      return expected<accepted>{failure{ec::conflict, host + " is neither drained nor paused"}};
    record.hold = {};
    return keep(told_of("resumed" + because),
                record.stage == host_stage::probation
                  ? host + " goes on, on probation; one more `resume` trusts it by your word"
                  : host + " takes builds again");
  case host_action::restart:
    if (!link)
      return expected<accepted>{
        failure{ec::conflict, host + " is not connected, so its agent can't be told to restart"}};
    tell(restart_agent{"ordered by " + request.by + because});
    return keep(told_of("agent restart ordered" + because),
                "the agent of " + host + " restarts; its steps run on");
  case host_action::forget:
    break;
  }
  return expected<accepted>{failure{ec::bad_input, "only the farm itself can forget a host"}};
}

/// Makes the record and what is told of it durable, then answers.
caf::result<expected<accepted>> host_supervisor_state::keep(std::vector<event_record> events,
                                                            std::string text) {
  spdlog::info("host ordered host={} text=\"{}\"", record.name.value, text);
  storage::write_batch batch;
  storage::put_host(batch, record);
  batch.events = std::move(events);
  auto promise = self->make_response_promise<expected<accepted>>();
  self->request(farm.recorder, caf::infinite, std::move(batch))
    .then([this, promise, text](recorded) mutable {
      announce();
      if (link && state != host_state::lost)
        repeat_orders();
      promise.deliver(expected<accepted>{{text}});
    });
  return promise;
}

/// A hold with an end is over: the host takes builds again by itself.
void host_supervisor_state::end_hold() {
  if (!core::is_over(record.hold, farm.clock()))
    return;
  auto kind = record.hold.kind == hold_kind::drain ? "drain" : "pause";
  record.hold = {};
  storage::write_batch batch;
  storage::put_host(batch, record);
  batch.events.push_back(core::host_order_event(
    record.name, {}, "its " + std::string{kind} + " has ended as planned", farm.clock()));
  self->request(farm.recorder, caf::infinite, std::move(batch)).then([](recorded) {});
  announce();
}

/// A paused host is told of nothing new; what it confirmed goes on.
bool host_supervisor_state::may_start(const core::open_order& open) const {
  return record.hold.kind != hold_kind::pause || open.confirmed || open.sent.count() >= 0;
}

} // namespace drover
