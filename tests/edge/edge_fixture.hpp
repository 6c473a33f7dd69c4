#pragma once
// Two edges in one process: a coordinator's and a host's, with loops of their own, over loopback.
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/farm_link.hpp"
#include "actors/edge/listener.hpp"
#include "schema/limits.hpp"
#include "tests/catch.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>

namespace drover::test {

using namespace std::chrono_literals;

/// Far longer than anything here takes; a test that waits this long has failed.
constexpr auto patience = 20s;

/// A folder that goes with the test.
class temporary_folder {
public:
  temporary_folder() {
    std::string path = (std::filesystem::temp_directory_path() / "drover-edge-XXXXXX").string();
    REQUIRE(mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
  std::string path_;
};

/// What actors hand to the test's thread. Copies share their content, so that an actor that
/// outlives the test's end of it does no harm.
template <class T>
class mailbag {
public:
  void push(T value) const {
    std::lock_guard guard{shared_->mutex};
    shared_->values.push_back(std::move(value));
    shared_->news.notify_all();
  }

  /// The next one, or a failed test.
  T pop() {
    std::unique_lock guard{shared_->mutex};
    REQUIRE(shared_->news.wait_for(guard, patience, [this] { return !shared_->values.empty(); }));
    auto value = std::move(shared_->values.front());
    shared_->values.pop_front();
    return value;
  }

  bool empty() {
    std::lock_guard guard{shared_->mutex};
    return shared_->values.empty();
  }

private:
  struct shared {
    std::mutex mutex;
    std::condition_variable news;
    std::deque<T> values;
  };
  std::shared_ptr<shared> shared_ = std::make_shared<shared>();
};

using agent_news = std::variant<connected, not_connected, farm_message>;

inline arrival_taker::behavior_type take_arrivals(arrival_taker::pointer, mailbag<arrival> bag) {
  return {[bag](const arrival& one) { bag.push(one); }};
}

inline host_listener::behavior_type take_host_messages(host_listener::pointer,
                                                       mailbag<host_message> bag) {
  return {[bag](const host_message& one) { bag.push(one); }};
}

inline farm_listener::behavior_type take_agent_news(farm_listener::pointer,
                                                    mailbag<agent_news> bag) {
  return {[bag](const connected& one) { bag.push(one); },
          [bag](const not_connected& one) { bag.push(one); },
          [bag](const farm_message& one) { bag.push(one); }};
}

struct system_config : caf::actor_system_config {
  system_config() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", 2);
  }
};

/// The host's end of a link, and what came to its agent.
struct host_end {
  mailbag<agent_news> news;
  farm_listener agent;
  farm_link_actor link;

  welcome expect_welcome() {
    auto one = news.pop();
    if (auto* no = std::get_if<not_connected>(&one))
      FAIL(no->reason);
    link = std::get<connected>(one).link;
    return std::get<connected>(one).answer;
  }
  std::string expect_failure() { return std::get<not_connected>(news.pop()).reason; }
};

/// The coordinator's end.
struct coordinator_end {
  mailbag<host_message> heard;
  host_listener listener;
  host_link_actor link;
  hello greeting;
};

struct farm_fixture {
  farm_fixture() {
    REQUIRE_FALSE(make_farm_keys(folder / "farm"));
    coordinator = system.spawn(take_arrivals, arrivals);
    auto opened = listener::open(
      farm_loop, {"127.0.0.1:0", coordinator_key_files(folder / "farm"), coordinator});
    REQUIRE(opened.ok());
    door = std::move(*opened);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(door->port()); }

  key_files keys_of(const std::string& name) {
    REQUIRE_FALSE(issue_host_keys(folder / "farm", name, folder / name));
    return host_key_files(folder / name);
  }

  static hello greeting_of(const std::string& name) {
    hello greeting;
    greeting.host = {name};
    greeting.machine_id = "m-" + name;
    greeting.boot_id = "b-" + name;
    greeting.slots = 2;
    greeting.facts = {{"os", "linux"}};
    return greeting;
  }

  /// As it arrives: its link adds which protocol the host speaks.
  static hello heard_as(hello greeting, const std::string& protocol) {
    greeting.facts["protocol"] = protocol;
    return greeting;
  }

  void call(host_end& host, const std::string& name) {
    host.agent = system.spawn(take_agent_news, host.news);
    host.link = connect_farm(host_loop, {address(), keys_of(name)}, greeting_of(name), host.agent);
  }

  void meet(coordinator_end& end) {
    auto came = arrivals.pop();
    end.link = came.link;
    end.greeting = came.greeting;
    end.listener = system.spawn(take_host_messages, end.heard);
  }

  static welcome some_welcome() { return {{7, 77}, {3}, 500ms, 60s}; }

  void join(host_end& host, coordinator_end& end, const std::string& name) {
    call(host, name);
    meet(end);
    caf::anon_send(end.link, end.listener);
    caf::anon_send(end.link, farm_message{some_welcome()});
    CHECK(host.expect_welcome() == some_welcome());
  }

  /// True once `actor` is down.
  template <class Handle>
  bool goes_down(const Handle& actor) {
    caf::scoped_actor self{system};
    self->monitor(actor);
    bool down = false;
    self->receive([&](const caf::down_msg&) { down = true; }, caf::after(patience) >> [] {});
    return down;
  }

  template <class Handle>
  actor_entry describe(const Handle& actor) {
    caf::scoped_actor self{system};
    actor_entry answer;
    self->request(actor, patience, atom::describe::value)
      .receive([&](const actor_entry& entry) { answer = entry; },
               [&](caf::error&) { FAIL("no answer to the census"); });
    return answer;
  }

  temporary_folder folder;
  system_config config;
  caf::actor_system system{config};
  mailbag<arrival> arrivals;
  edge_loop farm_loop{system};
  edge_loop host_loop{system};
  arrival_taker coordinator;
  std::unique_ptr<listener> door;
};

inline log_chunk some_chunk(uint64_t offset, size_t size) {
  auto fill = static_cast<char>('a' + offset / 7 % 26);
  return {{{7, 77}, {{1}, {0}, {1}}}, offset, std::string(size, fill)};
}

} // namespace drover::test
