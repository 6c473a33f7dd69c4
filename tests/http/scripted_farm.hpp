#pragma once
// A farm behind the API that does what a test says: a store in memory, actors that answer.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/http/api.hpp"
#include "storage/memory_store.hpp"
#include "tests/http/raw_client.hpp"
#include "tools/drover/client.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

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
  std::vector<host_view> hosts;
  std::vector<waiting_view> waiting;
  std::vector<actor_entry> actors;
  std::map<uint64_t, storage::blob_writer> uploads;
  uint64_t aborted = 0;
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
  std::unique_ptr<server> server_;

public:
  std::string socket = folder_.path + "/s";
  cli::client client{cli::farm_address{socket, 0, "", socket}};

  scripted_farm() {
    server_settings settings;
    settings.loop = loop_;
    settings.socket_path = socket;
    settings.handle = make_api({"test", "0.1", epoch{3, 99}, plan->store, coordinator_, sink_,
                                artifacts_, gateway{gateway_, loop_}});
    auto started = server::start(std::move(settings));
    if (!started)
      throw std::runtime_error{started.error().text};
    server_ = std::move(*started);
  }
  ~scripted_farm() {
    server_.reset();
    stop_coordinator();
    caf::anon_send_exit(sink_, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(artifacts_, caf::exit_reason::user_shutdown);
    stop_gateway(gateway_);
  }
  void stop_coordinator() { caf::anon_send_exit(coordinator_, caf::exit_reason::user_shutdown); }
};

} // namespace drover::http::test
