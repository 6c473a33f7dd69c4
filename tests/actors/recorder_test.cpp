// SPDX-License-Identifier: Apache-2.0
#include "actors/core/mutants.hpp"
#include "actors/recorder.hpp"
#include "schema/limits_recorder.hpp"
#include "tests/actors/farm_fixture.hpp"

using namespace drover;
using namespace drover::test;

namespace {

using namespace std::chrono_literals;

struct recorder_fixture : farm_fixture {
  notebook census;
  recorder_actor uut =
    keep(system.spawn(recorder, settings, spawn_scribe<census_actor>(census), uint64_t{0}));

  static storage::write_batch batch_of(const std::string& key) {
    storage::write_batch batch;
    batch.add(storage::family::history, key, "value of " + key);
    return batch;
  }

  bool stored(const std::string& key) const {
    auto found = store->get(storage::family::history, key);
    return found && *found == "value of " + key;
  }

  /// Hands a batch over without letting anybody run: it waits in the recorder's mailbox.
  std::shared_ptr<int> hand_over(const std::string& key) {
    auto answers = std::make_shared<int>(0);
    keep(system.spawn([=, to = uut](caf::event_based_actor* self) {
      self->request(to, caf::infinite, batch_of(key)).then([answers](recorded) { ++*answers; });
    }));
    return answers;
  }
};

struct mutant_guard {
  explicit mutant_guard(core::mutant which) { core::active_mutant = which; }
  ~mutant_guard() { core::active_mutant = core::mutant::none; }
};

} // namespace

TEST_CASE_METHOD(recorder_fixture, "recorder: nobody is answered before the sync") {
  auto answers = hand_over("a");
  while (*answers == 0) {
    REQUIRE(scheduler().try_run_once());
    if (*answers == 0 && !stored("a"))
      continue;
    store->crash(); // whatever was not synced is gone
    CHECK(stored("a"));
  }
  CHECK(stored("a"));
}

TEST_CASE_METHOD(recorder_fixture,
                 "recorder: batches that gather during one turn share one commit") {
  auto first = hand_over("a");
  auto second = hand_over("b");
  auto third = hand_over("c");
  settle();
  CHECK(*first + *second + *third == 3);
  CHECK(store->commits() == 1);
  hand_over("d");
  settle();
  CHECK(store->commits() == 2);
  auto entry = ask<actor_entry>(uut, atom::describe::value);
  CHECK(entry.get()->activity == "4 batches in 2 commits");
}

TEST_CASE_METHOD(recorder_fixture, "recorder: an empty batch is answered behind those before it") {
  auto first = hand_over("a");
  auto barrier = ask<recorded>(uut, storage::write_batch{});
  CHECK(barrier.ready());
  CHECK(*first == 1);
  CHECK(stored("a"));
}

TEST_CASE_METHOD(recorder_fixture, "recorder: a failed commit answers nobody and is fatal") {
  store->fail_next_commits(1);
  auto first = ask<recorded>(uut, batch_of("a"));
  CHECK_FALSE(first.ready());
  CHECK(fatal->starts_with("the store failed: "));
  auto later = ask<recorded>(uut, batch_of("b")); // the disk would take this one
  CHECK_FALSE(later.ready());
  CHECK_FALSE(stored("b"));
  CHECK(ask<actor_entry>(uut, atom::describe::value).get()->state == "failed");
}

TEST_CASE_METHOD(recorder_fixture, "recorder: says what it is about to do before it may block") {
  auto batch = batch_of("a");
  batch.append(batch_of("b"));
  ask<recorded>(uut, batch);
  REQUIRE(census.all<actor_note>().size() == 1);
  CHECK(census.all<actor_note>()[0].name == "recorder");
  CHECK(census.all<actor_note>()[0].state == "commits 2 writes and waits for the disk");
  ask<recorded>(uut, batch);
  CHECK(census.all<actor_note>().size() == 1); // the census knows
  ask<recorded>(uut, batch_of("c"));
  CHECK(census.all<actor_note>().size() == 2);
}

TEST_CASE_METHOD(recorder_fixture,
                 "recorder: the mutant acknowledge_before_sync answers what a power loss takes") {
  mutant_guard on{core::mutant::acknowledge_before_sync};
  CHECK(ask<recorded>(uut, batch_of("a")).ready());
  CHECK(stored("a"));
  store->crash();
  CHECK_FALSE(stored("a"));
}

TEST_CASE_METHOD(recorder_fixture, "recorder: the journal's entries are numbered in their order") {
  auto entry_of = [](const std::string& text) {
    storage::write_batch batch;
    batch.events.emplace_back();
    batch.events.back().text = text;
    return batch;
  };
  ask<recorded>(uut, entry_of("first"));
  ask<recorded>(uut, entry_of("second"));
  auto page = storage::read_events(*store, 0, 10, 0, [](const event_record&) { return true; });
  REQUIRE(page);
  REQUIRE(page->events.size() == 2);
  CHECK(page->events[0].text == "first");
  CHECK(page->events[1].sequence == 2);
  CHECK(*storage::last_event(*store) == 2);
}

TEST_CASE_METHOD(recorder_fixture, "recorder: who waits for the journal hears of its next entry") {
  auto news = ask<uint64_t>(uut, event_wait{0, 30s});
  CHECK_FALSE(news.ready());
  storage::write_batch batch;
  batch.events.emplace_back();
  ask<recorded>(uut, batch);
  REQUIRE(news.ready());
  CHECK(*news.get() == 1);
  CHECK(ask<uint64_t>(uut, event_wait{0, 30s}).ready()); // it is there already
  auto patient = ask<uint64_t>(uut, event_wait{1, 5s});
  advance(4s);
  CHECK_FALSE(patient.ready());
  advance(1s + limits::wait_granularity);
  REQUIRE(patient.ready());
  CHECK(*patient.get() == 1);
}

TEST_CASE_METHOD(recorder_fixture,
                 "recorder: what nobody waits for shares the sync of what follows") {
  tell(uut, batch_of("a"));
  CHECK(store->commits() == 0);
  ask<recorded>(uut, batch_of("b"));
  CHECK(store->commits() == 1);
  store->crash();
  CHECK(stored("a"));
  CHECK(stored("b"));
  advance(2 * limits::commit_unawaited_within);
  CHECK(store->commits() == 1);
}

TEST_CASE_METHOD(recorder_fixture,
                 "recorder: what nobody waits for is durable soon, all the same") {
  tell(uut, batch_of("a"));
  tell(uut, batch_of("b"));
  advance(limits::commit_unawaited_within);
  CHECK(store->commits() == 1);
  store->crash();
  CHECK(stored("a"));
  CHECK(stored("b"));
}

TEST_CASE_METHOD(recorder_fixture,
                 "recorder: readers hear of commits in quick succession at once") {
  auto entry = [] {
    storage::write_batch batch;
    batch.events.emplace_back();
    return batch;
  };
  auto first = ask<uint64_t>(uut, event_wait{0, 30s});
  ask<recorded>(uut, entry());
  REQUIRE(first.ready()); // after a quiet time
  auto second = ask<uint64_t>(uut, event_wait{1, 30s});
  ask<recorded>(uut, entry());
  ask<recorded>(uut, entry());
  CHECK_FALSE(second.ready());
  advance(limits::event_news_every);
  REQUIRE(second.ready());
  CHECK(*second.get() == 3);
}

TEST_CASE_METHOD(recorder_fixture,
                 "recorder: however often readers wait, few timers are under way") {
  for (uint64_t seen = 0; seen < 100; ++seen) {
    auto news = ask<uint64_t>(uut, event_wait{seen, 30s});
    storage::write_batch batch;
    batch.events.emplace_back();
    ask<recorded>(uut, batch);
    advance(limits::event_news_every);
    REQUIRE(news.ready());
  }
  auto last = ask<uint64_t>(uut, event_wait{100, 30s}); // timers live on while somebody waits
  advance(3 * limits::wait_granularity);
  CHECK(scheduler().clock().schedule().size() <= 2);
}
