// The kj loop as a CAF execution unit.
// SPDX-License-Identifier: Apache-2.0
#include "tests/edge/edge_fixture.hpp"

#include <kj/async-io.h>
#include <kj/timer.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace drover;
using namespace drover::test;

namespace {

using echo_actor = caf::typed_actor<caf::replies_to<uint64_t>::with<std::string>>;

/// Answers with the number, and remembers where it ran and where it ended.
class echo final : public pinned<echo_actor> {
public:
  echo(caf::actor_config& config, edge_loop& on, std::thread::id* ended)
      : pinned{config, on}, ended_{ended} {}

protected:
  behavior_type make_behavior() override {
    return {[this](uint64_t number) {
      thread_ = std::this_thread::get_id();
      return std::to_string(number) + (thread_ == expected() ? " here" : " elsewhere");
    }};
  }

  void release() override { *ended_ = std::this_thread::get_id(); }

private:
  std::thread::id expected() {
    static thread_local auto here = std::this_thread::get_id();
    loop().io().provider->getTimer().now(); // only there from the loop's thread
    return here;
  }

  std::thread::id* ended_;
  std::thread::id thread_;
};

struct loop_fixture {
  system_config config;
  caf::actor_system system{config};
  edge_loop loop{system};
  std::thread::id ended;

  std::thread::id loop_thread() {
    return loop.run([] { return std::this_thread::get_id(); });
  }
};

} // namespace

TEST_CASE_METHOD(loop_fixture, "loop: work runs on its thread, in order") {
  CHECK(loop_thread() != std::this_thread::get_id());
  std::vector<int> order;
  for (int i = 0; i < 100; ++i)
    REQUIRE(loop.post([&order, i] { order.push_back(i); }));
  loop.run([] {});
  REQUIRE(order.size() == 100);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE_METHOD(loop_fixture, "loop: no post is slept over while several threads post at once") {
  constexpr int threads = 4, posts = 500;
  std::atomic<int> answered = 0;
  std::vector<std::thread> posters;
  for (int i = 0; i < threads; ++i)
    posters.emplace_back([this, &answered] {
      for (int post = 0; post < posts; ++post)
        answered += loop.run([] { return 1; }); // each waits for its own
    });
  for (auto& poster : posters)
    poster.join();
  CHECK(answered == threads * posts);
}

TEST_CASE_METHOD(loop_fixture, "loop: a job that throws harms no other") {
  CHECK(loop.post([] { throw std::runtime_error("as it should"); }));
  CHECK_THROWS_AS(loop.run([]() -> int { throw std::out_of_range("told to the caller"); }),
                  std::out_of_range);
  CHECK(loop.run([] { return 5; }) == 5);
}

TEST_CASE_METHOD(loop_fixture, "loop: timers and jobs share it") {
  std::promise<void> rang;
  kj::Promise<void> timer = nullptr;
  loop.run([&] {
    timer = loop.io()
              .provider->getTimer()
              .afterDelay(1 * kj::MILLISECONDS)
              .then([&] { rang.set_value(); })
              .eagerlyEvaluate(nullptr);
  });
  CHECK(rang.get_future().wait_for(patience) == std::future_status::ready);
  loop.run([&] { timer = nullptr; });
}

TEST_CASE_METHOD(loop_fixture, "loop: a pinned actor answers from it and ends on it") {
  auto where = loop_thread();
  {
    auto uut = loop.spawn<echo>(&ended);
    caf::scoped_actor self{system};
    for (uint64_t i = 0; i < 1000; ++i)
      self->request(uut, patience, i)
        .receive([&](const std::string& text) { CHECK(text == std::to_string(i) + " here"); },
                 [&](caf::error&) { FAIL("no answer"); });
    self->monitor(uut);
    self->send_exit(uut, caf::exit_reason::user_shutdown);
    bool down = false;
    self->receive([&](const caf::down_msg&) { down = true; }, caf::after(patience) >> [] {});
    CHECK(down);
  }
  CHECK(ended == where);
}

TEST_CASE_METHOD(loop_fixture, "loop: an actor whose handles are gone lives until the loop stops") {
  auto where = loop_thread();
  loop.spawn<echo>(&ended);
  loop.run([] {});
  CHECK(ended == std::thread::id{});
  loop.stop();
  CHECK(ended == where);
}

TEST_CASE_METHOD(loop_fixture, "loop: a stopped loop takes nothing and hangs nobody") {
  loop.stop();
  loop.stop();
  CHECK_FALSE(loop.post([] {}));
  CHECK_THROWS_AS(loop.run([] { return 1; }), std::future_error);
  loop.spawn<echo>(&ended);
}

TEST_CASE("loop: stopping races with spawns and messages without loss or hang") {
  system_config config;
  for (int round = 0; round < 20; ++round) {
    caf::actor_system system{config};
    edge_loop loop{system};
    std::deque<std::thread::id> ended(50);
    std::thread other{[&] {
      for (auto& one : ended)
        caf::anon_send(loop.spawn<echo>(&one), uint64_t{1});
    }};
    loop.run([] {});
    loop.stop();
    other.join();
  }
  SUCCEED("all threads ended");
}
