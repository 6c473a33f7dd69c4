// The coordinator's side of the step cache: what is a hit, what is kept, what goes.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/cache_key.hpp"
#include "actors/result_cache.hpp"
#include "storage/cache_entries.hpp"
#include "tests/actors/farm_fixture.hpp"

using namespace drover;
using namespace drover::test;

namespace {

struct cache_fixture : farm_fixture {
  recorder_actor recorder = spawn_held_recorder();
  result_cache_actor uut = keep(system.spawn(result_cache, settings, recorder));

  static cache_subject subject(uint64_t build = 7, const std::string& host = "h1",
                               const std::string& cpu = "A") {
    cache_subject of;
    of.work.token = {{3, 77}, {{build}, {0}, {1}}};
    of.work.builder = "atlas";
    of.work.step.name = "tune";
    of.work.step.run = "make";
    of.work.step.cache = {true, {}, {"cpu_model"}, {"lib/**"}};
    of.host.name = {host};
    of.host.facts = {{"os", "linux"}, {"cpu_model", cpu}};
    of.parts = {{"workspace", "digest:3"}, {"command", "what the host says"}};
    return of;
  }

  stored_blob store_blob(const std::string& content) {
    storage::blob_writer writer{*store};
    REQUIRE_FALSE(writer.append(content));
    auto sha256 = writer.finish(settings.clock());
    REQUIRE(sha256);
    return {*sha256, content.size()};
  }

  std::string keep_result(const cache_subject& of, const std::string& content = "result") {
    auto blob = store_blob(content);
    return ask<cache_kept>(uut, cache_filing{of, blob.sha256, blob.size}).get()->problem;
  }

  cache_answer look(const cache_subject& of) {
    return *ask<cache_answer>(uut, cache_question{of}).get();
  }

  void put_host(const std::string& name, host_stage stage) {
    host_record host;
    host.name = {name};
    host.stage = stage;
    storage::write_batch batch;
    storage::put_host(batch, host);
    REQUIRE_FALSE(store->commit(batch, storage::durability::synced));
  }

  size_t entries() { return storage::list_cache_entries(*store)->size(); }
};

} // namespace

TEST_CASE_METHOD(cache_fixture, "result cache: what was kept is found by equal parts alone") {
  CHECK(look(subject()).note == "ran because no result of this step is kept");
  REQUIRE(keep_result(subject()).empty());
  auto hit = look(subject(8, "h2"));
  CHECK(hit.hit);
  CHECK(hit.size == 6);
  CHECK(hit.from.value == 7);
  CHECK(hit.note.find("from build 7 on h1, ") == 0);
  auto other = look(subject(9, "h3", "B"));
  CHECK_FALSE(other.hit);
  CHECK(other.note
        == "ran because cpu_model is 'B', the kept result is for 'A' (compared with build 7)");
  CHECK(storage::list_cache_entries(*store)->front().uses == 1);
}

TEST_CASE_METHOD(cache_fixture, "result cache: what was saved counts from the start or the grant") {
  auto hit_after = [this](int64_t started_ms) {
    step_record step;
    step.attempts.emplace_back();
    step.attempts[0].number = {1};
    step.attempts[0].granted_at = wall_time{1000}; // it is 5000 now
    step.attempts[0].started_at = wall_time{started_ms};
    build_record build;
    build.id = {7};
    storage::write_batch batch;
    storage::put_build(batch, build);
    storage::put_recipe(batch, build.id, {});
    storage::put_step(batch, build.id, step);
    REQUIRE_FALSE(store->commit(batch, storage::durability::synced));
    REQUIRE(keep_result(subject()).empty());
    return look(subject(8)).note;
  };
  CHECK(hit_after(2000).ends_with(", saved 3.0 s"));
  CHECK(hit_after(0).ends_with(", saved 4.0 s")); // its start is told only with its end
}

TEST_CASE_METHOD(cache_fixture, "result cache: a host is believed about its files alone") {
  auto liar = subject(7, "h9");
  liar.parts["command"] = "of another step";
  liar.parts["fact cpu_model"] = "B";
  REQUIRE(keep_result(liar).empty());
  CHECK(look(subject()).hit); // it is filed under what the farm had ordered
  CHECK_FALSE(look(subject(8, "h1", "B")).hit);
}

TEST_CASE_METHOD(cache_fixture, "result cache: labels of the configuration hide facts") {
  REQUIRE(keep_result(subject()).empty());
  auto labelled = subject();
  labelled.labels = {{"cpu_model", "as I say"}};
  CHECK_FALSE(look(labelled).hit);
}

TEST_CASE_METHOD(cache_fixture, "result cache: results of hosts on probation are nobody's") {
  auto young = subject(7, "h2");
  young.host.stage = host_stage::probation;
  CHECK(keep_result(young) == "h2 is on probation, its results are not kept");
  CHECK(entries() == 0);
  REQUIRE(keep_result(subject(7, "h2")).empty());
  put_host("h2", host_stage::probation);
  auto answer = look(subject(8, "h1"));
  CHECK_FALSE(answer.hit);
  CHECK(answer.note == "ran because the result of build 7 is from h2, which is on probation");
  CHECK(look(subject(8, "h2")).hit);
}

TEST_CASE_METHOD(cache_fixture, "result cache: nothing is promised whose content is not there") {
  CHECK(ask<cache_kept>(uut, cache_filing{subject(), std::string(64, 'a'), 6}).get()->problem
        == "its content has not arrived");
  auto blob = store_blob("result");
  CHECK_FALSE(ask<cache_kept>(uut, cache_filing{subject(), blob.sha256, 7}).get()->problem.empty());
  CHECK(entries() == 0);
}

TEST_CASE_METHOD(cache_fixture, "result cache: damaged content is dropped with its entry") {
  REQUIRE(keep_result(subject()).empty());
  auto hit = look(subject());
  tell(uut, cache_damaged{hit.sha256, "a piece is damaged"});
  CHECK(entries() == 0);
  CHECK_FALSE(look(subject()).hit);
}

TEST_CASE_METHOD(cache_fixture, "result cache: the same result again takes the place of the old") {
  REQUIRE(keep_result(subject(), "one").empty());
  REQUIRE(keep_result(subject(8), "two!").empty());
  CHECK(entries() == 1);
  CHECK(look(subject()).from.value == 8);
  CHECK(storage::cache_entries_of(*store, "atlas", "tune", 9)->size() == 1);
}

TEST_CASE_METHOD(cache_fixture, "result cache: people drop one entry, or all") {
  REQUIRE(keep_result(subject()).empty());
  REQUIRE(keep_result(subject(8, "h1", "B")).empty());
  auto wrong = *ask<expected<accepted>>(uut, cache_drop{"zz", "ann"}).get();
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == ec::not_found);
  auto key = storage::list_cache_entries(*store)->front().key;
  auto one = *ask<expected<accepted>>(uut, cache_drop{key.substr(0, 12), "ann"}).get();
  REQUIRE(one);
  CHECK((*one).text == "1 entry of the step cache dropped");
  CHECK(entries() == 1);
  REQUIRE(*ask<expected<accepted>>(uut, cache_drop{"", "ann"}).get());
  CHECK(entries() == 0);
}
