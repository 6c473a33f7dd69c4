// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/world.hpp"

#include "tests/sim/watched_store.hpp"

#include <caf/send.hpp>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <mutex>
#include <random>

namespace drover::sim {

using namespace std::chrono_literals;

namespace {

/// Every build must have ended so long after the last fault: a lease, what was queued, and then
/// some.
constexpr milliseconds heal_time_max = 30min;
/// Every host must be back so long after the last fault: the longest wait between two tries, with
/// its jitter, and what a broken link takes to be noticed.
constexpr milliseconds back_time_max = 20s;
/// What may be left of builds that have ended must be gone so long afterwards.
constexpr milliseconds clean_up_time = 20s;

/// Hands lines of the log to the world: an error is for a human to act on, so it fails the run.
class log_tap final : public spdlog::sinks::base_sink<std::mutex> {
public:
  using taker = std::function<void(int level, const std::string& text)>;
  explicit log_tap(taker take) : take_{std::move(take)} {}

protected:
  void sink_it_(const spdlog::details::log_msg& line) override {
    take_(static_cast<int>(line.level), std::string{line.payload.data(), line.payload.size()});
  }
  void flush_() override {}

private:
  taker take_;
};

/// The defect `unrepeatable` adds what no seed knows.
uint64_t seed_of(const sim_options& options) {
  if (!options.unrepeatable)
    return options.seed;
  return options.seed ^ mixed(std::random_device{}());
}

} // namespace

world::world(const sim_options& options)
    : options_{options}, engine_{seed_of(options), options.trace},
      store_{std::make_shared<storage::memory_store>()}, judges_{engine_, witness_, store_},
      network_{engine_, judges_} {
  auto tap = std::make_shared<log_tap>(
    [this](int level, const std::string& text) { log_line(level, text); });
  auto logger = std::make_shared<spdlog::logger>("simulation", tap);
  logger->set_level(options.trace ? spdlog::level::info : spdlog::level::err);
  spdlog::set_default_logger(logger);
  auto hosts =
    options.hosts == 0 ? static_cast<uint32_t>(engine_.random.between(2, 5)) : options.hosts;
  faults_ = choose_faults(engine_.random, options.faults);
  if (options_.hosts == 0 && (faults_.herd_cut_every.count() > 0 || faults_.black_hole))
    hosts = static_cast<uint32_t>(engine_.random.between(5, 8));
  network_.faults = faults_;
  workload_.emplace(engine_, judges_, *store_, hosts, faults_);
  for (const auto& spec : workload_->config().hosts) {
    machine made;
    made.name = {spec.name};
    made.facts = {{"os", "linux"}, {"cores", machines_.empty() ? "8" : "2"}};
    machines_.push_back(std::move(made));
    new_disk(machines_.back());
  }
}

world::~world() {
  network_.close_all();
  if (farm_)
    stop_farm(*farm_);
  if (farm_life_)
    *farm_life_ = false;
  for (auto& host : machines_) {
    if (host.alive)
      *host.alive = false;
    if (host.agent)
      stop_host(*host.agent);
    host.agent.reset();
  }
  farm_.reset();
  engine_.drain();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("silent"));
}

void world::log_line(int level, const std::string& text) {
  if (level >= static_cast<int>(spdlog::level::err)) {
    bool expected =
      faults_.actor_death_every.count() > 0 && text.find("crashed") != std::string::npos;
    // The last words of a machine come after its successor on another disk.
    expected |= text.starts_with("two agents under one name")
                && (faults_.disk_loss > 0 || faults_.stop_every.count() > 0);
    // A stopped process that is killed still handles what waits for it; it has no effect any more.
    expected |= text.ends_with(dead_process);
    expected |= bad_disk_ && text.starts_with("store failed");
    if (!expected)
      engine_.fail("a line of the log asks for a human: " + text);
  } else {
    engine_.note("log " + text);
  }
}

// -- the coordinator -----------------------------------------------------------------------------

void world::start_farm() {
  auto last = storage::read_epoch(*store_);
  if (!last)
    return engine_.fail("the epoch can't be read: " + last.error().text);
  farm_life_ = std::make_shared<bool>(true);
  auto alive = farm_life_;
  farm_settings settings;
  settings.config = workload_->config();
  settings.now = {(*last).counter + 1, engine_.random.next()};
  auto watched = std::make_shared<watched_store>(
    engine_, store_, alive, [this](const auto& batch) { judges_.committed(batch); });
  watched->fails = [this] { return bad_disk_; };
  settings.store = watched;
  settings.clock = [this] { return wall_time{engine_.wall().ms + farm_clock_.count()}; };
  settings.blocking = blocking_actors::shared_scheduler;
  settings.fatal = [this, alive](const std::string& why) { farm_gives_up(why, alive); };
  storage::write_batch batch;
  storage::put_epoch(batch, settings.now);
  if (store_->commit(batch, storage::durability::synced))
    return engine_.fail("the epoch can't be stored");
  engine_.note("coordinator starts " + std::to_string(settings.now.counter));
  farm_process_ = engine_.new_process();
  auto farm =
    engine_.in_process(farm_process_, [&] { return spawn_farm(engine_.system, settings); });
  if (!farm)
    return engine_.fail("the coordinator does not start: " + farm.error().text);
  farm_ = *farm;
  judges_.healing.farm_is_new();
  network_.listen(farm_->coordinator, alive);
}

void world::kill_farm() {
  if (!farm_)
    return;
  engine_.note("coordinator dies");
  *farm_life_ = false;
  network_.process_died(farm_life_, network::ending::seen);
  stop_farm(*farm_);
  farm_.reset();
  bad_disk_ = false;
  judges_.healing.farm_is_new();
  judges_.after_crash(store_->crash());
}

/// An actor of the coordinator's says so while it runs: its process ends a moment later.
void world::farm_gives_up(const std::string& why, const life& alive) {
  if (!*alive)
    return;
  if (!bad_disk_)
    return engine_.fail("the coordinator gave up: " + why);
  engine_.note("the coordinator gives up: " + why);
  engine_.after(0ms, [this, alive] {
    if (!*alive)
      return;
    kill_farm();
    revive_farm_in(outage());
  });
}

void world::revive_farm_in(milliseconds time) {
  engine_.after(time, [this] {
    if (!farm_)
      start_farm();
  });
}

// -- hosts ---------------------------------------------------------------------------------------

void world::new_disk(machine& host) {
  if (host.disk)
    old_disks_.push_back(host.disk);
  host.disk = std::make_shared<host_disk>(engine_, witness_, host.name.value, host.disks++);
  host.disk->on_start = [this, name = host.name.value](const grant_token& token,
                                                       const host_disk& disk) {
    judges_.process_started(token, disk, workload_->slots_of(name));
  };
  host.disk->condition = {host.black_hole, healed_, host.clock};
  host.disk->on_poison = [this, name = host.name](const grant_token& token) {
    poisoned(name, token);
  };
}

void world::start_agent(size_t host) {
  auto& one = machines_[host];
  if (one.agent)
    return;
  one.alive = std::make_shared<bool>(true);
  if (std::exchange(one.booted, false))
    judges_.began_anew(one.name);
  host_settings settings;
  settings.self.host = one.name;
  settings.self.machine_id = one.name.value + "-disk-" + std::to_string(one.disks);
  settings.self.boot_id = one.name.value + "-boot-" + std::to_string(one.boots);
  settings.self.agent_incarnation = engine_.random.next();
  settings.self.version = "simulated";
  settings.self.slots = 1;
  settings.self.facts = one.facts;
  settings.spool = make_spool(one.disk, one.alive);
  settings.workspaces = make_workspaces(engine_, one.disk, one.alive, workload_->sources());
  settings.connect = [this, alive = one.alive](const hello& greeting,
                                               const host_agent_actor& agent) {
    network_.connect(greeting, agent, alive);
  };
  settings.clock = [this, host] {
    return wall_time{engine_.wall().ms + machines_[host].clock.count()};
  };
  settings.seed = engine_.random.next();
  settings.blocking = blocking_actors::shared_scheduler;
  settings.fatal = [this, alive = one.alive](const std::string& why) {
    if (*alive)
      engine_.fail("an agent gave up: " + why);
  };
  engine_.note("agent starts " + one.name.value);
  one.process = engine_.new_process();
  one.agent = engine_.in_process(one.process, [&] { return spawn_host(engine_.system, settings); });
}

void world::kill_agent(size_t host, network::ending how) {
  auto& one = machines_[host];
  if (!one.agent)
    return;
  engine_.note("agent dies " + one.name.value);
  *one.alive = false;
  one.disk->forget_watchers();
  network_.process_died(one.alive, how);
  stop_host(*one.agent);
  one.agent.reset();
}

void world::revive_agent_in(size_t host, milliseconds time) {
  auto outage = ++machines_[host].outages;
  engine_.after(time, [this, host, outage] {
    if (machines_[host].outages == outage)
      start_agent(host);
  });
}

void world::power_off(size_t host, milliseconds time) {
  auto& one = machines_[host];
  engine_.note("power fails " + one.name.value);
  kill_agent(host, network::ending::silent);
  one.disk->power_off();
  ++one.boots;
  one.booted = true;
  judges_.began_anew(one.name);
  if (engine_.random.happens(faults_.disk_loss))
    new_disk(one);
  revive_agent_in(host, 1s + time);
}

// -- the run -------------------------------------------------------------------------------------

bool world::all_is_well() const {
  return judges_.all_builds_over() && judges_.healing.nobody_is_quarantined();
}

/// Full strength again, without a person: every host has joined.
void world::check_all_are_back() {
  for (const auto& host : machines_)
    if (!network_.is_connected(host.name))
      engine_.fail(host.name.value + " is not back " + std::to_string(back_time_max.count())
                   + " ms after the last fault");
  if (network_.links() > 2 * machines_.size())
    engine_.fail("links of former connections are left: " + std::to_string(network_.links()));
}

outcome_of_run world::run() {
  start_farm();
  for (size_t host = 0; host < machines_.size(); ++host)
    start_agent(host);
  workload_->begin(options_.faulty_time, [this] {
    return farm_ ? office{farm_->coordinator, farm_life_} : office{};
  });
  judges_.healing.watch(workload_->config());
  arm_faults();
  engine_.run_until(options_.faulty_time);
  heal();
  auto healed_at = engine_.now();
  engine_.run_until(healed_at + back_time_max);
  if (!engine_.failed())
    check_all_are_back();
  do { // a second opinion may be asked for after the last build has ended
    engine_.run_until(healed_at + heal_time_max, [this] { return all_is_well(); });
    engine_.run_until(engine_.now() + clean_up_time);
  } while (!engine_.failed() && !all_is_well() && engine_.now() < healed_at + heal_time_max);
  if (!engine_.failed()) {
    judges_.at_end();
    judges_.healing.at_end();
    for (auto& host : machines_)
      judges_.host_at_end(host.name, *host.disk);
    judges_.check_old_promises();
    kill_farm(); // what was acknowledged must be durable
  }
  return {options_.seed, engine_.hash(), engine_.now(), judges_.builds(), engine_.failure()};
}

} // namespace drover::sim
