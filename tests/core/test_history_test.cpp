// SPDX-License-Identifier: Apache-2.0
#include "actors/core/test_history.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::core;

namespace {

test_case test(std::string name, test_outcome outcome, std::string suite = "s") {
  test_case out;
  out.name = std::move(name);
  out.suite = std::move(suite);
  out.outcome = outcome;
  return out;
}

test_report report(std::vector<test_case> tests) {
  test_report out;
  out.tests = std::move(tests);
  return out;
}

using keys = std::vector<test_key>;
constexpr auto passed = test_outcome::passed;
constexpr auto failed = test_outcome::failed;
constexpr auto error = test_outcome::error;
constexpr auto skipped = test_outcome::skipped;

} // namespace

TEST_CASE("test history: failures are new, known or gone") {
  auto before = report({test("a", passed), test("b", failed), test("c", error), test("d", passed),
                        test("e", failed), test("f", skipped), test("g", passed)});
  auto now = report({test("a", failed), test("b", error), test("c", passed), test("d", skipped),
                     test("f", passed), test("h", error)});
  auto found = compare(before, now);
  CHECK(found.new_failures == keys{{"s", "a"}, {"s", "h"}});
  CHECK(found.still_failing == keys{{"s", "b"}});
  CHECK(found.fixed == keys{{"s", "c"}});
  CHECK(found.missing == keys{{"s", "d"}, {"s", "e"}, {"s", "g"}});
}

TEST_CASE("test history: of results that share a name the worst one counts") {
  auto before = report({test("a", passed), test("a", passed)});
  auto now = report({test("a", failed), test("a", passed)});
  CHECK(compare(before, now).new_failures == keys{{"s", "a"}});
  CHECK(compare(now, before).fixed == keys{{"s", "a"}});
  CHECK(compare(now, now).still_failing == keys{{"s", "a"}});
}

TEST_CASE("test history: the same name in another suite is another test") {
  auto found = compare(report({test("a", failed, "x")}), report({test("a", failed, "y")}));
  CHECK(found.new_failures == keys{{"y", "a"}});
  CHECK(found.missing == keys{{"x", "a"}});
}

TEST_CASE("test history: where only failures have names, silence means passed") {
  auto before = report({test("a", failed), test("b", passed)});
  auto now = report({});
  now.only_failures_named = true;
  auto found = compare(before, now);
  CHECK(found.fixed == keys{{"s", "a"}});
  CHECK(found.missing.empty());
}

TEST_CASE("test history: nothing before makes all failures new") {
  auto found = compare({}, report({test("a", failed), test("b", passed)}));
  CHECK(found == test_changes{{{"s", "a"}}, {}, {}, {}});
}
