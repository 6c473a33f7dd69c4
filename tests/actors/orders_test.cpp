// What people order beside submissions: retries, holds of hosts, another configuration; and that
// the journal tells of each.
// SPDX-License-Identifier: Apache-2.0
#include "schema/names.hpp"
#include "storage/keys.hpp"
#include "tests/actors/tree_fixture.hpp"

using namespace drover;
using namespace drover::test;
using namespace std::chrono_literals;

namespace {

struct orders_fixture : tree_fixture {
  orders_fixture() {
    settings.clock = [at = wall] { return wall_time{*at}; };
    restart();
  }

  std::string obey(const std::string& host, host_action action, milliseconds lasting = 0ms) {
    host_order order{{host}, action, "ann", "new disk", lasting};
    auto answer = ask<expected<accepted>>(farm.coordinator, order);
    return *answer.get() ? (**answer.get()).text : "refused: " + answer.get()->error().text;
  }

  std::string retry(build_id build) {
    auto answer = ask<expected<submitted>>(farm.coordinator, retry_build{build, "bob", {}});
    return *answer.get() ? to_string((**answer.get()).builds.at(0))
                         : "refused: " + answer.get()->error().text;
  }

  std::string reload(const farm_config& config, const std::string& text) {
    config_record source;
    source.by = "ann";
    source.path = "farm.yaml";
    source.files = {{"farm.yaml", text}};
    auto answer = ask<expected<accepted>>(farm.coordinator, reload_config{config, source});
    return (**answer.get()).text;
  }

  std::vector<event_record> journal(event_kind kind) {
    return storage::read_events(*store, 0, 1000, 0,
                                [&](const event_record& event) { return event.kind == kind; })
      ->events;
  }

  void drop(const machine& host) { crash(host.link); }

  std::shared_ptr<int64_t> wall = std::make_shared<int64_t>(5000);

  host_view host(const std::string& name) {
    auto answer = ask<std::vector<host_view>>(farm.coordinator, hosts_query{});
    for (const auto& view : *answer.get())
      if (view.record.name.value == name)
        return view;
    throw std::logic_error{"no such host: " + name};
  }
};

} // namespace

TEST_CASE_METHOD(orders_fixture, "orders: a drained host gets no new builds until it is resumed") {
  auto h1 = join("h1");
  CHECK(obey("h1", host_action::drain).starts_with("h1 gets no new builds"));
  auto view = host("h1");
  CHECK(view.state == host_state::draining);
  CHECK(view.reason.find("by ann") != std::string::npos);
  CHECK(view.reason.find("new disk") != std::string::npos);
  submit_one();
  CHECK(h1.heard.all<assignment>().empty());
  CHECK(obey("h1", host_action::resume) == "h1 takes builds again");
  CHECK(h1.heard.all<assignment>().size() == 1);
  CHECK(obey("h1", host_action::resume) == "refused: h1 is neither drained nor paused");
  REQUIRE(journal(event_kind::host_ordered).size() == 2);
  CHECK(journal(event_kind::host_ordered)[0].by == "ann");
}

TEST_CASE_METHOD(orders_fixture, "orders: a hold survives a restart of the coordinator") {
  join("h1");
  obey("h1", host_action::drain);
  restart();
  auto h1 = join("h1");
  CHECK(host("h1").state == host_state::draining);
  submit_one();
  CHECK(h1.heard.all<assignment>().empty());
}

TEST_CASE_METHOD(orders_fixture, "orders: a hold with an end is over by itself, and says so") {
  auto h1 = join("h1");
  obey("h1", host_action::drain, 10s);
  submit_one();
  *wall += 9'000;
  advance_with_beats(h1, 1s);
  CHECK(h1.heard.all<assignment>().empty());
  *wall += 1'000;
  advance_with_beats(h1, 1s);
  CHECK(h1.heard.all<assignment>().size() == 1);
  CHECK(journal(event_kind::host_ordered).back().text == "its drain has ended as planned");
}

TEST_CASE_METHOD(orders_fixture, "orders: a paused host does not begin the next step") {
  settings.config.builders[0].steps.push_back(settings.config.builders[0].steps[0]);
  settings.config.builders[0].steps[1].name = "second";
  restart();
  auto h1 = join("h1");
  submit_one();
  auto first = h1.heard.all<assignment>().at(0).token;
  obey("h1", host_action::pause);
  say(h1, core::ended(first, result::success));
  advance_with_beats(h1, 5s);
  CHECK(h1.heard.all<assignment>().size() == 1);
  obey("h1", host_action::resume);
  REQUIRE(h1.heard.all<assignment>().size() == 2);
  CHECK(h1.heard.all<assignment>()[1].step.name == "second");
}

TEST_CASE_METHOD(orders_fixture, "orders: only a connected agent can be told to restart") {
  auto h1 = join("h1");
  CHECK(obey("h1", host_action::restart) == "the agent of h1 restarts; its steps run on");
  CHECK(h1.heard.all<restart_agent>().size() == 1);
  drop(h1);
  CHECK(obey("h1", host_action::restart).starts_with("refused: h1 is not connected"));
  CHECK(obey("h9", host_action::drain).starts_with("refused: there is no host 'h9'"));
}

TEST_CASE_METHOD(orders_fixture, "orders: a host that is away can be forgotten, others can't") {
  auto h1 = join("h1");
  CHECK(obey("h1", host_action::forget) == "refused: h1 is up: stop its drover-host first");
  drop(h1);
  advance(limits::lease + 1s);
  CHECK(obey("h1", host_action::forget).starts_with("h1 is forgotten"));
  restart();
  CHECK_THROWS(host("h1"));
}

TEST_CASE_METHOD(orders_fixture, "orders: a retry is a new build that names the old one") {
  auto h1 = join("h1");
  auto id = submit_one();
  CHECK(retry(id) == "refused: build 1 is not over yet: cancel it first, or wait");
  finish(h1);
  CHECK(retry(id) == "2");
  CHECK(record({2}).retry_of == id);
  CHECK(record({2}).requested_by == "bob");
  CHECK(record({2}).requested_because == "retry of build 1");
  CHECK(h1.heard.all<assignment>().size() == 2);
  CHECK(retry({9}) == "refused: there is no build 9");
}

TEST_CASE_METHOD(orders_fixture, "orders: a reloaded config counts for new builds, not for old") {
  auto old = submit_one();
  auto config = settings.config;
  config.builders[0].steps[0].name = "renamed";
  CHECK(reload(config, "second").find("builder check changed") != std::string::npos);
  CHECK(reload(config, "second").find("has not changed") != std::string::npos);
  auto fresh = submit_one();
  CHECK(record(fresh).generation == record(old).generation + 1);
  auto h1 = join("h1");
  CHECK(h1.heard.all<assignment>().at(0).step.name != "renamed");
  finish(h1);
  CHECK(h1.heard.all<assignment>().at(1).step.name == "renamed");
  auto kept = storage::newest_config(*store);
  REQUIRE((kept && *kept));
  CHECK((*kept)->files == string_map{{"farm.yaml", "second"}});
  CHECK(journal(event_kind::config_loaded).back().by == "ann");
}

TEST_CASE_METHOD(orders_fixture, "orders: a builder that a reload removed can't be repeated") {
  auto h1 = join("h1");
  auto id = submit_one();
  finish(h1);
  auto config = settings.config;
  config.builders.clear();
  reload(config, "none");
  CHECK(retry(id)
        == "refused: build 1 can't be repeated: the configuration has no 'check' any more");
}

TEST_CASE_METHOD(orders_fixture, "orders: the journal has no gaps, over restarts too") {
  auto h1 = join("h1");
  submit_one();
  restart();
  auto again = join("h1");
  submit_one();
  auto all =
    storage::read_events(*store, 0, 1000, 0, [](const event_record&) { return true; })->events;
  REQUIRE(all.size() > 5);
  for (size_t i = 0; i < all.size(); ++i)
    CHECK(all[i].sequence == i + 1);
  CHECK(journal(event_kind::farm_started).size() == 3); // with the fixture's own two
}

TEST_CASE_METHOD(orders_fixture, "orders: the end of a campaign is told once, over a restart too") {
  settings.config.builders[0].on.kind = placement_kind::each_host;
  restart();
  auto h1 = join("h1");
  auto h2 = join("h2");
  submission request;
  request.orders = {{"check", {}}};
  REQUIRE(ask<expected<submitted>>(farm.coordinator, request).ready());
  finish(h1);
  CHECK(journal(event_kind::campaign_finished).empty());
  finish(h2, result::failure);
  auto told = journal(event_kind::campaign_finished);
  REQUIRE(told.size() == 1);
  CHECK(told[0].campaign == campaign_id{1});
  CHECK(told[0].outcome == result::failure);
  restart();
  CHECK(journal(event_kind::campaign_finished).size() == 1);
  storage::write_batch lost; // as if the coordinator had died before it told
  lost.remove(storage::family::history, storage::keys::event(told[0].sequence));
  REQUIRE_FALSE(store->commit(lost, storage::durability::synced));
  restart();
  CHECK(journal(event_kind::campaign_finished).size() == 1);
}
