// SPDX-License-Identifier: Apache-2.0
#include "actors/warden.hpp"

#include "actors/core/conduct.hpp"
#include "actors/core/events.hpp"
#include "schema/limits.hpp"
#include "schema/limits_conduct.hpp"
#include "schema/names.hpp"

#include <caf/actor_clock.hpp>
#include <caf/actor_system.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <map>

namespace drover {
namespace {

struct warden_state {
  using pointer = warden_actor::stateful_pointer<warden_state>;
  static inline const char* name = "warden";
  explicit warden_state(pointer actor) : self{actor} {}

  void note(const misconduct& seen);
  actor_entry describe() const;

  pointer self;
  recorder_actor recorder;
  std::function<wall_time()> clock;
  std::map<host_name, core::misconduct_guard> guards;
  uint64_t noted = 0;
};

void warden_state::note(const misconduct& seen) {
  ++noted;
  if (guards.size() >= limits::misconduct_hosts_max && !guards.contains(seen.host))
    guards.clear();
  auto text = guards[seen.host].told(seen.what, self->clock().now().time_since_epoch());
  if (text.empty())
    return;
  if (!seen.address.empty())
    text += ", from " + seen.address;
  spdlog::warn("host misbehaves host={} what=\"{}\"", seen.host.value,
               printable(text, limits::reason_bytes_max));
  storage::write_batch batch;
  batch.events.push_back(core::misconduct_event(seen.host, text, clock()));
  self->request(recorder, caf::infinite, std::move(batch)).then([](recorded) {});
}

actor_entry warden_state::describe() const {
  actor_entry entry;
  entry.name = entry.kind = name;
  entry.state = "running";
  entry.activity = std::to_string(noted) + " misdeeds of hosts noted";
  return entry;
}

warden_actor::behavior_type warden(warden_state::pointer self, const recorder_actor& recorder,
                                   const std::function<wall_time()>& clock) {
  self->state.recorder = recorder;
  self->state.clock = clock;
  return {
    [self](const misconduct& seen) { self->state.note(seen); },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace

warden_actor spawn_warden(caf::actor_system& system, const recorder_actor& recorder,
                          std::function<wall_time()> clock) {
  return system.spawn(warden, recorder, std::move(clock));
}

} // namespace drover
