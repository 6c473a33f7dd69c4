// What people order of the farm beside submissions: retries, orders to hosts, another config.
// SPDX-License-Identifier: Apache-2.0
#include "actors/coordinator.hpp"
#include "actors/core/config_changes.hpp"
#include "actors/core/events.hpp"
#include "actors/core/params.hpp"
#include "actors/core/submit.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

namespace {

/// The build once more: today's recipe, and of the old one what made it a cell of its campaign.
build_file repeated(const build_file& old, const builder_spec& recipe, const retry_build& request,
                    build_id id, const limits_spec& limits) {
  auto file = core::make_build(id, recipe, old.build.source, limits);
  if (recipe.on.kind == placement_kind::each_class)
    file.recipe.requirement = old.recipe.requirement; // it names the class
  file.build.campaign = old.build.campaign;
  file.build.params = core::params_of(recipe, old.build.params);
  file.build.pinned = old.build.pinned;
  file.build.requested_by = request.by;
  file.build.requested_because =
    request.reason.empty() ? "retry of build " + to_string(old.build.id) : request.reason;
  file.build.retry_of = old.build.id;
  return file;
}

} // namespace

void coordinator_state::enqueue(std::vector<build_file> made) {
  for (auto& file : made) {
    auto id = file.build.id;
    count_in(file.build);
    queue[id] = core::to_queue_entry(file);
    queued[id] = std::move(file);
  }
  schedule_plan();
}

// -- retries -------------------------------------------------------------------------------------

caf::result<expected<submitted>> coordinator_state::retry(const retry_build& request) {
  if (auto problem = no_room())
    return expected<submitted>{*problem};
  using answer = expected<submitted>;
  auto old = storage::read_build_file(*settings.store, request.build);
  if (!old)
    return answer{old.error()};
  auto named = "build " + to_string(request.build);
  if (!*old)
    return answer{failure{ec::not_found, "there is no " + named}};
  if ((*old)->build.state != build_state::finished)
    return answer{failure{ec::conflict, named + " is not over yet: cancel it first, or wait"}};
  const auto* recipe = core::find_builder(settings.config, (*old)->build.builder);
  if (recipe == nullptr)
    return answer{failure{ec::conflict, named + " can't be repeated: the configuration has no '"
                                          + (*old)->build.builder + "' any more"}};
  auto file = repeated(**old, *recipe, request, {++last_build.value}, settings.config.limits);
  file.build.generation = generation;
  file.build.created_at = settings.clock();
  storage::write_batch batch;
  put_new_build(batch, file);
  take_cell((*old)->build, file.build, batch);
  auto promise = self->make_response_promise<answer>();
  submitted made{{}, {file.build.id}};
  self
    ->request(services.recorder, caf::infinite, std::move(batch)) // as in `submit`
    .then([this, promise, made, file = std::move(file)](recorded) mutable {
      enqueue({std::move(file)});
      promise.deliver(answer{made});
    });
  return promise;
}

/// The repeated build stands in its campaign's table where the old one stood.
void coordinator_state::take_cell(const build_record& old, const build_record& fresh,
                                  storage::write_batch& batch) {
  if (old.campaign.value == 0)
    return;
  auto campaign = storage::read_campaign(*settings.store, old.campaign);
  if (!campaign || !*campaign) {
    spdlog::error("campaign={} keeps its old cell for build {}: {}", old.campaign.value,
                  old.id.value, campaign ? "it is not there" : campaign.error().text);
    return;
  }
  for (auto& cell : (*campaign)->cells)
    if (cell.build == old.id)
      cell.build = fresh.id;
  storage::put_campaign(batch, **campaign);
}

// -- hosts ---------------------------------------------------------------------------------------

caf::result<expected<accepted>> coordinator_state::order_host(const host_order& request) {
  auto known = herd.find(request.host);
  if (known == herd.end())
    return expected<accepted>{failure{
      ec::not_found, "there is no host '" + printable(request.host.value, limits::name_bytes_max)
                       + "' in this farm; `drover hosts` lists them"}};
  if (request.action == host_action::forget)
    return forget(request);
  bool held = known->second.view.record.hold.kind != hold_kind::none;
  if (request.action == host_action::resume && !held
      && known->second.stage.stage == host_stage::probation)
    return trust(request);
  return self->delegate(known->second.supervisor, request);
}

caf::result<expected<accepted>> coordinator_state::forget(const host_order& request) {
  using answer = expected<accepted>;
  auto known = herd.find(request.host);
  const auto& member = known->second;
  const auto& host = request.host.value;
  bool configured = std::any_of(settings.config.hosts.begin(), settings.config.hosts.end(),
                                [&](const host_spec& spec) { return spec.name == host; });
  if (configured)
    return answer{
      failure{ec::conflict, host + " is in the configuration: take it out there first"}};
  if (member.view.state != host_state::lost && member.view.state != host_state::joining)
    return answer{failure{ec::conflict, host + " is " + std::string{to_string(member.view.state)}
                                          + ": stop its drover-host first"}};
  if (member.used > 0)
    return answer{failure{ec::conflict, host + " still has builds: cancel them first"}};
  self->demonitor(member.supervisor.address());
  self->send_exit(member.supervisor, caf::exit_reason::user_shutdown);
  herd.erase(known);
  healing.trials.erase(request.host);
  storage::write_batch batch;
  storage::remove_host(batch, request.host);
  batch.events.push_back(core::host_order_event(
    request.host, request.by,
    "forgotten" + (request.reason.empty() ? std::string{} : ": " + request.reason),
    settings.clock()));
  auto promise = self->make_response_promise<answer>();
  self
    ->request(services.recorder, caf::infinite, std::move(batch)) // as in `submit`
    .then([promise, host](recorded) mutable {
      promise.deliver(answer{{host + " is forgotten; it is new if it ever joins again"}});
    });
  schedule_plan();
  return promise;
}

// -- configurations ------------------------------------------------------------------------------

/// At the start: the config is a new generation if its text is not that of the newest one.
void coordinator_state::begin_generation(const std::optional<config_record>& newest) {
  generation = newest ? newest->generation : 0;
  storage::write_batch batch;
  event_record started;
  started.kind = event_kind::farm_started;
  started.at = settings.clock();
  started.text =
    "coordinator " + settings.version + ", epoch " + std::to_string(settings.now.counter);
  batch.events.push_back(started);
  if (!newest || newest->files != settings.source.files)
    note_config(batch, newest ? "changed while the coordinator was down" : "the first one");
  live = std::make_shared<live_config>(live_config{generation, settings.config});
  self->request(services.recorder, caf::infinite, std::move(batch)).then([](recorded) {});
}

/// Adds the config that is to be in force to `batch`, as the next generation.
void coordinator_state::note_config(storage::write_batch& batch, const std::string& summary) {
  auto kept = settings.source;
  kept.generation = ++generation;
  kept.at = settings.clock();
  kept.summary = printable(summary, limits::reason_bytes_max);
  storage::put_config(batch, kept);
  if (generation > limits::config_generations_kept)
    storage::remove_config(batch, generation - limits::config_generations_kept);
  event_record event;
  event.kind = event_kind::config_loaded;
  event.at = kept.at;
  event.by = kept.by;
  event.text = "generation " + std::to_string(generation) + ": " + kept.summary;
  batch.events.push_back(std::move(event));
}

caf::result<expected<accepted>> coordinator_state::reload(const reload_config& request) {
  using answer = expected<accepted>;
  if (request.source.files == settings.source.files)
    return answer{{(settings.source.path.empty() ? "the configuration" : settings.source.path)
                   + " has not changed; generation " + std::to_string(generation)
                   + " stays in force"}};
  auto changes = core::config_changes(settings.config, request.config);
  bool other_sources = settings.config.sources != request.config.sources;
  settings.config = request.config;
  settings.source = request.source;
  storage::write_batch batch;
  note_config(batch, changes);
  apply_config();
  if (other_sources)
    spawn_sources();
  spdlog::info("config reloaded generation={} changes=\"{}\"", generation, changes);
  auto promise = self->make_response_promise<answer>();
  auto text = "generation " + std::to_string(generation) + " is in force: " + changes;
  self
    ->request(services.recorder, caf::infinite, std::move(batch)) // as in `submit`
    .then([promise, text](recorded) mutable { promise.deliver(answer{{text}}); });
  return promise;
}

/// Running builds keep their recipes; hosts get their slots and labels, new ones are waited for.
void coordinator_state::apply_config() {
  live = std::make_shared<live_config>(live_config{generation, settings.config});
  for (auto& [id, member] : herd) {
    member.slots = 0;
    member.labels.clear();
    label_host(id, member);
  }
  for (const auto& spec : settings.config.hosts) {
    host_record record;
    record.name = {spec.name};
    auto& member = herd.contains(record.name) ? herd.at(record.name) : add_host(record);
    member.slots = spec.slots;
    member.labels = spec.labels;
  }
  schedule_plan();
}

caf::result<bool> coordinator_state::wait_until_over(const over_query& query) {
  if (!active.contains(query.build) && !queued.contains(query.build))
    return true;
  auto promise = self->make_response_promise<bool>();
  waiters.emplace(query.build, over_waiter{promise, self->clock().now() + query.patience});
  return promise;
}

} // namespace drover
