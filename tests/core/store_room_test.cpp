// SPDX-License-Identifier: Apache-2.0
#include "actors/core/store_room.hpp"
#include "tests/catch.hpp"

using namespace drover::core;

namespace {
constexpr uint64_t mib = 1 << 20;
constexpr uint64_t gib = 1 << 30;
} // namespace

TEST_CASE("store room: a disk that does not answer is not known to be full") {
  CHECK(judge({}) == room_level::plenty);
}

TEST_CASE("store room: a small disk keeps a few megabytes, a large one a part of itself") {
  CHECK(judge({7 * mib, 32 * mib}) == room_level::plenty);
  CHECK(judge({5 * mib, 32 * mib}) == room_level::scarce);
  CHECK(judge({2 * mib, 32 * mib}) == room_level::full);
  CHECK(judge({3 * gib, 100 * gib}) == room_level::plenty);
  CHECK(judge({500 * mib, 100 * gib}) == room_level::scarce);
  CHECK(judge({100 * mib, 100 * gib}) == room_level::full);
  CHECK(judge({600 * mib, 100'000 * gib}) == room_level::plenty);
}

TEST_CASE("store room: more room is never judged worse") {
  for (uint64_t total : {8 * mib, 32 * mib, gib, 500 * gib})
    for (uint64_t free = 0; free + mib / 2 <= total && free < gib; free += mib / 2)
      CHECK(judge({free + mib / 2, total}) <= judge({free, total}));
}

TEST_CASE("store room: the sentence says how much there is and how much is needed") {
  auto said = room_sentence({mib, 32 * mib});
  CHECK(said.find("1.0 MiB free") != std::string::npos);
  CHECK(said.find("needs 6.0") != std::string::npos);
}
