// The coordinator's dealings with sources: watching them, building what is new.
// SPDX-License-Identifier: Apache-2.0
#include "actors/coordinator.hpp"
#include "actors/core/events.hpp"
#include "actors/source.hpp"
#include "actors/timer.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

namespace drover {

/// Sources follow the configuration; one that did not change in it goes on.
void coordinator_state::spawn_sources() {
  for (const auto& [id, watcher] : std::exchange(sources, {}))
    self->send_exit(watcher, caf::exit_reason::user_shutdown);
  for (const auto& spec : settings.config.sources) {
    bool is_timer = spec.kind == source_kind::timer;
    if (!is_timer && !settings.sources)
      continue;
    auto status = storage::read_source_status(*settings.store, spec.name);
    source_context context{settings.clock,    settings.store,     settings.sources,
                           services.recorder, services.artifacts, coordinator_actor{self},
                           services.census};
    source_status known;
    known.name = spec.name;
    if (status)
      known = *status;
    else // it only looks anew at what it knows by identity
      spdlog::error("source={} status unreadable: {}", spec.name, status.error().text);
    auto spawned = is_timer
                     ? self->spawn<caf::monitored>(timer, context, settings.zones, spec, known)
                   : settings.blocking == blocking_actors::own_thread
                     ? self->spawn<caf::detached + caf::monitored>(source, context, spec, known)
                     : self->spawn<caf::monitored>(source, context, spec, known);
    sources[spec.name] = spawned;
    self->send(services.census, enlistment{"source/" + spec.name, "source", name, spawned});
  }
}

caf::result<expected<accepted>> coordinator_state::look(const look_now& request) {
  auto known = sources.find(request.source);
  if (known != sources.end())
    return self->delegate(known->second, request);
  std::string names;
  for (const auto& [id, watcher] : sources)
    names += (names.empty() ? "" : ", ") + id;
  return expected<accepted>{failure{
    ec::not_found, "there is no source '" + printable(request.source, limits::name_bytes_max)
                     + "'; the farm has: " + (names.empty() ? "none" : names)}};
}

/// The change, its builds and its campaign become durable together, so that it is built once.
caf::result<expected<submitted>> coordinator_state::take_change(const change_found& news) {
  if (auto problem = no_room())
    return expected<submitted>{*problem}; // the next look finds it again
  auto change = news.change;
  auto known = storage::find_change(*settings.store, change.source, change.identity);
  if (!known)
    return expected<submitted>{known.error()};
  auto key = change.source + '\n' + change.identity;
  if (*known || !taking.insert(key).second)
    return expected<submitted>{submitted{}};
  change.id = {++last_change.value};
  submission request;
  request.by = "source " + change.source;
  request.because = change.title;
  std::vector<core::order> orders;
  for (const auto& builder : settings.config.builders)
    if (core::builds_from(builder, change.source)) {
      request.orders.push_back({builder.name, change.ref});
      orders.push_back({builder.name, change.ref});
    }
  storage::write_batch batch;
  std::vector<build_file> made;
  submitted answer;
  std::string hole;
  if (!orders.empty()) {
    auto plan = core::plan_submission(settings.config, offers(), orders, {});
    if (plan)
      answer = make_builds(*plan, request, batch, made);
    else
      hole = plan.error().text;
  }
  change.campaign = answer.campaign;
  change.builds = answer.builds;
  if (!hole.empty())
    change.note += (change.note.empty() ? "" : "; ") + ("not built: " + hole);
  storage::put_change(batch, change);
  batch.events.insert(batch.events.begin(), core::change_event(change, settings.clock()));
  spdlog::info("change source={} id={} identity={} builds={}", change.source, change.id.value,
               printable(change.identity, 80), made.size());
  auto promise = self->make_response_promise<expected<submitted>>();
  self
    ->request(services.recorder, caf::infinite, std::move(batch)) // as in `submit`
    .then([this, promise, answer, key, made = std::move(made)](recorded) mutable {
      taking.erase(key);
      enqueue(std::move(made));
      promise.deliver(expected<submitted>{answer});
    });
  return promise;
}

/// A builder with a source that is ordered without one builds the source's newest change.
std::optional<failure> coordinator_state::complete_orders(submission& request) const {
  for (auto& order : request.orders) {
    if (order.source.kind != source_kind::none)
      continue;
    for (const auto& builder : settings.config.builders) {
      if (builder.name != order.builder || builder.source.empty())
        continue;
      auto from = core::source_of_orders(settings.config, builder);
      if (from.empty())
        continue; // of a timer that is of nothing: built from nothing
      auto newest = storage::list_changes(*settings.store, {}, 1, from);
      if (!newest)
        return newest.error();
      if (newest->empty())
        return failure{ec::conflict,
                       "builder '" + builder.name + "' builds from source '" + from
                         + "', which has had no change yet: name a file with --source"};
      order.source = newest->front().ref;
    }
  }
  return std::nullopt;
}

} // namespace drover
