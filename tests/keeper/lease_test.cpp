// An exclusive step under silence: the agent's actors, a real spool and a real keeper, and a
// coordinator that answers or does not.
// SPDX-License-Identifier: Apache-2.0
#include "tests/actors/host_fixture.hpp"
#include "tests/keeper/keeper_fixture.hpp"

#include <mutex>

using namespace drover;
using namespace drover::test;

namespace {

/// Tells the end of keepers only when asked: actors of a test run in one thread.
class asked_spool : public disk_spool {
public:
  asked_spool(const std::string& root) : disk_spool{root, DROVER_KEEPER} {}

  void watch(const grant_token& token, std::function<void()> gone) override {
    disk_spool::watch(token, [to = ended_, gone = std::move(gone)] {
      std::lock_guard guard{to->mutex};
      to->callbacks.push_back(gone);
    });
  }
  /// Whether a keeper has ended; the actors hear it now.
  bool tell() {
    std::lock_guard guard{ended_->mutex};
    for (const auto& gone : ended_->callbacks)
      gone();
    return !std::exchange(ended_->callbacks, {}).empty();
  }

private:
  struct ends {
    std::mutex mutex;
    std::vector<std::function<void()>> callbacks;
  };
  std::shared_ptr<ends> ended_ = std::make_shared<ends>();
};

struct real_workspaces : fake_workspaces {
  std::string path;
  expected<prepared> make(build_id, uint32_t) override { return prepared{path, path, path}; }
};

/// A host whose spool and keepers are real; its clock is moved by the test, theirs is not.
struct lease_fixture : host_fixture {
  static constexpr auto lease = 1000ms; // half of it is for killing, at such a length
  temp_folder folder;
  std::shared_ptr<asked_spool> keepers = std::make_shared<asked_spool>(folder.path + "/spool");

  lease_fixture() {
    auto places = std::make_shared<real_workspaces>();
    places->path = folder.path;
    settings.spool = keepers;
    settings.workspaces = places;
    settings.lease = lease;
    settings.base_env["PATH"] = "/usr/bin:/bin";
    settings.connect = [this](const hello&, const host_agent_actor& agent) {
      if (!reachable)
        return caf::anon_send(agent, not_connected{"connection refused"});
      heard->clear();
      link = spawn_ear<farm_link_actor, host_message>(heard);
      caf::anon_send(agent, connected{welcome{{3, 77}, {1}, 50ms, lease}, link});
    };
  }

  assignment ticking_step() const {
    auto work = work_of(7);
    work.step.exclusive = true;
    work.step.run = "while :; do echo tick; sleep 0.05; done";
    return work;
  }

  /// Real time until something real has happened; the host's own time goes along.
  template <class Condition>
  void live_until(Condition condition) {
    auto until = clock::now() + 10s;
    for (auto last = clock::now(); !condition();) {
      REQUIRE(clock::now() < until);
      poll(nullptr, 0, 5);
      auto passed = std::chrono::duration_cast<milliseconds>(clock::now() - last);
      last += passed;
      advance(passed);
      if (auto beats = all<beat>(); reachable && !beats.empty())
        say(beat_answer{beats.back().sequence});
    }
  }
  void disconnect() {
    reachable = false;
    drop_link();
    heard->clear();
  }
};

} // namespace

TEST_CASE_METHOD(lease_fixture, "lease: an exclusive step lives on answered beats and dies without",
                 "[lease]") {
  start();
  auto work = ticking_step();
  say(work);
  auto begun = clock::now();
  live_until([&] { return clock::now() - begun > 3 * lease; });
  REQUIRE(keepers->find(work.token)->keeper_alive);
  CHECK_FALSE(keepers->exit_of(work.token));
  disconnect();
  auto silent = clock::now();
  live_until([&] { return keepers->tell(); });
  CHECK(clock::now() - silent < lease);
  auto account = keepers->exit_of(work.token);
  REQUIRE(account);
  CHECK(account->outcome == result::exception);
  CHECK(account->reason
        == "its lease of 500ms ended: this host has had no word from the coordinator");
  reachable = true;
  live_until([&] { return !all<log_chunk>().empty(); });
  say(log_durable{work.token, keepers->log_size(work.token)});
  REQUIRE(all<attempt_ended>().size() == 1);
  CHECK(all<attempt_ended>()[0].reason == account->reason);
}

TEST_CASE_METHOD(lease_fixture, "lease: an exclusive step that starts without a link has one lease",
                 "[lease]") {
  auto work = ticking_step();
  REQUIRE_FALSE(keepers->enter(work)); // an earlier agent took it
  reachable = false;
  auto begun = clock::now();
  start();
  live_until([&] { return keepers->tell(); });
  auto took = clock::now() - begun;
  CHECK(took >= lease / 2);
  CHECK(took < 3 * lease);
  CHECK(keepers->exit_of(work.token)->reason.starts_with("its lease of 500ms ended"));
  CHECK(keepers->log_size(work.token) > 0);
}
