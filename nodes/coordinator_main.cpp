// drover-coordinator: the one that decides. Opens the store, serves hosts and people.
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/listener.hpp"
#include "actors/edge/loop.hpp"
#include "actors/farm.hpp"
#include "config/config.hpp"
#include "nodes/http/api.hpp"
#include "nodes/http/server.hpp"
#include "nodes/runtime.hpp"
#include "nodes/version.hpp"
#include "storage/rocks_store.hpp"
#include "storage/tables.hpp"

#include <CLI/CLI.hpp>
#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <filesystem>

namespace drover {
namespace {

struct options {
  std::string dir;
  std::string config;
  std::string listen;
  std::string socket;
  std::string token_file;
  int port = -1;
  bool accept_short_store = false;
};

/// Prints all mistakes of the config; none: the config.
std::optional<farm_config> read_config(const std::string& path) {
  auto report = load_config(path);
  for (const auto& error : report.errors)
    std::fprintf(stderr, "%s\n", format(error, path).c_str());
  return report.config;
}

std::shared_ptr<storage::rocks_store> open_store(const options& chosen) {
  std::filesystem::create_directories(chosen.dir);
  storage::open_options how;
  how.accept_short = chosen.accept_short_store;
  how.clock = [] {
    return std::chrono::duration_cast<milliseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
  };
  auto opened = storage::rocks_store::open(chosen.dir + "/store", how);
  if (!opened)
    stop_fatally(opened.error().text);
  for (const auto& note : (*opened)->notes())
    spdlog::warn("store note=\"{}\"", note);
  return std::move(*opened);
}

/// A new life of the farm begins: its epoch is durable before anybody hears of it.
epoch begin_epoch(storage::store& store) {
  auto last = storage::read_epoch(store);
  if (!last)
    stop_fatally(last.error().text);
  epoch now{last->counter + 1, random_number()};
  storage::write_batch batch;
  storage::put_epoch(batch, now);
  if (auto problem = store.commit(batch, storage::durability::synced))
    stop_fatally(problem->text);
  return now;
}

std::unique_ptr<listener> open_listener(edge_loop& loop, const options& chosen,
                                        const farm_actors& farm) {
  auto folder = chosen.dir + "/keys";
  if (auto problem = make_farm_keys(folder))
    stop_fatally(problem->text);
  auto opened = listener::open(
    loop, {chosen.listen, coordinator_key_files(folder), arrival_taker{farm.coordinator}});
  if (!opened)
    stop_fatally(opened.error().text);
  return std::move(*opened);
}

std::unique_ptr<http::server> serve_people(const options& chosen, http::api_parts parts,
                                           std::shared_ptr<boost::asio::io_context> loop) {
  http::server_settings settings;
  settings.loop = std::move(loop);
  settings.socket_path = chosen.socket;
  if (chosen.port >= 0)
    settings.port = static_cast<uint16_t>(chosen.port);
  settings.token_file = chosen.token_file;
  settings.handle = http::make_api(std::move(parts));
  auto started = http::server::start(std::move(settings));
  if (!started)
    stop_fatally(started.error().text);
  return std::move(*started);
}

int run(const options& chosen) {
  auto config = read_config(chosen.config);
  if (!config)
    return exit_usage;
  auto store = open_store(chosen);
  auto now = begin_epoch(*store);
  spdlog::info("coordinator starts farm={} epoch={} version={}", config->farm, now.counter,
               program_version());
  actor_settings actor_system_settings;
  caf::actor_system system{actor_system_settings};
  farm_settings settings{*config,
                         now,
                         store,
                         system_wall_clock(),
                         blocking_actors::own_thread,
                         [](const std::string& why) { stop_fatally(why); }};
  auto farm = spawn_farm(system, settings);
  if (!farm)
    stop_fatally(farm.error().text);
  auto gateway = http::spawn_gateway(system);
  caf::anon_send(farm->census, enlistment{"gateway", "gateway", "coordinator", gateway});
  caf::actor_cast<caf::actor>(gateway)->attach_functor([&system](const caf::error& reason) {
    if (reason != caf::exit_reason::user_shutdown)
      stop_fatally("its gateway died: " + system.render(reason));
  });
  auto people = std::make_shared<boost::asio::io_context>();
  http::api_parts parts{config->farm,    program_version(), now,
                        store,           farm->coordinator, farm->log_sink,
                        farm->artifacts, {gateway, people}};
  {
    edge_loop loop{system};
    auto door = open_listener(loop, chosen, *farm);
    auto pages = serve_people(chosen, std::move(parts), people);
    spdlog::info("coordinator ready hosts_port={} socket={}", door->port(), chosen.socket);
    auto signal = wait_for_stop();
    spdlog::info("coordinator stops signal={}", signal);
    pages.reset();
    door->stop();
    http::stop_gateway(gateway);
    stop_farm(*farm);
    loop.stop();
  }
  farm = failure{};
  system.await_all_actors_done();
  if (auto problem = store->close())
    stop_fatally(problem->text);
  return 0;
}

} // namespace
} // namespace drover

int main(int argc, char** argv) {
  drover::options chosen;
  CLI::App app{"drover-coordinator: decides who builds what, keeps every result.\n"
               "Usually started by `drover up` or by systemd."};
  app.set_version_flag("--version", drover::program_version());
  app.add_option("--dir", chosen.dir, "its state: store and keys")->required();
  app.add_option("--config", chosen.config, "farm.yaml")->required();
  app.add_option("--listen", chosen.listen, "HOST:PORT for hosts (port 0: any free one)")
    ->default_val("127.0.0.1:0");
  app.add_option("--socket", chosen.socket, "Unix socket of the API")->required();
  app.add_option("--port", chosen.port, "also serve the API on 127.0.0.1:PORT, with a token");
  app.add_option("--token-file", chosen.token_file, "the token for --port, one line");
  app.add_flag("--accept-short-store", chosen.accept_short_store,
               "open a store that has lost its newest part, knowingly");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : drover::exit_usage;
  }
  drover::start_runtime("drover-coordinator");
  try {
    return drover::run(chosen);
  } catch (const std::exception& error) {
    drover::stop_fatally(error.what());
  }
}
