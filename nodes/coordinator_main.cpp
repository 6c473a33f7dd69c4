// drover-coordinator: the one that decides. Opens the store, serves hosts and people.
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/certificate_book.hpp"
#include "actors/edge/certify.hpp"
#include "actors/edge/listener.hpp"
#include "actors/edge/loop.hpp"
#include "actors/farm.hpp"
#include "config/zone.hpp"
#include "nodes/command_runner.hpp"
#include "nodes/config_reload.hpp"
#include "nodes/coordinator_backup.hpp"
#include "nodes/coordinator_enrolment.hpp"
#include "nodes/coordinator_notices.hpp"
#include "nodes/coordinator_web.hpp"
#include "nodes/http/api.hpp"
#include "nodes/http/listen.hpp"
#include "nodes/http/server.hpp"
#include "nodes/junit_xml.hpp"
#include "nodes/runtime.hpp"
#include "nodes/sd_notify.hpp"
#include "nodes/sources/watch.hpp"
#include "nodes/version.hpp"
#include "schema/limits.hpp"
#include "schema/limits_enrolment.hpp"
#include "storage/identities.hpp"
#include "storage/rocks_store.hpp"
#include "storage/tables.hpp"

#include <CLI/CLI.hpp>
#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <spdlog/spdlog.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace drover {
namespace {

core::store_room room_below(const std::string& folder) {
  struct statvfs disk {};
  if (statvfs(folder.c_str(), &disk) != 0)
    return {};
  return {uint64_t{disk.f_bavail} * disk.f_frsize, uint64_t{disk.f_blocks} * disk.f_frsize};
}

struct options {
  std::string dir;
  std::string config;
  std::string folder; ///< empty: that of `config`
  std::string listen;
  std::string socket;
  std::string token_file;
  int port = -1;
  std::string web;
  std::vector<std::string> web_names;
  bool accept_short_store = false;
  std::string public_address; ///< of `listen`, as other machines reach it; empty: as it is
  int64_t certificate_seconds = std::chrono::seconds{limits::host_certificate_life}.count();
};

void log_doubts(const loaded_config& loaded) {
  for (const auto& warning : loaded.warnings)
    spdlog::warn("config doubt=\"{}\"", line_of(warning));
}

/// Prints all mistakes of the config; none: the config.
std::optional<reload_config> read_config(const std::string& path) {
  auto loaded = load_for_reload(path, "start");
  if (const auto* refused = std::get_if<config_refused>(&loaded)) {
    for (const auto& error : refused->errors)
      std::fprintf(stderr, "%s\n", line_of(error).c_str());
    return std::nullopt;
  }
  log_doubts(std::get<loaded_config>(loaded));
  return std::get<loaded_config>(std::move(loaded)).request;
}

/// All of the file comes into force, or nothing changes and the log says why.
void reload(caf::actor_system& system, const coordinator_actor& coordinator,
            const std::string& path) {
  auto loaded = load_for_reload(path, "SIGHUP");
  if (const auto* refused = std::get_if<config_refused>(&loaded)) {
    for (const auto& error : refused->errors)
      spdlog::error("config mistake=\"{}\"", line_of(error));
    spdlog::error("config not reloaded mistakes={}; what was in force stays so",
                  refused->errors.size());
    return;
  }
  log_doubts(std::get<loaded_config>(loaded));
  caf::scoped_actor self{system};
  self->request(coordinator, limits::request_timeout, std::get<loaded_config>(loaded).request)
    .receive(
      [](const expected<accepted>& answer) {
        if (answer)
          spdlog::info("config reload result=\"{}\"", answer->text);
        else
          spdlog::error("config not reloaded reason=\"{}\"", answer.error().text);
      },
      [&system](const caf::error& problem) {
        spdlog::error("config reload unanswered reason=\"{}\"", system.render(problem));
      });
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
                                        const farm_actors& farm, const enrolment& enrolled) {
  listener_settings settings{chosen.listen, coordinator_key_files(chosen.dir + "/keys"),
                             arrival_taker{farm.coordinator}};
  settings.enroller = enrolled.enroller;
  settings.book = enrolled.book;
  settings.warden = enrolled.warden;
  auto opened = listener::open(loop, settings);
  if (!opened)
    stop_fatally(opened.error().text);
  return std::move(*opened);
}

/// Where other machines find the hosts' port.
std::string address_of(const options& chosen, uint16_t port) {
  return chosen.public_address.empty()
           ? chosen.listen.substr(0, chosen.listen.rfind(':')) + ":" + std::to_string(port)
           : chosen.public_address;
}

std::unique_ptr<http::server> serve_people(const options& chosen, http::api_parts parts,
                                           std::shared_ptr<boost::asio::io_context> loop) {
  http::server_settings settings;
  settings.loop = std::move(loop);
  settings.socket_path = chosen.socket;
  if (chosen.port >= 0)
    settings.port = static_cast<uint16_t>(chosen.port);
  settings.handle = http::make_api(std::move(parts));
  auto started = http::server::start(std::move(settings));
  if (!started)
    stop_fatally(started.error().text);
  return std::move(*started);
}

/// The pages, if they are wanted.
std::unique_ptr<web_door> serve_browsers(const options& chosen, http::api_parts parts) {
  if (chosen.web.empty())
    return nullptr;
  auto opened = web_door::open(chosen.web, chosen.web_names, std::move(parts));
  if (!opened)
    stop_fatally(opened.error().text);
  spdlog::info("coordinator web={}", (*opened)->url());
  return std::move(*opened);
}

/// The token of whoever started the farm; it is in no store. Its name is that of its file.
http::file_token owner_token(const std::string& path) {
  if (path.empty())
    return {};
  auto token = http::read_token(path);
  if (!token)
    stop_fatally(token.error().text);
  return {http::digest_of_token(*token), std::filesystem::path{path}.filename().string()};
}

gateway_actor open_gateway(caf::actor_system& system, const census_actor& census) {
  auto gateway = http::spawn_gateway(system);
  caf::anon_send(census, enlistment{"gateway", "gateway", "coordinator", gateway});
  caf::actor_cast<caf::actor>(gateway)->attach_functor([&system](const caf::error& reason) {
    if (reason != caf::exit_reason::user_shutdown)
      stop_fatally("its gateway died: " + system.render(reason));
  });
  return gateway;
}

http::password_keeper open_passwords(caf::actor_system& system, const census_actor& census) {
  auto made = http::spawn_password_keeper(system);
  caf::anon_send(census,
                 enlistment{"password_keeper", "password_keeper", "coordinator", made.actor});
  return made;
}

/// How the API reads the file again.
http::config_reader reader_of(const std::string& path) {
  return [path](const std::string& by) {
    auto loaded = load_for_reload(path, by);
    http::config_reading out;
    if (const auto* refused = std::get_if<config_refused>(&loaded))
      for (const auto& error : refused->errors)
        out.mistakes.push_back({error.file, error.line, error.column, error.message});
    else
      out.request = std::get<loaded_config>(std::move(loaded)).request;
    return out;
  };
}

std::string config_folder_of(const options& chosen) {
  return chosen.folder.empty() ? std::filesystem::canonical(chosen.config).parent_path().string()
                               : chosen.folder;
}

source_fetcher_actor spawn_fetcher(caf::actor_system& system,
                                   const std::shared_ptr<sources::watcher>& watch,
                                   const farm_actors& farm) {
  fetcher_parts parts;
  parts.take = [watch](const auto& source, const auto& name) { return watch->take(source, name); };
  parts.download = [watch](const auto& url, const auto& name) {
    return watch->download_tarball(url, name);
  };
  parts.files = watch;
  parts.artifacts = farm.artifacts;
  parts.census = farm.census;
  return spawn_source_fetcher(system, parts);
}

void serve_until_stopped(caf::actor_system& system, const farm_actors& farm,
                         const options& chosen) {
  tell_service_manager(service::ready);
  auto signal = wait_for_stop([&] { reload(system, farm.coordinator, chosen.config); });
  tell_service_manager(service::stopping);
  spdlog::info("coordinator stops signal={}", signal);
}

farm_settings settings_of(const options& chosen, const reload_config& loaded, epoch now,
                          std::shared_ptr<storage::store> store) {
  farm_settings settings{loaded.config,
                         now,
                         std::move(store),
                         system_wall_clock(),
                         blocking_actors::own_thread,
                         [](const std::string& why) { stop_fatally(why); },
                         loaded.source,
                         program_version(),
                         {},
                         read_junit_xml};
  settings.zones = open_zone;
  settings.room = [folder = chosen.dir] { return room_below(folder); };
  return settings;
}

/// What the API answers from, but for actors that are spawned later.
http::api_parts parts_of(const options& chosen, const farm_actors& farm,
                         const farm_settings& settings, http::gateway door) {
  http::api_parts parts{settings.config.farm, program_version(), settings.now,   settings.store,
                        farm.coordinator,     farm.log_sink,     farm.artifacts, std::move(door)};
  parts.recorder = farm.recorder;
  parts.analyst = farm.analyst;
  parts.cache = farm.cache;
  parts.clock = settings.clock;
  parts.room = settings.room;
  parts.read_config = reader_of(chosen.config);
  parts.owner = owner_token(chosen.token_file);
  return parts;
}

int run(const options& chosen) {
  auto loaded = read_config(chosen.config);
  if (!loaded)
    return exit_usage;
  const auto* config = &loaded->config;
  auto store = open_store(chosen);
  auto now = begin_epoch(*store);
  spdlog::info("coordinator starts farm={} epoch={} version={}", config->farm, now.counter,
               program_version());
  auto config_folder = config_folder_of(chosen);
  auto watch = std::make_shared<sources::watcher>(chosen.dir + "/sources", config_folder);
  // On one core a second worker only takes turns with the first. (A host has two all the same: its
  // workers start processes and write to the disk.)
  actor_settings actor_system_settings{std::min(2u, usable_cores())};
  caf::actor_system system{actor_system_settings};
  auto settings = settings_of(chosen, *loaded, now, store);
  settings.sources = watch;
  auto commands = std::make_shared<command_runner>();
  settings.commands = commands;
  auto farm = spawn_farm(system, settings);
  if (!farm)
    stop_fatally(farm.error().text);
  auto gateway = open_gateway(system, farm->census);
  farm_voice voice{system, *farm, settings, config_folder};
  auto people = std::make_shared<boost::asio::io_context>();
  auto parts = parts_of(chosen, *farm, settings, {gateway, people});
  parts.fetcher = spawn_fetcher(system, watch, *farm);
  parts.outbox = voice.outbox();
  backup_sources kept{chosen.dir + "/keys", chosen.config};
  parts.keeper = http::spawn_store_keeper(
    system, {store, farm->recorder, farm->census, settings.clock,
             [store, kept](const std::string& to) { return make_backup(*store, kept, to); },
             farm->coordinator, farm->archivist});
  auto keeper = parts.keeper;
  auto fetcher = parts.fetcher;
  parts.passwords = open_passwords(system, farm->census);
  auto passwords = parts.passwords;
  {
    edge_loop loop{system};
    auto enrolled =
      begin_enrolment(system, loop, settings, *farm,
                      {chosen.dir + "/keys", std::chrono::seconds{chosen.certificate_seconds}});
    auto door = open_listener(loop, chosen, *farm, enrolled);
    parts.enrolment = desk_of(enrolled, address_of(chosen, door->port()));
    auto browsers = serve_browsers(chosen, parts);
    auto pages = serve_people(chosen, std::move(parts), people);
    spdlog::info("coordinator ready hosts_port={} socket={}", door->port(), chosen.socket);
    serve_until_stopped(system, *farm, chosen);
    watch->stop();
    commands->stop();
    browsers.reset();
    pages.reset();
    door->stop();
    voice.stop();
    http::stop_gateway(gateway);
    http::stop_store_keeper(keeper);
    stop_source_fetcher(fetcher);
    http::stop_password_keeper(passwords);
    end_enrolment(system, enrolled);
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
  app.add_option("--folder", chosen.folder,
                 "what relative folders in farm.yaml are relative to (farm.yaml's own folder)");
  app.add_option("--listen", chosen.listen, "HOST:PORT for hosts (port 0: any free one)")
    ->default_val("127.0.0.1:0");
  app.add_option("--public", chosen.public_address,
                 "HOST:PORT by which other machines reach --listen; new hosts are told it");
  app
    .add_option("--certificate-life", chosen.certificate_seconds,
                "how long certificates of new hosts hold, as 90d; they renew them in time")
    ->transform(CLI::AsNumberWithUnit(
      std::map<std::string, int64_t>{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}}));
  app.add_option("--socket", chosen.socket, "Unix socket of the API")->required();
  app.add_option("--port", chosen.port, "also serve the API on 127.0.0.1:PORT, with a token");
  app.add_option("--web", chosen.web,
                 "also serve web pages on HOST:PORT; who may look, farm.yaml says");
  app.add_option("--web-name", chosen.web_names,
                 "a name by which a proxy on this machine reaches the pages, as farm.example.org");
  app.add_option("--token-file", chosen.token_file, "the token for --port, one line");
  app.add_flag("--accept-short-store", chosen.accept_short_store,
               "open a store that has lost its newest part, knowingly");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : drover::exit_usage;
  }
  drover::start_runtime("drover-coordinator");
  drover::expect_hangups();
  try {
    return drover::run(chosen);
  } catch (const std::exception& error) {
    drover::stop_fatally(error.what());
  }
}
