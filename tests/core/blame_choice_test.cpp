// Which ends a red build is compared with, and which later ones can change that.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/blame.hpp"
#include "actors/core/blame_choice.hpp"
#include "schema/limits_blame.hpp"
#include "tests/catch.hpp"

#include <algorithm>

using namespace drover;
using namespace drover::core;

namespace {

build_record end_of(uint64_t id, const std::string& host, result outcome = result::success) {
  build_record build;
  build.id = {id};
  build.host = {host};
  build.state = build_state::finished;
  build.outcome = outcome;
  return build;
}

build_record opinion(uint64_t id, const std::string& host, uint64_t on) {
  auto build = end_of(id, host);
  build.opinion_of = {on};
  return build;
}

const auto red = end_of(100, "h1", result::failure);

blame_choice choose(const std::vector<build_record>& same) {
  std::vector<const build_record*> records;
  for (const auto& each : same)
    records.push_back(&each);
  return choose_compared(red, records);
}

std::vector<uint64_t> ids(const std::vector<build_record>& same) {
  std::vector<uint64_t> found;
  for (auto position : choose(same).chosen)
    found.push_back(same[position].id.value);
  return found;
}

/// Elsewhere, on each side of the red build.
std::vector<build_record> many_near() {
  std::vector<build_record> near;
  for (uint64_t i = 1; i <= limits::blame_compared_max; ++i) {
    near.push_back(end_of(100 + i, "h2"));
    near.push_back(end_of(100 - i, "h3"));
  }
  return near;
}

using numbers = std::vector<uint64_t>;

} // namespace

TEST_CASE("blame choice: the nearest elsewhere are compared, of two equally near the older") {
  CHECK(ids(many_near()) == numbers{99, 101, 98, 102, 97, 103, 96, 104});
}

TEST_CASE("blame choice: second opinions on the very build come first, however late they are") {
  auto same = many_near();
  same.push_back(opinion(5000, "h2", 100));
  same.push_back(opinion(4000, "h1", 100));
  same.push_back(opinion(105, "h9", 104)); // on another one: by its distance, and so not at all
  CHECK(ids(same) == numbers{4000, 5000, 99, 101, 98, 102, 97, 103});
}

TEST_CASE("blame choice: two of its own host come before those elsewhere, the nearest two") {
  auto same = many_near();
  for (uint64_t id : {300, 200, 400, 20})
    same.push_back(end_of(id, "h1", result::failure));
  CHECK(ids(same) == numbers{20, 200, 99, 101, 98, 102, 97, 103});
}

TEST_CASE("blame choice: what tells nothing is passed over") {
  auto running = end_of(101, "h2");
  running.state = build_state::running;
  CHECK(ids({red, running, end_of(102, "h2", result::cancelled), end_of(103, "h2", result::skipped),
             end_of(104, "")})
          .empty());
  CHECK(ids({end_of(105, "h2", result::warnings), end_of(106, "h2", result::timeout)})
        == numbers{105, 106});
}

TEST_CASE("blame choice: further green builds far away do not change the verdict") {
  build_ending ending{red, "test", 2, "E  assert 1 == 2", {}};
  auto verdict_among = [&](const std::vector<build_record>& same) {
    std::vector<build_ending> endings;
    for (const auto& each : same)
      endings.push_back({each, "", 0, "", {}});
    blame_case known{ending, {}, {}};
    for (auto position : choose(same).chosen)
      known.same.push_back(&endings[position]);
    return judge_blame(known);
  };
  auto same = many_near();
  same.push_back(end_of(120, "h1", result::failure));
  same.push_back(end_of(140, "h1", result::failure));
  auto verdict = verdict_among(same);
  CHECK(verdict.fault == blame::host);
  for (uint64_t id = 200; id < 240; ++id) {
    same.insert(same.begin(), end_of(id, id % 2 == 0 ? "h1" : "h2")); // the newest first
    CHECK(verdict_among(same) == verdict);
  }
}

TEST_CASE("blame choice: while there is room any end concerns the red build") {
  auto reach = choose({end_of(101, "h2"), end_of(102, "h1")}).reach;
  CHECK(reach == blame_reach{});
  CHECK(can_concern(red, reach, end_of(100'000, "h1")));
  CHECK(can_concern(red, reach, end_of(100'000, "h7")));
}

TEST_CASE("blame choice: once all are chosen only nearer ends, opinions and itself concern it") {
  auto same = many_near();
  same.push_back(end_of(120, "h1"));
  same.push_back(end_of(70, "h1"));
  auto reach = choose(same).reach;
  CHECK(reach == blame_reach{30, 3});
  CHECK(can_concern(red, reach, end_of(103, "h7")));
  CHECK_FALSE(can_concern(red, reach, end_of(104, "h7")));
  CHECK(can_concern(red, reach, end_of(130, "h1")));
  CHECK_FALSE(can_concern(red, reach, end_of(131, "h1")));
  CHECK_FALSE(can_concern(red, reach, end_of(69, "h1")));
  CHECK(can_concern(red, reach, opinion(9000, "h7", 100)));
  CHECK(can_concern(red, {0, 0}, red));
}

TEST_CASE("blame choice: an end that can't concern it changes nothing in the choice") {
  auto same = many_near();
  for (uint64_t id : {90, 130})
    same.push_back(end_of(id, "h1"));
  auto before = ids(same);
  auto reach = choose(same).reach;
  for (uint64_t id = 1; id < 400; ++id)
    for (const char* host : {"h1", "h5"}) {
      auto late = end_of(id, host);
      if (can_concern(red, reach, late))
        continue;
      auto more = same;
      more.push_back(late);
      CHECK(ids(more) == before);
    }
}
