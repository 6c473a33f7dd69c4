#pragma once
// A whole coordinator over loopback, and hosts that are one small actor each.
// SPDX-License-Identifier: Apache-2.0

#include "actors/farm.hpp"
#include "actors/warden.hpp"
#include "config/config.hpp"
#include "storage/memory_store.hpp"
#include "storage/tables.hpp"
#include "tests/edge/edge_fixture.hpp"

#include <atomic>
#include <fstream>

namespace drover::test {

/// A store whose commits take their time.
class slow_store final : public storage::store {
public:
  std::optional<failure> commit(const storage::write_batch& batch,
                                storage::durability when) override {
    std::unique_lock guard{mutex_};
    disk_.wait_for(guard, delay.load(), [] { return false; });
    return inner_.commit(batch, when);
  }
  std::optional<failure> flush_content() override { return inner_.flush_content(); }
  expected<std::optional<std::string>> get(storage::family where,
                                           std::string_view key) const override {
    return inner_.get(where, key);
  }
  std::optional<failure>
  scan(storage::family where, std::string_view from, std::string_view to, storage::scan_order order,
       const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return inner_.scan(where, from, to, order, visit);
  }

  std::atomic<milliseconds> delay{0ms};

private:
  storage::memory_store inner_;
  std::mutex mutex_;
  std::condition_variable disk_;
};

/// Counts events of other threads; the test waits for a number of them.
class event_count {
public:
  void add() {
    std::lock_guard guard{mutex_};
    ++count_;
    news_.notify_all();
  }
  uint64_t now() const {
    std::lock_guard guard{mutex_};
    return count_;
  }
  /// True once `more` further ones have come.
  bool grows_by(uint64_t more) {
    std::unique_lock guard{mutex_};
    return news_.wait_for(guard, patience,
                          [this, target = count_ + more] { return count_ >= target; });
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable news_;
  uint64_t count_ = 0;
};

/// What a light host tells of itself; shared with the test.
struct light_news {
  event_count beats; ///< answered
  mailbag<std::string> refusals;
  mailbag<assignment> work;
  mailbag<farm_message> others;           ///< all but welcome, beat answers and assignments
  std::atomic<bool> closes_at_once{true}; ///< answers close_build; else the test does
};

/// Joins once, beats, takes work and says that it runs; what else it does, the test says through
/// its link.
struct light_host {
  std::shared_ptr<light_news> news = std::make_shared<light_news>();
  mailbag<farm_link_actor> links;
  farm_listener agent;

  /// True once `more` further beats have been answered.
  bool beats_on(uint64_t more) const { return news->beats.grows_by(more); }
};

struct light_state {
  using pointer = farm_listener::stateful_pointer<light_state>;
  explicit light_state(pointer) {} // not an aggregate: CAF would fill its members
  farm_link_actor link;
  std::vector<known_attempt> known;
  uint64_t sequence = 0;
};

inline farm_listener::behavior_type live_lightly(light_state::pointer self,
                                                 std::shared_ptr<light_news> news,
                                                 mailbag<farm_link_actor> links) {
  auto beat_in = [self](milliseconds delay) {
    self->delayed_send(self->state.link, delay,
                       host_message{beat{++self->state.sequence, 0, self->state.known}});
  };
  return {
    [self, links, beat_in](const connected& one) {
      self->state.link = one.link;
      links.push(one.link);
      beat_in(0ms);
    },
    [news](const not_connected& one) { news->refusals.push(one.reason); },
    [self, news, beat_in](const farm_message& one) {
      if (std::holds_alternative<beat_answer>(one)) {
        news->beats.add();
        beat_in(20ms);
      } else if (const auto* work = std::get_if<assignment>(&one)) {
        self->state.known.push_back({work->token, known_state::running, 0});
        news->work.push(*work);
      } else if (const auto* close = std::get_if<close_build>(&one);
                 close && news->closes_at_once) {
        self->send(self->state.link,
                   host_message{build_closed{close->build, close->placement, {}, {}}});
      } else {
        if (const auto* done = std::get_if<result_durable>(&one))
          std::erase_if(self->state.known, [&](const auto& k) { return k.token == done->token; });
        news->others.push(one);
      }
    },
  };
}

struct real_farm {
  real_farm() {
    REQUIRE_FALSE(make_farm_keys(folder / "farm"));
    auto parsed = parse_config("farm: f\n"
                               "builders:\n"
                               "  b: {on: any, steps: [{name: run, run: 'true'}]}\n");
    REQUIRE(std::holds_alternative<farm_config>(parsed));
    farm_settings settings{std::get<farm_config>(parsed),
                           {1, 77},
                           store,
                           [] { return wall_time{1'700'000'000'000}; },
                           blocking_actors::own_thread,
                           [this](const std::string& why) { deaths.push(why); }};
    auto spawned = spawn_farm(system, settings);
    REQUIRE(spawned.ok());
    farm = *spawned;
    warden = spawn_warden(system, farm.recorder, settings.clock);
    open({});
  }

  ~real_farm() {
    door = nullptr;
    // Else the last reference to each would be that of its next beat, and go on the clock's thread:
    // CAF's clock waits for itself when it ends more actors than it has room for orders (64).
    for (const auto& agent : agents)
      caf::anon_send_exit(agent, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(warden, caf::exit_reason::user_shutdown);
    stop_farm(farm);
    farm_loop.stop();
    host_loop.stop();
  }

  void open(const peer_bounds& bounds) {
    listener_settings settings{"127.0.0.1:0", coordinator_key_files(folder / "farm"),
                               farm.coordinator, bounds};
    settings.warden = warden;
    auto opened = listener::open(farm_loop, settings);
    REQUIRE(opened.ok());
    door = std::move(*opened);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(door->port()); }

  key_files keys_of(const std::string& name) {
    REQUIRE_FALSE(issue_host_keys(folder / "farm", name, folder / name));
    return host_key_files(folder / name);
  }

  static hello greeting_of(const std::string& name, uint64_t incarnation = 1) {
    auto greeting = farm_fixture::greeting_of(name);
    greeting.agent_incarnation = incarnation;
    return greeting;
  }

  void call(light_host& host, const hello& greeting) {
    host.agent = system.spawn(live_lightly, host.news, host.links);
    agents.push_back(host.agent);
    connect_farm(host_loop, {address(), keys_of(greeting.host.value)}, greeting, host.agent);
  }

  void join(light_host& host, const std::string& name) {
    call(host, greeting_of(name));
    REQUIRE(host.beats_on(1));
  }

  template <class Answer, class Handle, class Question>
  Answer ask(const Handle& actor, const Question& question) {
    caf::scoped_actor self{system};
    std::optional<Answer> answer;
    self->request(actor, patience, question)
      .receive([&](Answer& one) { answer = std::move(one); },
               [&](caf::error&) { FAIL("no answer"); });
    return std::move(*answer);
  }

  /// A build of one step on this host; what the host is told to do.
  assignment build_on(light_host& host, const std::string& name, const source_ref& source = {}) {
    submission order;
    order.orders = {{"b", source}};
    order.host = name;
    auto answer = ask<expected<submitted>>(farm.coordinator, order);
    if (!answer)
      FAIL(answer.error().text);
    return host.news->work.pop();
  }

  /// What the journal says that this host did and no host may, in the order of the farm; waits
  /// until there are `least` entries.
  std::vector<std::string> misdeeds_of(const std::string& host, size_t least) {
    std::vector<std::string> found;
    auto until = std::chrono::steady_clock::now() + patience;
    for (uint64_t seen = 0; std::chrono::steady_clock::now() < until;) {
      auto page = storage::read_events(*store, 0, 1000, 0, [&](const event_record& event) {
        return event.kind == event_kind::host_misbehaved && event.host.value == host;
      });
      REQUIRE(page.ok());
      found.clear();
      for (const auto& event : page->events)
        found.push_back(event.text);
      if (found.size() >= least)
        break;
      seen = ask<uint64_t>(farm.recorder, event_wait{seen, 100ms});
    }
    return found;
  }

  temporary_folder folder;
  system_config config;
  caf::actor_system system{config};
  std::shared_ptr<slow_store> store = std::make_shared<slow_store>();
  mailbag<std::string> deaths;
  farm_actors farm;
  warden_actor warden;
  std::vector<farm_listener> agents; ///< of all that called
  edge_loop farm_loop{system};
  edge_loop host_loop{system};
  std::unique_ptr<listener> door;
};

/// Of this process, in KiB.
inline long resident_kib() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmRSS:", 0) == 0)
      return std::stol(line.substr(6));
  FAIL("no VmRSS");
  return 0;
}

} // namespace drover::test
