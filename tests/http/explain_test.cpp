// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/explain.hpp"
#include "schema/limits_explain.hpp"
#include "storage/memory_store.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::http;

namespace {

constexpr wall_time noon{1'769'860'800'000};

build_file failed_build(uint64_t id, const std::string& source = "a.tar") {
  build_file out;
  out.build.id = {id};
  out.build.builder = "check";
  out.build.state = build_state::finished;
  out.build.outcome = result::failure;
  out.build.source = {source_kind::tarball, source, std::string(64, 'a'), "", 9};
  out.build.host = {"h1"};
  out.build.started_at = out.build.finished_at = noon;
  out.recipe.name = "check";
  out.recipe.steps.resize(1);
  out.recipe.steps[0].name = "test";
  step_record step;
  step.name = "test";
  step.state = step_state::finished;
  step.outcome = result::failure;
  step.exit_code = 7;
  step.accepted = {1};
  step.reason = "exit code 7";
  attempt_record attempt;
  attempt.number = {1};
  attempt.host = {"h1"};
  attempt.state = attempt_state::finished;
  attempt.outcome = result::failure;
  attempt.started_at = noon;
  step.attempts = {attempt};
  out.steps = {step};
  return out;
}

class kept_store {
public:
  storage::memory_store store;

  void put(const build_file& file) {
    storage::write_batch batch;
    storage::put_build(batch, file.build);
    storage::put_recipe(batch, file.build.id, file.recipe);
    for (const auto& step : file.steps)
      storage::put_step(batch, file.build.id, step);
    commit(batch);
  }
  void log(uint64_t build, const std::string& bytes) {
    storage::write_batch batch;
    storage::put_log_chunk(batch, {{build}, {0}, {1}}, 0, bytes);
    commit(batch);
  }
  void tell(uint64_t sequence, const host_name& host, event_kind kind = event_kind::host_changed) {
    event_record event;
    event.sequence = sequence;
    event.at = noon;
    event.kind = kind;
    event.host = host;
    storage::write_batch batch;
    storage::put_event(batch, event);
    commit(batch);
  }

private:
  void commit(storage::write_batch& batch) {
    REQUIRE_FALSE(store.commit(batch, storage::durability::synced));
  }
};

} // namespace

TEST_CASE("explain: the end of the failed step's log is looked at, however long it is") {
  kept_store farm;
  farm.put(failed_build(12));
  farm.log(12, std::string(3 * limits::error_search_bytes_max, 'x') + "\nerror: the end\n");
  auto around = look_around(farm.store, failed_build(12));
  CHECK(around.log_tail.size() == limits::error_search_bytes_max);
  auto why = core::explain_build(failed_build(12), nullptr, around);
  CHECK(why.sentence
        == "build 12 of check failed: step 'test' failed on h1 with exit code 7: error: the end");
}

TEST_CASE("explain: the last good build, the same elsewhere and repeats come from the store") {
  kept_store farm;
  auto good = failed_build(3, "older.tar");
  good.build.outcome = result::success;
  auto first = failed_build(9);
  auto mine = failed_build(12);
  mine.build.retry_of = {9};
  auto again = failed_build(15);
  again.build.retry_of = {12};
  auto other = failed_build(11);
  other.build.builder = "docs";
  auto cancelled = failed_build(14);
  cancelled.build.outcome = result::cancelled;
  for (const auto& file : {good, first, other, mine, cancelled, again})
    farm.put(file);
  auto around = look_around(farm.store, mine);
  REQUIRE(around.last_good);
  CHECK(around.last_good->id == build_id{3});
  CHECK(around.searched == 2);
  REQUIRE(around.elsewhere.size() == 2);
  CHECK(around.elsewhere[0].id == build_id{15});
  CHECK(around.elsewhere[1].id == build_id{9});
  CHECK(around.retry_chain == std::vector<build_id>{{9}});
  CHECK(around.retried_by == std::vector<build_id>{{15}});
  CHECK(around.problems.empty());
}

TEST_CASE("explain: a circle of repeats ends") {
  kept_store farm;
  auto mine = failed_build(12);
  mine.build.retry_of = {12};
  farm.put(mine);
  CHECK(look_around(farm.store, mine).retry_chain.size() == limits::retries_followed_max);
}

TEST_CASE("explain: a host's work has names, and its newest entries of the journal come first") {
  kept_store farm;
  farm.put(failed_build(12));
  for (uint64_t sequence = 1; sequence <= 30; ++sequence)
    farm.tell(sequence, {sequence % 2 == 0 ? "h1" : "h2"});
  for (uint64_t sequence = 31; sequence <= 40; ++sequence)
    farm.tell(sequence, {"h1"}, event_kind::build_started);
  host_view host;
  host.record.name = {"h1"};
  host.attempts = {{{12}, {0}, {1}}, {{77}, {0}, {1}}};
  auto around = look_around(farm.store, host);
  REQUIRE(around.work.size() == 2);
  CHECK(around.work[0].builder == "check");
  CHECK(around.work[0].step == "test");
  CHECK(around.work[0].started_at == noon);
  CHECK(around.work[1].builder.empty());
  REQUIRE(around.journal.size() == limits::evidence_events_max);
  CHECK(around.journal[0].sequence == 30);
  CHECK(around.journal[1].sequence == 28);
}
