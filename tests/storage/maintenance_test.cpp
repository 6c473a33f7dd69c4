// Verification, copies and clean-up, on the real store.
// SPDX-License-Identifier: Apache-2.0
#include "schema/record_codec.hpp"
#include "storage/keys.hpp"
#include "storage/maintenance.hpp"
#include "storage/tables.hpp"
#include "tests/storage/store_folder.hpp"

#include <algorithm>

using namespace drover;
using namespace drover::storage;
using namespace drover::test;

namespace {

const keep_going on = [] { return true; };
constexpr int64_t hour = 3'600'000;
constexpr wall_time now{1000 * hour};

void commit(store& into, const write_batch& batch) {
  auto problem = into.commit(batch, durability::synced);
  if (problem)
    FAIL(problem->text);
}

std::string store_blob(store& into, const std::string& content, wall_time at = {}) {
  blob_writer writer{into};
  REQUIRE_FALSE(writer.append(content));
  auto name = writer.finish(at);
  REQUIRE(name);
  return *name;
}

struct build_plan {
  std::string builder = "check";
  result outcome = result::success;
  int64_t hours_ago = 0;
  std::vector<std::string> artifacts = {}; ///< digests
  campaign_id campaign = {};
  build_state state = build_state::finished;
};

/// A build with a step, an attempt, a log of a chunk and a segment.
void put_build_of(store& into, build_id id, const build_plan& plan) {
  build_record build;
  build.id = id;
  build.builder = plan.builder;
  build.state = plan.state;
  build.outcome = plan.outcome;
  build.campaign = plan.campaign;
  build.created_at = {now.ms - plan.hours_ago * hour - 1};
  if (plan.state == build_state::finished)
    build.finished_at = build.created_at;
  for (const auto& sha256 : plan.artifacts)
    build.artifacts.push_back({"out/file", sha256, 1});
  builder_spec recipe;
  recipe.name = plan.builder;
  step_record step;
  step.name = "test";
  attempt_record attempt;
  attempt.number = {1};
  step.attempts = {attempt};
  write_batch batch;
  put_build(batch, build);
  put_recipe(batch, id, recipe);
  put_step(batch, id, step);
  attempt_id of{id, {0}, {1}};
  put_log_chunk(batch, of, 0, std::string(5000, 'l'));
  commit(into, batch);
  auto sealed = seal_log(into, of, remainder::seal);
  REQUIRE(sealed);
  put_log_chunk(*sealed, of, 5000, "the rest");
  commit(into, *sealed);
}

void put_events(store& into, uint64_t first, uint64_t last) {
  write_batch batch;
  for (auto at = first; at <= last; ++at) {
    event_record event;
    event.sequence = at;
    put_event(batch, event);
  }
  commit(into, batch);
}

verify_report verified(const store& in) {
  auto report = verify(in, on);
  if (!report)
    FAIL(report.error().text);
  return *report;
}

committer into(store& target) {
  return [&target](write_batch batch) { return target.commit(batch, durability::synced); };
}

clean_up_report cleaned(store& in, clean_up_rules rules) {
  auto before = preview_clean_up(in, rules, on);
  REQUIRE(before);
  auto report = clean_up(in, rules, into(in), on);
  if (!report)
    FAIL(report.error().text);
  CHECK(before->builds == report->builds);
  CHECK(before->campaigns == report->campaigns);
  CHECK(before->events == report->events);
  CHECK(before->blobs == report->blobs);
  CHECK(before->bytes == report->bytes);
  return *report;
}

clean_up_rules older_than(int64_t hours) {
  return {now, milliseconds{hours * hour}, 1000, milliseconds{hour}};
}

std::vector<uint64_t> builds_of(const store& in) {
  auto builds = list_builds(in, {}, 1000, [](const build_record&) { return true; });
  REQUIRE(builds);
  std::vector<uint64_t> ids;
  for (const auto& build : *builds)
    ids.push_back(build.id.value);
  std::sort(ids.begin(), ids.end());
  return ids;
}

bool names(const verify_report& report, const std::string& what) {
  return std::any_of(report.damaged.begin(), report.damaged.end(),
                     [&](const damage& each) { return each.what == what; });
}

/// Flips a bit of the value under `key`, through the store: as a bad disk below it would.
void spoil(store& in, family where, const std::string& key, size_t byte) {
  auto value = in.get(where, key);
  REQUIRE((value && *value && byte < (*value)->size()));
  (**value)[byte] = static_cast<char>((**value)[byte] ^ 1);
  write_batch batch;
  batch.add(where, key, **value);
  commit(in, batch);
}

} // namespace

TEST_CASE("verify: a sound store is read whole and nothing is said against it") {
  temporary_folder folder;
  auto store = open_store(folder.path() / "store");
  auto blob = store_blob(*store, std::string(3'000'000, 'b'));
  put_build_of(*store, {1}, {"check", result::success, 5, {blob}});
  put_build_of(*store, {2}, {"check", result::none, 1, {}, {}, build_state::running});
  put_events(*store, 1, 600);
  auto report = verified(*store);
  CHECK(report.damages == 0);
  CHECK(report.log_segments == 2);
  CHECK(report.blobs == 1);
  CHECK(report.records > 600);
  CHECK(report.bytes > 3'000'000);
}

TEST_CASE("verify: one wrong bit of any value is named, and the rest is looked at all the same") {
  temporary_folder folder;
  auto store = open_store(folder.path() / "store");
  std::string content(2'500'000, 'b');
  auto blob = store_blob(*store, content);
  put_build_of(*store, {1}, {"check", result::success, 5, {blob}});
  put_build_of(*store, {2}, {"check", result::success, 5});
  put_events(*store, 1, 3);
  spoil(*store, family::history, keys::build({1}), 20);
  spoil(*store, family::history, keys::step({{2}, {0}}), 9);
  spoil(*store, family::history, keys::event(2), 12);
  spoil(*store, family::log, keys::log_segment({{{1}, {0}, {1}}, 0}), 40);
  spoil(*store, family::log, keys::log_chunk({{{2}, {0}, {1}}, 5000}), 10);
  std::string piece;
  auto first = [&](std::string_view key, std::string_view) {
    piece = key;
    return false;
  };
  REQUIRE_FALSE(store->scan(family::content, std::string{'\x40'},
                            keys::end_of(keys::tag::blob_piece), scan_order::ascending, first));
  spoil(*store, family::content, piece, 1000);
  auto report = verified(*store);
  CHECK(report.damages == 6);
  for (auto what : {"build 1", "build 2, step 0", "event 2", "log of 1/0/1 at byte 0",
                    "log of 2/0/1 at byte 5000"}) {
    INFO(what);
    CHECK(names(report, what));
  }
  CHECK(names(report, "blob " + blob));
}

TEST_CASE("verify: what a record names and is not there is damage") {
  temporary_folder folder;
  auto store = open_store(folder.path() / "store");
  put_build_of(*store, {1}, {"check", result::success, 5, {std::string(64, 'a')}});
  write_batch batch;
  batch.remove(family::history, keys::recipe({1}));
  batch.add(family::active, keys::active_build({9}), {});
  batch.add(family::history, "\x7fodd", "value");
  commit(*store, batch);
  auto report = verified(*store);
  CHECK(names(report, "build 1"));
  CHECK(names(report, "build 1, artifact 'out/file'"));
  CHECK(names(report, "build 9"));
}

TEST_CASE("verify: a bit that the disk has turned in a file is named, not a crash") {
  temporary_folder folder;
  auto path = folder.path() / "store";
  {
    auto store = open_store(path);
    for (uint64_t id = 1; id <= 40; ++id)
      put_build_of(*store, {id}, {});
    REQUIRE_FALSE(store->close());
  }
  open_store(path).reset(); // replays the log into table files
  flip_bit(largest_file(path, ".sst"), 300);
  auto opened = rocks_store::open(path.string(), still());
  if (!opened)
    return; // noticed even earlier
  CHECK(verified(**opened).damages > 0);
}

TEST_CASE("verify: it ends when the farm does") {
  temporary_folder folder;
  auto store = open_store(folder.path() / "store");
  put_events(*store, 1, 2000);
  auto report = verify(*store, [] { return false; });
  REQUIRE_FALSE(report);
  CHECK(report.error().code == ec::unavailable);
}

TEST_CASE("store copy: a backup that is opened as a store has the same builds, logs and content") {
  temporary_folder folder;
  auto store = open_store(folder.path() / "store");
  auto blob = store_blob(*store, std::string(1'500'000, 'b'));
  put_build_of(*store, {1}, {"check", result::success, 5, {blob}});
  auto path = (folder.path() / "copy").string();
  auto sequence = store->copy_to(path);
  REQUIRE(sequence);
  CHECK(*sequence == store->sequence());
  put_build_of(*store, {2}, {}); // after the copy, so not in it
  auto again = store->copy_to(path);
  CHECK_FALSE(again);
  auto copy = open_store(path);
  CHECK(copy->notes().empty());
  CHECK(builds_of(*copy) == std::vector<uint64_t>{1});
  CHECK(verified(*copy).damages == 0);
  auto bytes = read_blob(*copy, blob, 1'499'999, 10);
  REQUIRE(bytes);
  CHECK(*bytes == "b");
  CHECK(builds_of(*store) == std::vector<uint64_t>{1, 2});
}

TEST_CASE("clean-up: what is old goes with its log; newest successes, young and active ones stay") {
  temporary_folder folder;
  auto store = open_store(folder.path() / "store");
  put_build_of(*store, {1}, {"check", result::failure, 100});
  put_build_of(*store, {2}, {"check", result::success, 90});
  put_build_of(*store, {3}, {"other", result::success, 90}); // the newest success of its builder
  put_build_of(*store, {4}, {"check", result::success, 80}); // so is this
  put_build_of(*store, {5}, {"check", result::failure, 80});
  put_build_of(*store, {6}, {"check", result::none, 100, {}, {}, build_state::running});
  put_build_of(*store, {7}, {"check", result::failure, 2});
  put_build_of(*store, {8}, {"check", result::failure, 90}); // the newest: it holds the counter
  put_events(*store, 1, 1200);
  auto report = cleaned(*store, older_than(24));
  CHECK(report.builds == 3);
  CHECK(report.events == 200);
  CHECK(builds_of(*store) == std::vector<uint64_t>{3, 4, 6, 7, 8});
  auto first = first_event(*store);
  REQUIRE(first);
  CHECK(*first == 201);
  for (uint64_t id = 1; id <= 8; ++id) {
    INFO(id);
    auto size = log_size(*store, {{id}, {0}, {1}});
    REQUIRE(size);
    bool gone = id == 1 || id == 2 || id == 5;
    CHECK(*size == (gone ? 0u : 5008u));
  }
  CHECK(verified(*store).damages == 0);
  CHECK(cleaned(*store, older_than(24)).builds == 0);
}

TEST_CASE("clean-up: a young campaign keeps its builds; an old one goes when none is left") {
  temporary_folder folder;
  auto store = open_store(folder.path() / "store");
  write_batch batch;
  for (uint64_t id : {1, 2, 3}) {
    campaign_record campaign;
    campaign.id = {id};
    campaign.created_at = {now.ms - (id == 2 ? 1 : 100) * hour};
    campaign.cells = {{"check", {}, {}, {id}, {}}};
    put_campaign(batch, campaign);
    put_build_of(*store, {id}, {"check", result::failure, 100, {}, {id}});
  }
  commit(*store, batch);
  put_build_of(*store, {4}, {});
  auto report = cleaned(*store, older_than(24));
  CHECK(report.campaigns == 1); // not 2, which is young, and not 3, which holds the counter
  CHECK(builds_of(*store) == std::vector<uint64_t>{2, 4});
  auto kept = read_campaign(*store, {2});
  REQUIRE(kept);
  CHECK(kept->has_value());
}

TEST_CASE("clean-up: content that only builds that went had is removed, shared pieces stay") {
  temporary_folder folder;
  auto store = open_store(folder.path() / "store");
  std::string common(piece_bytes, 'c');
  auto lonely = store_blob(*store, common + std::string(1000, 'x'));
  auto shared = store_blob(*store, common + std::string(1000, 'y'));
  auto fresh = store_blob(*store, "uploaded a minute ago", {now.ms - 60'000});
  auto old = store_blob(*store, "uploaded and never used", {now.ms - 50 * hour});
  put_build_of(*store, {1}, {"check", result::failure, 100, {lonely, shared}});
  put_build_of(*store, {2}, {"check", result::failure, 1, {shared}});
  auto report = cleaned(*store, older_than(24));
  CHECK(report.blobs == 2);
  auto stored = [&](const std::string& sha256) {
    auto size = blob_size(*store, sha256);
    REQUIRE(size);
    return size->has_value();
  };
  CHECK_FALSE(stored(lonely));
  CHECK_FALSE(stored(old));
  CHECK(stored(shared));
  CHECK(stored(fresh));
  CHECK(verified(*store).damages == 0);
}

TEST_CASE("clean-up: what an unfinished build may have stored stays, and what a writer relies on") {
  temporary_folder folder;
  auto store = open_store(folder.path() / "store");
  put_build_of(*store, {1}, {"check", result::none, 30, {}, {}, build_state::running});
  auto early = store_blob(*store, "before that build", {now.ms - 40 * hour});
  auto during = store_blob(*store, "while it runs", {now.ms - 20 * hour});
  std::string common(piece_bytes, 'c');
  auto whole = store_blob(*store, common + "old", {now.ms - 40 * hour});
  {
    blob_writer writer{*store};
    REQUIRE_FALSE(writer.append(common)); // stored already: it relies on that
    CHECK(cleaned(*store, older_than(0)).blobs == 2);
    REQUIRE_FALSE(writer.append("new"));
    REQUIRE(writer.finish(now));
  }
  auto size = blob_size(*store, during);
  REQUIRE(size);
  CHECK(size->has_value());
  CHECK(verified(*store).damages == 0);
  auto touched = touch_blob(*store, during, now);
  REQUIRE(touched);
  CHECK(touched->value_or(0) == std::string{"while it runs"}.size());
}
