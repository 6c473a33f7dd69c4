// SPDX-License-Identifier: Apache-2.0
#include "storage/memory_store.hpp"
#include "tests/catch.hpp"

#include <random>

using namespace drover;
using namespace drover::storage;

namespace {

write_batch one(family where, const std::string& key, const std::string& value) {
  write_batch batch;
  batch.add(where, key, value);
  return batch;
}

std::string value_of(const store& from, family where, const std::string& key) {
  auto found = from.get(where, key);
  REQUIRE(found.ok());
  return found->value_or("(none)");
}

std::string keys_in(const store& from, std::string_view first, std::string_view last,
                    scan_order order) {
  std::string keys;
  auto problem =
    from.scan(family::history, first, last, order, [&](std::string_view key, std::string_view) {
      keys += key;
      return keys.size() < 3;
    });
  REQUIRE_FALSE(problem);
  return keys;
}

} // namespace

TEST_CASE("memory store: a crash keeps what was synced and drops the rest") {
  memory_store store;
  store.commit(one(family::history, "a", "1"), durability::synced);
  store.commit(one(family::history, "a", "2"), durability::later);
  store.commit(one(family::history, "b", "2"), durability::later);
  CHECK(value_of(store, family::history, "a") == "2");
  store.crash();
  CHECK(value_of(store, family::history, "a") == "1");
  CHECK(value_of(store, family::history, "b") == "(none)");
}

TEST_CASE("memory store: a crash tells what it took back") {
  memory_store store;
  store.commit(one(family::history, "a", "1"), durability::synced);
  store.commit(one(family::history, "b", "1"), durability::later);
  write_batch gone;
  gone.remove(family::history, "a");
  store.commit(gone, durability::later);
  CHECK(value_of(store, family::history, "a") == "(none)");
  CHECK(store.crash()
        == std::set<memory_store::place>{{family::history, "a"}, {family::history, "b"}});
  CHECK(value_of(store, family::history, "a") == "1");
  CHECK(store.crash().empty());
}

TEST_CASE("memory store: a synced commit makes the unsynced ones before it durable") {
  memory_store store;
  store.commit(one(family::history, "a", "1"), durability::later);
  store.commit(one(family::log, "b", "1"), durability::synced);
  store.crash();
  CHECK(value_of(store, family::history, "a") == "1");
  CHECK(value_of(store, family::log, "b") == "1");
}

TEST_CASE("memory store: content is durable once it is flushed, not by another's sync") {
  memory_store store;
  store.commit(one(family::content, "lost", "1"), durability::later);
  store.commit(one(family::history, "a", "1"), durability::synced);
  store.crash();
  CHECK(value_of(store, family::content, "lost") == "(none)");
  store.commit(one(family::content, "kept", "1"), durability::later);
  store.flush_content();
  store.crash();
  CHECK(value_of(store, family::content, "kept") == "1");
}

TEST_CASE("memory store: an unsynced erasure comes back after a crash") {
  memory_store store;
  store.commit(one(family::history, "a", "1"), durability::synced);
  write_batch erasure;
  erasure.remove(family::history, "a");
  store.commit(erasure, durability::later);
  CHECK(value_of(store, family::history, "a") == "(none)");
  store.crash();
  CHECK(value_of(store, family::history, "a") == "1");
}

TEST_CASE("memory store: commits that were told to fail change nothing") {
  memory_store store;
  store.fail_next_commits(2);
  for (int i = 0; i < 2; ++i) {
    auto problem = store.commit(one(family::history, "a", "1"), durability::synced);
    REQUIRE(problem);
    CHECK(problem->code == ec::io);
  }
  CHECK(value_of(store, family::history, "a") == "(none)");
  CHECK_FALSE(store.commit(one(family::history, "a", "1"), durability::synced));
  CHECK(store.commits() == 1);
}

TEST_CASE("memory store: scans keep to their range, their order and their visitor's word") {
  memory_store store;
  for (auto key : {"a", "b", "c", "d", "e"})
    store.commit(one(family::history, key, ""), durability::synced);
  CHECK(keys_in(store, "b", "d", scan_order::ascending) == "bc");
  CHECK(keys_in(store, "b", "d", scan_order::descending) == "cb");
  CHECK(keys_in(store, "a", "z", scan_order::ascending) == "abc");
  CHECK(keys_in(store, "a", "z", scan_order::descending) == "edc");
  CHECK(keys_in(store, "d", "b", scan_order::ascending).empty());
}

TEST_CASE("memory store: after any history a crash leaves the state of the last sync") {
  std::mt19937_64 random{5};
  for (int round = 0; round < 50; ++round) {
    memory_store store;
    std::map<std::string, std::string> now, durable;
    for (int i = 0; i < 40; ++i) {
      write_batch batch;
      for (auto left = random() % 4; left > 0; --left) {
        auto key = std::string(1, static_cast<char>('a' + random() % 6));
        if (random() % 3 == 0) {
          batch.remove(family::history, key);
          now.erase(key);
        } else {
          now[key] = std::to_string(i);
          batch.add(family::history, key, now[key]);
        }
      }
      auto synced = random() % 3 == 0;
      REQUIRE_FALSE(store.commit(batch, synced ? durability::synced : durability::later));
      if (synced)
        durable = now;
      if (random() % 10 == 0) {
        store.crash();
        now = durable;
      }
      for (auto key : {"a", "b", "c", "d", "e", "f"})
        CHECK(value_of(store, family::history, key) == (now.count(key) == 1 ? now[key] : "(none)"));
    }
  }
}
