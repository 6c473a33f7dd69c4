// bench_light_hosts: many hosts in one process, each with a certificate and a connection of its
// own; they join, beat as they are told to, and take no work.
//
//   bench_light_hosts ADDRESS AUTHORITY_FOLDER PREFIX COUNT WINDOW
//
// First it makes the keys and says {"ready": COUNT}. Orders come line by line on standard input:
//   join      all join, WINDOW of them at once; answers once they have, or no more of them will
//   report    what happened since the last report, without waiting for anything
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/backoff.hpp"
#include "actors/edge/farm_link.hpp"
#include "actors/edge/loop.hpp"
#include "bench/edge_end.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <random>
#include <vector>

namespace drover::bench {
namespace {

using clock = std::chrono::steady_clock;

/// A herd of which nobody has joined for so long has stopped doing so.
constexpr std::chrono::seconds patience{30};

using light_host = farm_listener::extend<caf::reacts_to<atom::tick>, caf::reacts_to<atom::flush>>;

/// One host's beats; its actor alone writes, the reporter reads.
struct host_beats {
  clock::time_point sent;
  uint64_t answered = 0; ///< the last sequence that was
  uint64_t sequence = 0;
};

/// All hosts of this process. Actors of several threads use it: whoever does locks it.
struct herd {
  herd(caf::actor_system& on_system, edge_loop& on_loop) : system{on_system}, loop{on_loop} {}

  caf::actor_system& system;
  edge_loop& loop;
  std::mutex mutex;
  std::condition_variable news;
  std::vector<light_host> waiting; ///< for their turn to join
  std::vector<host_beats> beats;
  size_t joined = 0;
  size_t refused = 0; ///< tries that failed
  size_t dropped = 0; ///< links lost after the join
  uint64_t sent = 0;
  uint64_t answered = 0;
  double worst_ms = 0;
  std::string last_refusal;
};

double ms_since(clock::time_point then) {
  return std::chrono::duration<double, std::milli>(clock::now() - then).count();
}

void start_next(herd& all) {
  light_host next;
  {
    std::lock_guard guard{all.mutex};
    if (all.waiting.empty())
      return;
    next = all.waiting.back();
    all.waiting.pop_back();
  }
  caf::anon_send(next, atom::flush::value);
}

struct light_state {
  using pointer = light_host::stateful_pointer<light_state>;
  explicit light_state(pointer actor) : self{actor} {} // not an aggregate: CAF would fill it

  void connect();
  void joined(const connected& one);
  void failed(const std::string& why);
  void beat_now();
  void answered(uint64_t sequence);

  pointer self;
  herd* all = nullptr;
  size_t number = 0;
  farm_address where;
  std::string name;
  farm_link_actor link;
  std::chrono::milliseconds beat_every{0};
  bool was_in = false;
  uint32_t failures = 0;
  std::mt19937_64 chance;
};

void light_state::connect() {
  connect_farm(all->loop, where, greeting_of(name), caf::actor_cast<farm_listener>(self));
}

void light_state::joined(const connected& one) {
  link = one.link;
  beat_every = one.answer.beat_every;
  self->monitor(link);
  {
    std::lock_guard guard{all->mutex};
    ++all->joined;
    all->news.notify_all();
  }
  beat_now();
  self->delayed_send(self, beat_every, atom::tick::value);
  if (!std::exchange(was_in, true))
    start_next(*all);
}

void light_state::failed(const std::string& why) {
  {
    std::lock_guard guard{all->mutex};
    ++all->refused;
    all->last_refusal = why;
  }
  // A host that is turned away tries again as an agent does.
  auto pause = core::backoff(++failures, limits::reconnect_first, limits::reconnect_max, chance());
  self->delayed_send(self, pause, atom::flush::value);
}

void light_state::beat_now() {
  std::lock_guard guard{all->mutex};
  auto& mine = all->beats[number];
  // The oldest beat that is not answered counts.
  if (mine.answered == mine.sequence)
    mine.sent = clock::now();
  self->send(link, host_message{beat{++mine.sequence, 0, {}}});
  ++all->sent;
}

void light_state::answered(uint64_t sequence) {
  std::lock_guard guard{all->mutex};
  auto& mine = all->beats[number];
  all->worst_ms = std::max(all->worst_ms, ms_since(mine.sent));
  mine.answered = sequence;
  mine.sent = clock::now();
  ++all->answered;
}

light_host::behavior_type live(light_state::pointer self, herd* all, size_t number,
                               farm_address where, std::string name) {
  auto& state = self->state;
  state.all = all;
  state.number = number;
  state.where = std::move(where);
  state.name = std::move(name);
  state.chance.seed(number);
  self->set_down_handler([self](const caf::down_msg&) {
    std::lock_guard guard{self->state.all->mutex};
    ++self->state.all->dropped;
    self->state.link = nullptr;
  });
  return {
    [self](const connected& one) { self->state.joined(one); },
    [self](const not_connected& one) { self->state.failed(one.reason); },
    [self](const farm_message& one) {
      if (const auto* answer = std::get_if<beat_answer>(&one))
        self->state.answered(answer->sequence);
      else if (const auto* news = std::get_if<welcome>(&one)) // the herd has grown: slower now
        self->state.beat_every = news->beat_every;
    },
    [self](atom::tick) {
      if (!self->state.link)
        return;
      self->state.beat_now();
      self->delayed_send(self, self->state.beat_every, atom::tick::value);
    },
    [self](atom::flush) { self->state.connect(); },
  };
}

// -- orders
// ----------------------------------------------------------------------------------------

std::string join_all(herd& all, size_t count, size_t window) {
  auto begin = clock::now();
  for (size_t i = 0; i < window; ++i)
    start_next(all);
  std::unique_lock guard{all.mutex};
  for (size_t before = 0; !all.news.wait_for(guard, patience, [&] { return all.joined >= count; });
       before = all.joined)
    if (all.joined == before) {
      std::cerr << fmt::format("bench_light_hosts: {} of {} hosts joined: {}\n", all.joined, count,
                               all.last_refusal);
      break;
    }
  return fmt::format("{{\"joined\": {}, \"seconds\": {:.4f}, \"tries_failed\": {}}}", all.joined,
                     ms_since(begin) / 1000, all.refused);
}

/// Beats that wait for their answer count as they stand.
std::string report(herd& all) {
  std::lock_guard guard{all.mutex};
  size_t open = 0;
  for (const auto& one : all.beats) {
    open += one.sequence - one.answered;
    if (one.sequence != one.answered)
      all.worst_ms = std::max(all.worst_ms, ms_since(one.sent));
  }
  auto line = fmt::format("{{\"sent\": {}, \"answered\": {}, \"open\": {}, \"worst_ms\": {:.2f}, "
                          "\"dropped\": {}}}",
                          all.sent, all.answered, open, all.worst_ms, all.dropped);
  all.sent = all.answered = 0;
  all.worst_ms = 0;
  return line;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() != 5)
    fail("usage: bench_light_hosts ADDRESS AUTHORITY_FOLDER PREFIX COUNT WINDOW");
  size_t count = std::stoull(arguments[3]);
  size_t window = std::stoull(arguments[4]);
  temporary_folder folder;
  system_config config;
  caf::actor_system system{config};
  edge_loop loop{system};
  herd all{system, loop};
  all.beats.resize(count);
  for (size_t i = 0; i < count; ++i) {
    auto name = arguments[2] + std::to_string(i);
    if (auto problem = issue_host_keys(arguments[1], name, folder / name))
      fail(problem->text);
    all.waiting.push_back(
      system.spawn(live, &all, i, farm_address{arguments[0], host_key_files(folder / name)}, name));
  }
  std::cout << "{\"ready\": " << count << "}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "join")
      std::cout << join_all(all, count, window) << std::endl;
    else if (line == "report")
      std::cout << report(all) << std::endl;
    else
      fail("no such order: " + line);
  }
  loop.stop();
  // The actors of thousands of hosts are not ended one by one: the process is.
  std::error_code ignored;
  std::filesystem::remove_all(folder / "", ignored);
  std::cout.flush();
  _exit(0);
}

} // namespace
} // namespace drover::bench

int main(int argc, char** argv) {
  try {
    return drover::bench::run({argv + 1, argv + argc});
  } catch (const std::exception& problem) {
    std::cerr << "bench_light_hosts: " << problem.what() << "\n";
    return 1;
  }
}
