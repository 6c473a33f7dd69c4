// SPDX-License-Identifier: Apache-2.0
#include "tests/catch.hpp"
#include "tools/drover/line_diff.hpp"
#include "tools/drover/sse.hpp"

#include <random>

using namespace drover::cli;

namespace {

std::string flat(const std::vector<sent_event>& events) {
  std::string out;
  for (const auto& each : events)
    out += each.id + "|" + each.kind + "|" + each.data + "\n";
  return out;
}

/// What a reader of the changes has to end up with.
std::string applied(const std::vector<std::string>& changes) {
  std::string out;
  for (const auto& line : changes)
    if (line[0] != '-')
      out += line.substr(1) + "\n";
  return out;
}

} // namespace

TEST_CASE("event stream: fields, comments and heartbeats, an id that stays") {
  event_reader reader;
  CHECK(
    flat(reader.take("retry: 2000\n: lives\n\nid: 7\nevent: build_started\ndata: {\"a\":1}\n\n"))
    == "7|build_started|{\"a\":1}\n");
  CHECK(flat(reader.take(": lives\n\n")).empty());
  CHECK(flat(reader.take("data:x\r\ndata: y\r\n\r\n")) == "7||x\ny\n");
  CHECK(flat(reader.take("unknown: z\nevent: only\n\n")).empty());
}

TEST_CASE("event stream: the same events come out however the bytes are cut") {
  std::string bytes;
  for (int number = 1; number <= 20; ++number)
    bytes += "id: " + std::to_string(number)
             + "\nevent: step_started\ndata: {\"n\": " + std::to_string(number) + "}\n\n: beat\n\n";
  event_reader whole;
  auto wanted = flat(whole.take(bytes));
  std::mt19937_64 random{5};
  for (int round = 0; round < 200; ++round) {
    event_reader cut;
    std::string got;
    for (size_t at = 0; at < bytes.size();) {
      auto size = 1 + random() % 17;
      got += flat(cut.take(std::string_view{bytes}.substr(at, size)));
      at += size;
    }
    REQUIRE(got == wanted);
  }
}

TEST_CASE("event stream: a line without end is dropped, not kept for ever") {
  event_reader reader;
  for (int piece = 0; piece < 40; ++piece)
    CHECK(reader.take(std::string(64 * 1024, 'x')).empty());
  CHECK(flat(reader.take("\n\nid: 1\ndata: y\n\n")) == "1||y\n");
}

TEST_CASE("diff: what changed, with what is around it") {
  CHECK(line_diff("a\nb\n", "a\nb\n").empty());
  CHECK(line_diff("", "a\n") == std::vector<std::string>{"+a"});
  CHECK(line_diff("a\nb\nc\n", "a\nx\nc\n") == std::vector<std::string>{" a", "-b", "+x", " c"});
  CHECK(line_diff("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\n5\nx\n")
        == std::vector<std::string>{"...", " 3", " 4", " 5", "-6", "+x"});
}

TEST_CASE("diff: old lines and new lines are all there, in their order") {
  std::mt19937_64 random{9};
  for (int round = 0; round < 500; ++round) {
    std::string before, after;
    for (int line = 0; line < 3; ++line) { // few enough that none is left out
      before += std::string(1, static_cast<char>('a' + random() % 3)) + "\n";
      after += std::string(1, static_cast<char>('a' + random() % 3)) + "\n";
    }
    auto changes = line_diff(before, after);
    if (before != after)
      REQUIRE(applied(changes) == after);
  }
}
