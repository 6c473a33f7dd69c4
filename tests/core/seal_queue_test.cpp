// SPDX-License-Identifier: Apache-2.0
#include "actors/core/seal_queue.hpp"
#include "schema/limits.hpp"
#include "schema/limits_log.hpp"
#include "tests/catch.hpp"

using namespace drover;
using drover::core::seal_queue;
using drover::core::seal_task;

namespace {

constexpr attempt_id first{{1}, {0}, {1}};
constexpr attempt_id second{{2}, {0}, {1}};
constexpr uint64_t segment = limits::log_segment_bytes;

} // namespace

TEST_CASE("seal queue: a log waits once it has enough for a segment, or has ended") {
  seal_queue uut;
  uut.came(first, segment - 1);
  CHECK_FALSE(uut.next());
  uut.came(first, 1);
  CHECK(uut.next() == seal_task{first, false});
  uut.came(second, 10);
  uut.ended(second);
  CHECK(uut.next() == seal_task{first, false}); // in the order in which they came to wait
  CHECK_FALSE(uut.sealed(first));
  CHECK(uut.next() == seal_task{second, true});
  CHECK_FALSE(uut.sealed(second));
  CHECK(uut.empty());
  CHECK(uut.unsealed() == 0);
}

TEST_CASE("seal queue: a long log is looked at until nothing is left of it") {
  seal_queue uut;
  uut.came(first, 2 * segment + 5);
  uut.ended(first);
  CHECK(uut.sealed(first));
  CHECK(uut.sealed(first));
  CHECK(uut.next() == seal_task{first, true});
  CHECK_FALSE(uut.sealed(first));
  CHECK(uut.empty());
}

TEST_CASE("seal queue: a log that goes on waits again after another segment's worth") {
  seal_queue uut;
  uut.came(first, segment + 5);
  CHECK_FALSE(uut.sealed(first));
  CHECK(uut.empty());
  CHECK(uut.unsealed() == 5);
  uut.came(first, segment);
  CHECK(uut.next() == seal_task{first, false});
}

TEST_CASE("seal queue: what an earlier run left is looked at until it is dropped") {
  seal_queue uut;
  uut.found(first, true);
  CHECK(uut.next() == seal_task{first, true});
  CHECK(uut.sealed(first));
  uut.drop(first);
  CHECK(uut.empty());
  CHECK(uut.unsealed() == 0);
}

TEST_CASE("seal queue: it is quiet while little comes in") {
  seal_queue uut;
  uut.came(first, limits::seal_quiet_bytes);
  CHECK_FALSE(uut.quiet());
  CHECK(uut.quiet());
  uut.came(first, limits::seal_quiet_bytes - 1);
  CHECK(uut.quiet());
}

TEST_CASE("seal queue: it presses when too much waits, until less does") {
  seal_queue uut;
  uut.came(first, limits::log_unsealed_max - 1);
  CHECK_FALSE(uut.pressing());
  uut.came(second, 1);
  CHECK(uut.pressing());
  CHECK(uut.sealed(first));
  CHECK_FALSE(uut.pressing());
}
