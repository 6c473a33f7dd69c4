// SPDX-License-Identifier: Apache-2.0
#include "actors/core/incidents.hpp"
#include "tests/core/explain_samples.hpp"

using namespace drover;
using namespace drover::core;

namespace {

build_news news_of(uint64_t build, judgement how, std::string cause = "c", uint64_t campaign = 0) {
  build_news out;
  out.event = 100 + build;
  out.at = {noon.ms + static_cast<int64_t>(build)};
  out.builder = "check";
  out.build = {build};
  out.campaign = {campaign};
  out.how = how;
  out.cause = std::move(cause);
  out.thread = "t" + std::to_string(build);
  return out;
}

/// Says at once what waits.
incident_record told(const incident_change& change) {
  return after_told(change.incident, change.incident.thread, {});
}

incident_record red_at(const std::string& place, uint64_t build, const std::string& cause = "c",
                       uint64_t campaign = 5) {
  auto news = news_of(build, judgement::red, cause, campaign);
  news.place = place;
  return after_build(nullptr, news).incident;
}

} // namespace

TEST_CASE("incidents: cancelled, skipped, and lost but repeated builds are no problem") {
  auto build = sample_build(build_state::finished, result::none).build;
  auto judged = [&](result outcome, bool repeated) {
    build.outcome = outcome;
    return judge(build, repeated);
  };
  CHECK(judged(result::cancelled, false) == judgement::none);
  CHECK(judged(result::skipped, false) == judgement::none);
  CHECK(judged(result::host_lost, true) == judgement::none);
  CHECK(judged(result::host_lost, false) == judgement::red);
  CHECK(judged(result::failure, true) == judgement::red);
  CHECK(judged(result::timeout, false) == judgement::red);
  CHECK(judged(result::exception, false) == judgement::red);
  CHECK(judged(result::warnings, false) == judgement::green);
  CHECK(judged(result::success, false) == judgement::green);
}

TEST_CASE("incidents: a second opinion neither opens nor ends a problem") {
  auto build = sample_build(build_state::finished, result::none).build;
  for (auto outcome : {result::success, result::warnings, result::failure, result::timeout,
                       result::exception, result::host_lost}) {
    build.outcome = outcome;
    build.opinion_of = {};
    CHECK(judge(build, false) != judgement::none);
    build.opinion_of = {7};
    CHECK(judge(build, false) == judgement::none);
  }
  // A green opinion is younger than the red build, and people still wait for a fix.
  auto red = told(after_build(nullptr, news_of(7, judgement::red)));
  build.outcome = result::success;
  CHECK(after_build(&red, news_of(8, judge(build, false))).what == turn::nothing);
  build.opinion_of = {};
  CHECK(after_build(&red, news_of(8, judge(build, false))).what == turn::over);
}

TEST_CASE("incidents: a builder that was green or new and is red is a problem, told once") {
  auto first = after_build(nullptr, news_of(1, judgement::red));
  CHECK(first.what == turn::to_tell);
  CHECK(first.incident.tell_at == news_of(1, judgement::red).at);
  auto known = told(first);
  auto again = after_build(&known, news_of(2, judgement::red));
  CHECK(again.what == turn::noted);
  CHECK(again.incident.newest == build_id{2});
}

TEST_CASE("incidents: another cause is told once, also when two causes take turns") {
  auto known = told(after_build(nullptr, news_of(1, judgement::red, "a")));
  auto other = after_build(&known, news_of(2, judgement::red, "b"));
  CHECK(other.what == turn::to_tell);
  CHECK(other.incident.thread == "t1");
  known = told(other);
  for (uint64_t build = 3; build < 9; ++build) {
    auto back = after_build(&known, news_of(build, judgement::red, build % 2 == 0 ? "a" : "b"));
    CHECK(back.what == turn::noted);
    known = back.incident;
  }
}

TEST_CASE("incidents: green after red is over; green after green is nothing to tell") {
  auto known = told(after_build(nullptr, news_of(1, judgement::red)));
  auto over = after_build(&known, news_of(2, judgement::green));
  CHECK(over.what == turn::over);
  CHECK_FALSE(over.incident.open);
  CHECK(over.incident.last_green == build_id{2});
  CHECK(after_build(&over.incident, news_of(3, judgement::green)).what == turn::noted);
  CHECK(after_build(nullptr, news_of(3, judgement::green)).what == turn::noted);
}

TEST_CASE("incidents: what was over before anybody was told is told to nobody") {
  auto waits = after_build(nullptr, news_of(1, judgement::red, "c", 5)).incident;
  CHECK(after_build(&waits, news_of(2, judgement::green)).what == turn::noted);
}

TEST_CASE("incidents: an older build that ends late changes nothing") {
  auto known = told(after_build(nullptr, news_of(7, judgement::red)));
  CHECK(after_build(&known, news_of(6, judgement::green)).what == turn::nothing);
  CHECK(after_build(&known, news_of(7, judgement::green)).what == turn::nothing);
}

TEST_CASE("incidents: the cause is the same whatever its numbers are") {
  auto file = ended_by(result::failure, 2, "");
  CHECK(cause_of(file, "test_a.py:12: took 0.31 s") == cause_of(file, "test_a.py:9: took 11.7 s"));
  CHECK(cause_of(file, "one") != cause_of(file, "other"));
  auto elsewhere = file;
  elsewhere.build.host = {"h9"};
  CHECK(cause_of(file, "") == cause_of(elsewhere, ""));
  auto later = ended_by(result::timeout, 2, "");
  CHECK(cause_of(file, "") != cause_of(later, ""));
}

TEST_CASE("incidents: one campaign's builds that are red for one cause are one notice") {
  auto here = red_at("h1", 1), there = red_at("h2", 2), other = red_at("h3", 3, "x");
  std::vector<incident_record> all{here, there, other};
  CHECK(due_groups(all, noon, {}).empty()); // it waits for the rest of its campaign
  CHECK(next_due(all) == here.tell_at);
  auto groups = due_groups(all, noon, {campaign_id{5}});
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].members == std::vector{here, there});
  CHECK(groups[1].members == std::vector{other});
  auto late = due_groups(all, here.tell_at, {});
  REQUIRE(late.size() == 1); // what shares the cause comes along before its own time
  CHECK(late[0].members.size() == 2);
}

TEST_CASE("incidents: a later one of the same campaign and cause joins the thread silently") {
  auto here = after_told(red_at("h1", 1), "thread", {});
  auto late = red_at("h2", 2);
  auto groups = due_groups({here, late}, late.tell_at, {});
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].known_thread == "thread");
  auto next_campaign = red_at("h2", 3, "c", 6);
  groups = due_groups({here, next_campaign}, next_campaign.tell_at, {});
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].known_thread.empty());
}

TEST_CASE("incidents: builds of no campaign are told one by one") {
  auto one = red_at("h1", 1, "c", 0), other = red_at("h2", 2, "c", 0);
  CHECK(due_groups({one, other}, other.tell_at, {}).size() == 2);
}

TEST_CASE("incidents: a thread is over when its last incident is") {
  auto here = after_told(red_at("h1", 1), "thread", {});
  auto there = after_told(red_at("h2", 2), "thread", {});
  here.open = false;
  CHECK_FALSE(is_thread_over({here, there}, "thread"));
  there.open = false;
  CHECK(is_thread_over({here, there}, "thread"));
}

TEST_CASE("incidents: a wall clock that was set back silences nobody") {
  auto waits = red_at("h1", 1);
  CHECK(due_groups({waits}, {noon.ms - 3'600'000}, {}).size() == 1);
}

TEST_CASE("incidents: the first notice of a thread is known by its event") {
  notice_record notice;
  notice.thread = thread_name("my.farm_1", 17, noon);
  CHECK(notice.thread == "my-farm-1-17-" + std::to_string(noon.ms));
  notice.event = 17;
  CHECK(begins_thread(notice));
  notice.event = 18;
  CHECK_FALSE(begins_thread(notice));
}

TEST_CASE("incidents: a host that is out is told once, by whichever entry came first") {
  event_record event;
  event.kind = event_kind::host_quarantined;
  event.host = {"h1"};
  event.text = "failed 5 builds that others passed";
  auto out = after_host(nullptr, event, "t");
  CHECK(out.what == turn::to_tell);
  event_record shown;
  shown.kind = event_kind::host_changed;
  shown.host = {"h1"};
  shown.state = "quarantined";
  CHECK(after_host(&out.incident, shown, "t2").what == turn::nothing);
  shown.state = "lost";
  CHECK(after_host(&out.incident, shown, "t2").what == turn::nothing);
  shown.state = "up";
  auto back = after_host(&out.incident, shown, "t2");
  CHECK(back.what == turn::over);
  CHECK(back.incident.thread == "t");
  CHECK(after_host(&back.incident, shown, "t2").what == turn::nothing);
}
