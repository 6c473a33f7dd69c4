// Sources: one look at a time, whoever asks and whatever timer is armed.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_sources.hpp"
#include "storage/tables.hpp"
#include "tests/actors/tree_fixture.hpp"

using namespace drover;
using namespace drover::test;

namespace {

/// A source with one change, whose content takes long to read.
class slow_outside : public source_port {
public:
  explicit slow_outside(std::function<void()> while_reading)
      : while_reading_{std::move(while_reading)} {}

  expected<source_look> look(const source_spec&, const string_map&,
                             const std::function<bool(const std::string&)>& is_known) override {
    ++looks;
    found_change one;
    one.change.identity = one.change.ref.revision = "r1";
    one.change.ref.kind = source_kind::git;
    one.change.title = "a change with a title that is longer than a short string";
    one.file = "/nowhere/r1.tar";
    source_look seen;
    if (!is_known("r1"))
      seen.found.push_back(one);
    return seen;
  }

  expected<std::string> read(const std::string&, uint64_t offset, size_t) override {
    while_reading_();
    return offset == 0 ? std::string{"content"} : std::string{};
  }

  void discard(const std::string&) override {}

  int looks = 0;

private:
  std::function<void()> while_reading_;
};

struct source_fixture : tree_fixture {
  source_fixture() {
    outside = std::make_shared<slow_outside>(
      [this] { scheduler().clock().advance_time(limits::source_first_look); });
    settings.sources = outside;
    source_spec lib;
    lib.name = "lib";
    lib.kind = source_kind::git;
    lib.every = std::chrono::minutes{1};
    settings.config.sources = {lib};
    restart();
    settle();
  }

  std::shared_ptr<slow_outside> outside;
};

} // namespace

TEST_CASE_METHOD(source_fixture,
                 "source: the first look, whose time comes within one that was asked for, is it") {
  auto asked = ask<expected<accepted>>(farm.coordinator, look_now{"lib", "ann"});
  settle();
  REQUIRE(asked.ready());
  REQUIRE(*asked.get());
  CHECK((*asked.get())->text == "source lib: 1 new");
  CHECK(outside->looks == 1);
  auto changes = storage::list_changes(*store, {}, 10, "lib");
  REQUIRE(changes);
  CHECK(changes->size() == 1);
  advance(std::chrono::minutes{2}); // and the next ones come as planned
  CHECK(outside->looks >= 2);
  CHECK(storage::list_changes(*store, {}, 10, "lib")->size() == 1);
}
