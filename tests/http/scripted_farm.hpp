#pragma once
// A farm behind the API that does what a test says: a store in memory, actors that answer.
// SPDX-License-Identifier: Apache-2.0

#include "actors/census.hpp"
#include "actors/recorder.hpp"
#include "nodes/http/api.hpp"
#include "storage/memory_store.hpp"
#include "tests/http/raw_client.hpp"
#include "tools/drover/client.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>

#include <atomic>
#include <map>
#include <mutex>

namespace drover::http::test {

/// What the actors answer and what they were asked. The test's thread and theirs both use it.
struct script {
  std::mutex mutex;
  std::shared_ptr<storage::memory_store> store = std::make_shared<storage::memory_store>();
  expected<submitted> submission_answer = submitted{};
  std::optional<submission> asked;
  std::optional<cancel_build> cancelled;
  std::optional<retry_build> retried;
  std::optional<host_order> ordered;
  std::optional<reload_config> reloaded;
  std::shared_ptr<const live_config> live = std::make_shared<live_config>();
  std::vector<host_view> hosts;
  std::vector<waiting_view> waiting;
  std::vector<actor_entry> actors;
  std::map<uint64_t, storage::blob_writer> uploads;
  uint64_t aborted = 0;
  config_reading reading;
  std::atomic<int64_t> now_ms{1'769'860'800'000};
  /// Runs when somebody waits: what makes the log grow, or the build end.
  std::function<void()> on_wait = [] {};
};

inline coordinator_actor::behavior_type scripted_coordinator(coordinator_actor::pointer,
                                                             std::shared_ptr<script> plan) {
  using lock = std::lock_guard<std::mutex>;
  return {
    [plan](const submission& wanted) {
      lock hold{plan->mutex};
      plan->asked = wanted;
      return plan->submission_answer;
    },
    [plan](const cancel_build& order) -> expected<accepted> {
      lock hold{plan->mutex};
      plan->cancelled = order;
      return accepted{"build is being cancelled"};
    },
    [plan](const retry_build& wanted) {
      lock hold{plan->mutex};
      plan->retried = wanted;
      return plan->submission_answer;
    },
    [plan](const host_order& order) -> expected<accepted> {
      lock hold{plan->mutex};
      plan->ordered = order;
      return accepted{"the host is told"};
    },
    [](const look_now&) -> expected<accepted> { return accepted{"it is being looked at"}; },
    [](const change_found&) -> expected<submitted> { return submitted{}; },
    [plan](const reload_config& order) -> expected<accepted> {
      lock hold{plan->mutex};
      plan->reloaded = order;
      return accepted{"generation 2 is in force"};
    },
    [plan](const config_query&) {
      lock hold{plan->mutex};
      return plan->live;
    },
    [plan](const hosts_query&) {
      lock hold{plan->mutex};
      return plan->hosts;
    },
    [plan](const waiting_query&) {
      lock hold{plan->mutex};
      return plan->waiting;
    },
    [plan](const actors_query&) {
      lock hold{plan->mutex};
      return plan->actors;
    },
    [plan](const over_query&) {
      lock hold{plan->mutex};
      plan->on_wait();
      return true;
    },
    [](const arrival&) {},
    [](const host_news&) {},
    [](const host_name&, const attempt_started&) {},
    [](const host_name&, const attempt_ended&) {},
    [](const attempt_lost&) {},
    [](const stray_attempt&) {},
    [](const host_name&, const build_closed&) {},
    [](const build_over&) {},
    [](const build_homeless&) {},
    [](const hedge_over&) {},
    [](const command_over&) {},
    [](atom::plan) {},
    [](atom::tick) {},
    [](atom::describe) { return actor_entry{}; },
  };
}

inline log_sink_actor::behavior_type scripted_sink(log_sink_actor::pointer,
                                                   std::shared_ptr<script> plan) {
  return {
    [](const log_append&) {},
    [plan](const log_wait& asked) {
      std::lock_guard<std::mutex> hold{plan->mutex};
      plan->on_wait();
      auto size = storage::log_size(*plan->store, asked.attempt);
      return size ? *size : uint64_t{0};
    },
    [](atom::seal, const attempt_id&) {},
    [](atom::tick) {},
    [](atom::describe) { return actor_entry{}; },
  };
}

inline artifact_store_actor::behavior_type scripted_artifacts(artifact_store_actor::pointer,
                                                              std::shared_ptr<script> plan) {
  return {
    [plan](const upload_piece& piece) -> expected<uint64_t> {
      std::lock_guard<std::mutex> hold{plan->mutex};
      auto [writer, fresh] = plan->uploads.try_emplace(piece.upload, *plan->store);
      if (auto wrong = writer->second.append(piece.bytes))
        return *wrong;
      return writer->second.size();
    },
    [plan](const upload_end& end) -> expected<stored_blob> {
      std::lock_guard<std::mutex> hold{plan->mutex};
      auto writer = plan->uploads.find(end.upload);
      auto size = writer->second.size();
      auto sha256 = writer->second.finish();
      plan->uploads.erase(writer);
      if (!sha256)
        return sha256.error();
      return stored_blob{*sha256, size};
    },
    [plan](const upload_abort& gone) {
      std::lock_guard<std::mutex> hold{plan->mutex};
      plan->uploads.erase(gone.upload);
      ++plan->aborted;
    },
    [](const blob_read&) {},
    [](const blob_write&) {},
    [](atom::describe) { return actor_entry{}; },
  };
}

/// All of it together, with a server on a socket and a client for it.
class scripted_farm {
public:
  std::shared_ptr<script> plan = std::make_shared<script>();

private:
  scratch_folder folder_;
  caf::actor_system_config config_;
  caf::actor_system system_{config_};
  std::shared_ptr<asio::io_context> loop_ = std::make_shared<asio::io_context>(1);
  gateway_actor gateway_ = spawn_gateway(system_);
  coordinator_actor coordinator_ = system_.spawn(scripted_coordinator, plan);
  log_sink_actor sink_ = system_.spawn(scripted_sink, plan);
  artifact_store_actor artifacts_ = system_.spawn(scripted_artifacts, plan);
  census_actor census_ = system_.spawn(census, std::string{"coordinator"});
  recorder_actor recorder_ = system_.spawn(recorder, settings_of(*plan), census_, uint64_t{0});
  store_keeper keeper_;
  password_keeper passwords_ = spawn_password_keeper(system_, password_cost::least);
  std::unique_ptr<server> server_;

  static cli::farm_address address_of(const std::string& socket) {
    cli::farm_address address;
    address.socket = address.text = socket;
    return address;
  }
  static farm_settings settings_of(const script& plan) {
    farm_settings settings;
    settings.store = plan.store;
    settings.fatal = [](const std::string& why) { throw std::runtime_error{why}; };
    return settings;
  }

public:
  std::string socket = folder_.path + "/s";
  cli::client client{address_of(socket)};
  uint16_t port = 0; ///< with tokens; `owner_token` is one

  static constexpr auto owner_token = "a token that stands in a file";

  explicit scripted_farm(milliseconds idle = limits::http_idle_timeout) {
    keeper_ = spawn_store_keeper(
      system_, {plan->store, recorder_, census_, clock(), [](const std::string& to) {
                  return expected<backup_report>{backup_report{to, 4096, 7}};
                }});
    server_settings settings;
    settings.loop = loop_;
    settings.socket_path = socket;
    settings.port = 0;
    settings.idle_timeout = idle;
    settings.handle = make_api(parts_on(loop_));
    auto started = server::start(std::move(settings));
    if (!started)
      throw std::runtime_error{started.error().text};
    server_ = std::move(*started);
    port = server_->port();
  }
  ~scripted_farm() {
    server_.reset();
    stop_coordinator();
    caf::anon_send_exit(sink_, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(artifacts_, caf::exit_reason::user_shutdown);
    stop_gateway(gateway_);
    stop_store_keeper(keeper_);
    stop_password_keeper(passwords_);
    caf::anon_send_exit(recorder_, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(census_, caf::exit_reason::user_shutdown);
  }
  wall_clock clock() const {
    return [plan = plan] { return wall_time{plan->now_ms}; };
  }
  /// What an API answers from, on the loop of its server.
  api_parts parts_on(std::shared_ptr<asio::io_context> loop) const {
    api_parts parts{"test",       "0.1", epoch{3, 99}, plan->store,
                    coordinator_, sink_, artifacts_,   gateway{gateway_, std::move(loop)}};
    parts.recorder = recorder_;
    parts.clock = clock();
    parts.owner = {digest_of_token(owner_token), "token-file"};
    parts.read_config = [plan = plan](const std::string&) { return plan->reading; };
    parts.keeper = keeper_;
    parts.passwords = passwords_;
    return parts;
  }
  caf::actor_system& system() { return system_; }
  const password_keeper& passwords() const { return passwords_; }
  /// As at the end of the coordinator: nobody is served any more.
  void stop_serving() { server_.reset(); }
  /// Commits through the recorder, as actors do; returns once it is durable.
  void commit(storage::write_batch batch) {
    caf::scoped_actor self{system_};
    self->request(recorder_, caf::infinite, std::move(batch))
      .receive([](recorded) {},
               [](const caf::error&) { throw std::runtime_error{"not recorded"}; });
  }
  void stop_coordinator() { caf::anon_send_exit(coordinator_, caf::exit_reason::user_shutdown); }
};

} // namespace drover::http::test
