// bench_link: the round trip of a beat and its answer between two edges over TLS.
//
// Orders come line by line on standard input, one answer in JSON follows each:
//   measure N    {"us": [N times], "bytes": what one round trip sends each way, TLS and all}
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/farm_link.hpp"
#include "actors/edge/listener.hpp"
#include "bench/edge_end.hpp"

#include <arpa/inet.h>
#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <sstream>
#include <vector>

namespace drover::bench {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto patience = 60s;

/// What the host's actor and the main thread share.
struct progress {
  std::mutex mutex;
  std::condition_variable news;
  farm_link_actor link;
  std::string refused;
  size_t left = 0;
  clock::time_point sent;
  std::vector<double> samples;
};

// -- the coordinator's side
// ------------------------------------------------------------------------

host_listener::behavior_type answer_beats(host_listener::pointer self, host_link_actor link) {
  return {[self, link](const host_message& message) {
    if (const auto* one = std::get_if<beat>(&message))
      self->send(link, farm_message{beat_answer{one->sequence}});
  }};
}

arrival_taker::behavior_type admit(arrival_taker::pointer self) {
  return {[self](const arrival& one) {
    self->send(one.link, self->spawn(answer_beats, one.link));
    self->send(one.link, farm_message{welcome{{1, 1}, {1}, 500ms, 60s}});
  }};
}

// -- the host's side
// -------------------------------------------------------------------------------

void send_beat(progress& shared, uint64_t sequence) {
  shared.sent = clock::now();
  caf::anon_send(shared.link, host_message{beat{sequence, 0, {}}});
}

farm_listener::behavior_type beat_on(farm_listener::pointer, std::shared_ptr<progress> shared) {
  return {
    [shared](const connected& one) {
      std::lock_guard guard{shared->mutex};
      shared->link = one.link;
      shared->news.notify_all();
    },
    [shared](const not_connected& one) {
      std::lock_guard guard{shared->mutex};
      shared->refused = one.reason;
      shared->news.notify_all();
    },
    [shared](const farm_message& message) {
      const auto* answer = std::get_if<beat_answer>(&message);
      if (!answer)
        return;
      std::chrono::duration<double, std::micro> took = clock::now() - shared->sent;
      std::lock_guard guard{shared->mutex};
      shared->samples.push_back(took.count());
      if (--shared->left > 0)
        send_beat(*shared, answer->sequence + 1);
      else
        shared->news.notify_all();
    },
  };
}

// -- bytes
// -----------------------------------------------------------------------------------------

/// What this process has sent over TCP connections to `port`, in all.
uint64_t bytes_sent_to(uint16_t port) {
  uint64_t sum = 0;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    int socket = std::stoi(entry.path().filename());
    sockaddr_in peer{};
    socklen_t length = sizeof peer;
    if (getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &length) != 0
        || peer.sin_family != AF_INET || ntohs(peer.sin_port) != port)
      continue;
    tcp_info info{};
    length = sizeof info;
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) == 0)
      sum += info.tcpi_bytes_sent;
  }
  return sum;
}

// -- both
// ------------------------------------------------------------------------------------------

class two_edges {
public:
  two_edges() {
    if (auto problem = make_farm_keys(folder_ / "farm"))
      fail(problem->text);
    if (auto problem = issue_host_keys(folder_ / "farm", "h1", folder_ / "h1"))
      fail(problem->text);
    auto opened = listener::open(
      farm_loop_, {"127.0.0.1:0", coordinator_key_files(folder_ / "farm"), system_.spawn(admit)});
    if (!opened)
      fail(opened.error().text);
    door_ = std::move(*opened);
    connect_farm(host_loop_,
                 {"127.0.0.1:" + std::to_string(door_->port()), host_key_files(folder_ / "h1")},
                 greeting_of("h1"), system_.spawn(beat_on, shared_));
    wait([this] { return shared_->link || !shared_->refused.empty(); });
    if (!shared_->refused.empty())
      fail("the link was not made: " + shared_->refused);
  }

  ~two_edges() {
    door_ = nullptr;
    shared_->link = nullptr;
    farm_loop_.stop();
    host_loop_.stop();
    // Actors that wait for nothing but messages would keep the system: the process ends here.
  }

  std::string measure(size_t count) {
    auto before = bytes_sent_to(door_->port());
    {
      std::lock_guard guard{shared_->mutex};
      shared_->samples.clear();
      shared_->left = count;
      send_beat(*shared_, 1);
    }
    wait([this] { return shared_->left == 0; });
    auto bytes = (bytes_sent_to(door_->port()) - before) / count;
    std::lock_guard guard{shared_->mutex};
    std::ostringstream line;
    line << "{\"bytes\": " << bytes << ", \"us\": [";
    for (size_t i = 0; i < shared_->samples.size(); ++i)
      line << (i == 0 ? "" : ", ") << shared_->samples[i];
    line << "]}";
    return line.str();
  }

private:
  template <class Condition>
  void wait(Condition met) {
    std::unique_lock guard{shared_->mutex};
    if (!shared_->news.wait_for(guard, patience, met))
      fail("nothing comes over the link");
  }

  temporary_folder folder_;
  system_config config_;
  caf::actor_system system_{config_};
  std::shared_ptr<progress> shared_ = std::make_shared<progress>();
  edge_loop farm_loop_{system_};
  edge_loop host_loop_{system_};
  std::unique_ptr<listener> door_;
};

int run() {
  two_edges edges;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words{line};
    std::string what;
    size_t count = 0;
    if (!(words >> what >> count) || what != "measure" || count == 0)
      fail("no such order: " + line);
    std::cout << edges.measure(count) << std::endl;
  }
  return 0;
}

} // namespace
} // namespace drover::bench

int main() {
  try {
    return drover::bench::run();
  } catch (const std::exception& problem) {
    std::cerr << "bench_link: " << problem.what() << "\n";
    return 1;
  }
}
