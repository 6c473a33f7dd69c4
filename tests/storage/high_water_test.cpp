// SPDX-License-Identifier: Apache-2.0
#include "storage/high_water.hpp"
#include "tests/storage/store_folder.hpp"

using namespace drover;
using namespace drover::storage;
using namespace drover::test;

namespace {

std::unique_ptr<high_water_file> open_file(const fs::path& path) {
  auto opened = high_water_file::open(path.string());
  REQUIRE(opened.ok());
  return *std::move(opened);
}

constexpr high_water_mark mark(uint64_t counter, uint64_t incarnation, uint64_t sequence) {
  return {{counter, incarnation}, sequence};
}

} // namespace

TEST_CASE("high water: a store is short by its sequence, its epoch or its origin") {
  auto durable = mark(3, 77, 100);
  CHECK_FALSE(shortfall(durable, durable));
  CHECK_FALSE(shortfall(durable, mark(3, 77, 101)));
  CHECK_FALSE(shortfall(durable, mark(4, 12, 101)));
  auto text = shortfall(durable, mark(2, 5, 60));
  REQUIRE(text);
  CHECK(text->find("commit 60 of epoch 2") != std::string::npos);
  CHECK(text->find("commit 100 of epoch 3") != std::string::npos);
  CHECK(shortfall(durable, mark(2, 5, 100)));
  CHECK(shortfall(durable, mark(3, 78, 100)));
}

TEST_CASE("high water: a new file has no mark, a written one has the last") {
  temporary_folder folder;
  auto path = folder.path() / "mark";
  CHECK_FALSE(open_file(path)->mark());
  for (uint64_t i = 1; i <= 5; ++i) {
    REQUIRE_FALSE(open_file(path)->write(mark(1, 2, i)));
    CHECK(open_file(path)->mark() == mark(1, 2, i));
    CHECK_FALSE(open_file(path)->damaged());
  }
}

TEST_CASE("high water: a damaged slot leaves the mark before it, two leave none") {
  temporary_folder folder;
  auto path = folder.path() / "mark";
  auto file = open_file(path);
  REQUIRE_FALSE(file->write(mark(1, 2, 10))); // second slot
  REQUIRE_FALSE(file->write(mark(1, 2, 20))); // first slot
  flip_bit(path, 39);
  CHECK(open_file(path)->mark() == mark(1, 2, 10));
  CHECK(open_file(path)->damaged());
  flip_bit(path, 64 * 1024 + 39);
  CHECK_FALSE(open_file(path)->mark());
  CHECK(open_file(path)->damaged());
}

TEST_CASE("high water: a write after damage is the newest mark") {
  temporary_folder folder;
  auto path = folder.path() / "mark";
  REQUIRE_FALSE(open_file(path)->write(mark(1, 2, 10)));
  REQUIRE_FALSE(open_file(path)->write(mark(1, 2, 20)));
  flip_bit(path, 39);
  REQUIRE_FALSE(open_file(path)->write(mark(1, 2, 30)));
  CHECK(open_file(path)->mark() == mark(1, 2, 30));
  CHECK_FALSE(open_file(path)->damaged());
}

TEST_CASE("high water: a file that cannot be opened is an error that names it") {
  temporary_folder folder;
  auto opened = high_water_file::open((folder.path() / "missing" / "mark").string());
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code == ec::io);
  CHECK(opened.error().text.find("missing/mark") != std::string::npos);
}
