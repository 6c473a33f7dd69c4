// The outbox's reporters: they follow the configuration.
// SPDX-License-Identifier: Apache-2.0
#include "actors/outbox.hpp"
#include "actors/reporter.hpp"
#include "schema/limits_notices.hpp"
#include "storage/notices.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

void outbox_state::apply(const farm_config& changed) {
  auto before = std::exchange(config, changed);
  for (const auto& spec : config.reporters) {
    auto old = std::find_if(before.reporters.begin(), before.reporters.end(),
                            [&](const reporter_spec& one) { return one.name == spec.name; });
    auto known = reporters.find(spec.name);
    bool same_kind = old != before.reporters.end() && old->kind == spec.kind;
    if (known != reporters.end() && same_kind) {
      if (*old != spec)
        self->send(known->second, spec);
      continue;
    }
    if (known != reporters.end())
      self->send_exit(known->second, caf::exit_reason::user_shutdown);
    spawn_reporter(spec);
  }
  std::erase_if(reporters, [&](const auto& entry) {
    bool gone = std::none_of(config.reporters.begin(), config.reporters.end(),
                             [&](const reporter_spec& one) { return one.name == entry.first; });
    if (gone)
      self->send_exit(entry.second, caf::exit_reason::user_shutdown);
    return gone;
  });
  drop_absent();
}

void outbox_state::spawn_reporter(const reporter_spec& spec) {
  auto port = farm.ports.find(spec.kind);
  reporter_context context{farm.clock,
                           farm.store,
                           farm.recorder,
                           farm.census,
                           port == farm.ports.end() ? nullptr : port->second,
                           farm.seed + std::hash<std::string>{}(spec.name)};
  auto spawned = farm.own_threads
                   ? self->spawn<caf::detached + caf::monitored>(reporter, context, spec)
                   : self->spawn<caf::monitored>(reporter, context, spec);
  reporters[spec.name] = spawned;
  self->send(farm.census, enlistment{"reporter/" + spec.name, "reporter", name, spawned});
}

/// What waits for a reporter that is gone waits for nobody.
void outbox_state::drop_absent() {
  auto names = storage::reporters_awaited(*farm.store);
  if (!names) {
    spdlog::error("outbox: {}", names.error().text);
    return;
  }
  storage::write_batch batch;
  for (const auto& name_of_one : *names) {
    if (reporters.contains(name_of_one))
      continue;
    auto left = storage::waiting_notices(*farm.store, name_of_one, limits::notices_kept);
    for (size_t i = 0; left && i < left->size(); ++i) {
      auto& notice = (*left)[i];
      notice.state = notice_state::failed;
      notice.last_error = "reporter " + name_of_one + " was taken out of the configuration";
      notice.done_at = farm.clock();
      storage::put_notice(batch, notice);
    }
  }
  commit(std::move(batch));
}

void outbox_state::child_down(const caf::down_msg& down) {
  for (const auto& spec : config.reporters) {
    auto known = reporters.find(spec.name);
    if (known == reporters.end() || known->second.address() != down.source)
      continue;
    spdlog::error("reporter={} died and is started again: {}", spec.name,
                  self->system().render(down.reason));
    reporters.erase(known);
    return arm();
  }
}

void outbox_state::wake(bool now) {
  for (const auto& [name_of_one, actor] : reporters)
    self->send(actor, notices_wait{now});
}

} // namespace drover
