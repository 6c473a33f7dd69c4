// Second opinions: asked where they may tell something, judged once, over a coordinator's death.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_blame.hpp"
#include "storage/keys.hpp"
#include "tests/actors/tree_fixture.hpp"

#include <algorithm>

using namespace drover;
using namespace drover::test;

namespace {

struct opinions_fixture : tree_fixture {
  /// Ends the build that the host has been sent last; its end is told and its workspace closed.
  void end_last(machine& on, result outcome) {
    auto work = on.heard.all<assignment>();
    REQUIRE_FALSE(work.empty());
    auto token = work.back().token;
    say(on, core::ended(token, outcome));
    for (const auto& order : on.heard.all<close_build>())
      if (order.build == token.attempt.build)
        say(on, build_closed{order.build, order.placement, {}, ""});
  }

  std::vector<build_record> opinions_on(build_id red) const {
    auto found = storage::list_builds(
      *store, {}, 100, [&](const build_record& build) { return build.opinion_of == red; });
    REQUIRE(found);
    return *found;
  }

  std::vector<event_record> told(event_kind kind) const {
    auto found = storage::last_events(*store, 100,
                                      [&](const event_record& each) { return each.kind == kind; });
    REQUIRE(found);
    return *found;
  }

  /// One red build on h1 whose second opinion is on its way to h2.
  build_id red_with_opinion(machine& h1, machine&) {
    auto red = submit_one();
    REQUIRE(h1.heard.all<assignment>().size() == 1);
    end_last(h1, result::failure);
    REQUIRE(record(red).outcome == result::failure);
    REQUIRE(opinions_on(red).size() == 1);
    return red;
  }
};

} // namespace

TEST_CASE_METHOD(opinions_fixture,
                 "opinions: the same failure elsewhere is the code's, durably and in the journal") {
  auto h1 = join("h1");
  auto h2 = join("h2");
  auto red = red_with_opinion(h1, h2);
  auto opinion = opinions_on(red)[0];
  CHECK(opinion.pinned == host_name{"h2"});
  CHECK(opinion.campaign == campaign_id{});
  REQUIRE(told(event_kind::opinion_asked).size() == 1);
  CHECK(told(event_kind::opinion_asked)[0].build == red);
  CHECK(told(event_kind::opinion_asked)[0].host == host_name{"h2"});
  end_last(h2, result::failure);
  CHECK(record(red).fault == blame::code);
  CHECK(record(red).fault_evidence.starts_with("build 2 on h2 fails alike"));
  CHECK(opinions_on(red).size() == 1);
  CHECK(opinions_on(opinion.id).empty());
  CHECK_FALSE(told(event_kind::blame_changed).empty());
}

TEST_CASE_METHOD(opinions_fixture,
                 "opinions: green elsewhere is the host's, until it is green at home as well") {
  auto h1 = join("h1");
  auto h2 = join("h2");
  auto red = red_with_opinion(h1, h2);
  end_last(h2, result::success);
  CHECK(record(red).fault == blame::host);
  auto asked = opinions_on(red);
  REQUIRE(asked.size() == 2); // it took no time, so it is tried at home again
  CHECK(asked[0].pinned == host_name{"h1"});
  SECTION("red again") {
    end_last(h1, result::failure);
    CHECK(record(red).fault == blame::host);
  }
  SECTION("green now") {
    end_last(h1, result::success);
    CHECK(record(red).fault == blame::flaky);
  }
  CHECK(opinions_on(red).size() == 2);
}

TEST_CASE_METHOD(opinions_fixture, "opinions: no kept result stands for one") {
  settings.config.builders[0].steps[0].cache.on = true;
  restart();
  auto h1 = join("h1");
  auto h2 = join("h2");
  red_with_opinion(h1, h2);
  end_last(h2, result::success);
  auto at_home = h1.heard.all<assignment>(); // else that success would be found there as well
  REQUIRE(at_home.size() == 2);
  CHECK(at_home[0].step.cache.on);
  CHECK_FALSE(at_home[1].step.cache.on);
}

TEST_CASE_METHOD(opinions_fixture, "opinions: none is asked where there is nobody else") {
  auto h1 = join("h1");
  auto red = submit_one();
  end_last(h1, result::failure);
  CHECK(record(red).outcome == result::failure);
  CHECK(opinions_on(red).empty());
  CHECK(record(red).fault == blame::none);
}

TEST_CASE_METHOD(opinions_fixture, "opinions: a builder may want none") {
  settings.config.builders[0].second_opinion = false;
  restart();
  auto h1 = join("h1");
  auto h2 = join("h2");
  auto red = submit_one();
  end_last(h1, result::failure);
  CHECK(opinions_on(red).empty());
}

TEST_CASE_METHOD(opinions_fixture, "opinions: one that a dying coordinator owed is asked later") {
  auto h1 = join("h1");
  auto red = submit_one(); // while nobody else is there
  end_last(h1, result::failure);
  REQUIRE(opinions_on(red).empty());
  restart();
  auto h2 = join("h2");
  CHECK(opinions_on(red).empty());
  advance_with_beats(h2, limits::blame_recovery_after + 1s);
  REQUIRE(opinions_on(red).size() == 1);
  end_last(h2, result::failure);
  CHECK(record(red).fault == blame::code);
}

TEST_CASE_METHOD(opinions_fixture, "opinions: one that is under way survives a restart, once") {
  auto h1 = join("h1");
  auto h2 = join("h2");
  auto red = red_with_opinion(h1, h2);
  auto token = h2.heard.all<assignment>().back().token;
  restart();
  auto back = join("h2", {{token, known_state::running, 0}});
  CHECK(opinions_on(red).size() == 1);
  say(back, core::ended(token, result::failure));
  for (const auto& order : back.heard.all<close_build>())
    say(back, build_closed{order.build, order.placement, {}, ""});
  CHECK(record(red).fault == blame::code);
  CHECK(opinions_on(red).size() == 1);
}

TEST_CASE_METHOD(opinions_fixture, "opinions: there are no more than so many in an hour") {
  auto h1 = join("h1");
  auto h2 = join("h2");
  size_t asked = 0;
  for (uint32_t i = 0; i < limits::opinions_max + 5; ++i) {
    auto red = submit_one({{"N", std::to_string(i)}}); // told apart by a parameter
    auto on = record(red).host == host_name{"h1"} ? &h1 : &h2;
    end_last(*on, result::failure);
    for (const auto& opinion : opinions_on(red)) {
      ++asked;
      end_last(opinion.pinned == host_name{"h1"} ? h1 : h2, result::failure);
    }
  }
  CHECK(asked <= limits::opinions_max);
  CHECK(asked > 0);
}

TEST_CASE_METHOD(opinions_fixture, "blame: a build that was deleted is no evidence any more") {
  settings.config.builders[0].second_opinion = false;
  restart();
  auto h1 = join("h1");
  auto here = submit_one();
  end_last(h1, result::failure);
  auto again = submit_one();
  end_last(h1, result::success);
  CHECK(record(here).fault == blame::flaky); // green from the same source on the same host
  storage::write_batch batch;
  batch.remove(storage::family::history, storage::keys::build(again));
  REQUIRE_FALSE(store->commit(batch, storage::durability::synced));
  submit_one();
  end_last(h1, result::failure);
  CHECK(record(here).fault == blame::none); // what was remembered of it does not count
}

namespace {

/// Builds of one source without opinions, on hosts that the test chooses.
struct verdicts_fixture : opinions_fixture {
  verdicts_fixture() {
    settings.config.builders[0].second_opinion = false;
    restart();
    h1 = join("h1");
    h2 = join("h2");
  }

  build_id ends(machine& on, result outcome) {
    auto answer = submit(&on == &h1 ? "h1" : "h2");
    REQUIRE(answer.ready());
    auto build = (**answer.get()).builds.at(0);
    end_last(on, outcome);
    REQUIRE(record(build).outcome == outcome);
    return build;
  }

  machine h1, h2;
};

} // namespace

TEST_CASE_METHOD(verdicts_fixture, "blame: what is built again much later changes no verdict") {
  auto red = ends(h1, result::failure);
  auto green = ends(h1, result::success);
  ends(h1, result::success);
  auto before = record(red);
  REQUIRE(before.fault == blame::flaky);
  REQUIRE(before.fault_evidence.starts_with("build " + std::to_string(green.value) + " on h1"));
  auto verdicts = told(event_kind::blame_changed).size();
  for (size_t i = 0; i < 2 * limits::blame_compared_max; ++i)
    ends(i % 2 == 0 ? h1 : h2, result::success);
  CHECK(record(red) == before);
  CHECK(told(event_kind::blame_changed).size() == verdicts);
}

TEST_CASE_METHOD(verdicts_fixture, "blame: after a restart verdicts stay as they were") {
  auto red = ends(h1, result::failure);
  ends(h1, result::success);
  ends(h1, result::success);
  auto before = record(red);
  restart();
  h1 = join("h1");
  h2 = join("h2");
  for (int i = 0; i < 4; ++i)
    ends(h1, result::success);
  CHECK(record(red) == before);
}

TEST_CASE_METHOD(opinions_fixture,
                 "opinions: what waited for a build is asked if it is cancelled") {
  auto h1 = join("h1");
  auto red = submit_one();
  auto h2 = join("h2");
  auto same = submit("h2"); // the same elsewhere already
  REQUIRE(same.ready());
  auto other = (**same.get()).builds.at(0);
  end_last(h1, result::failure);
  REQUIRE(record(red).outcome == result::failure);
  CHECK(opinions_on(red).empty());
  REQUIRE(cancel(other));
  end_last(h2, result::cancelled);
  REQUIRE(record(other).outcome == result::cancelled);
  CHECK(opinions_on(red).size() == 1);
}
