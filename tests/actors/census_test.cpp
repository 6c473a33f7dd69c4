// SPDX-License-Identifier: Apache-2.0
#include "actors/census.hpp"
#include "actors/core/census_tree.hpp"
#include "schema/limits.hpp"
#include "tests/fixture.hpp"

#include <caf/stateful_actor.hpp>

using namespace drover;
using namespace std::chrono_literals;

namespace {

struct census_fixture : test::fixture {
  census_actor uut = keep(system.spawn(census, "h1"));

  described spawn_answering(const std::string& state) {
    return keep(system.spawn([state]() -> described::behavior_type {
      return {[state](atom::describe) { return describe_as("worker", "", state, "worked"); }};
    }));
  }

  described spawn_blocked() {
    using silent = described::pointer;
    return keep(system.spawn([](silent self) -> described::behavior_type {
      return {[self](atom::describe) -> caf::result<actor_entry> {
        return self->make_response_promise<actor_entry>();
      }};
    }));
  }

  void enlist(const std::string& name, const std::string& parent, const described& actor) {
    tell(uut, enlistment{name, "worker", parent, actor});
  }

  std::vector<actor_entry> entries() {
    auto answer = ask<std::vector<actor_entry>>(uut, atom::describe::value);
    advance(limits::census_answer);
    return *answer.get();
  }

  actor_entry entry(const std::string& name) {
    for (const auto& one : entries())
      if (one.name == name)
        return one;
    FAIL("no entry named " << name);
    return {};
  }
};

} // namespace

TEST_CASE_METHOD(census_fixture, "census: each actor is shown with its node, parent and uptime") {
  enlist("agent", "", spawn_answering("connected"));
  advance(700ms);
  auto answer = ask<std::vector<actor_entry>>(uut, atom::describe::value);
  REQUIRE(answer.ready());
  REQUIRE(answer.get()->size() == 2);
  auto agent = answer.get()->front();
  CHECK(agent.node == "h1");
  CHECK(agent.name == "agent");
  CHECK(agent.kind == "worker");
  CHECK(agent.state == "connected");
  CHECK(agent.activity == "worked");
  CHECK(agent.uptime_ms == 700);
  CHECK(agent.restarts == 0);
  CHECK(answer.get()->back().name == "census");
}

TEST_CASE_METHOD(census_fixture, "census: a blocked actor is shown with the last note it left") {
  enlist("workspace", "agent", spawn_blocked());
  tell(uut, actor_note{"workspace", "hashing"});
  tell(uut, actor_note{"workspace", "unpacking zlib.tar.gz"});
  auto answer = ask<std::vector<actor_entry>>(uut, atom::describe::value);
  advance(limits::census_answer - 1ms);
  CHECK_FALSE(answer.ready());
  advance(1ms);
  REQUIRE(answer.ready());
  auto blocked = answer.get()->back();
  CHECK(blocked.state == "blocked: unpacking zlib.tar.gz");
  CHECK(blocked.activity == "no answer for 300 ms");
  advance(1000ms);
  CHECK(entry("workspace").activity == "no answer for 1600 ms");
}

TEST_CASE_METHOD(census_fixture, "census: one blocked actor does not hide the others") {
  enlist("workspace", "agent", spawn_blocked());
  enlist("agent", "", spawn_answering("connected"));
  CHECK(entries().size() == 3);
  CHECK(entry("agent").state == "connected");
  CHECK(entry("workspace").state == "blocked: it left no note");
}

TEST_CASE_METHOD(census_fixture, "census: restarts of a crashed actor are counted by its name") {
  auto first = spawn_answering("one");
  enlist("step", "agent", first);
  crash(first);
  CHECK(entries().size() == 1);
  auto second = spawn_answering("two");
  enlist("step", "agent", second);
  CHECK(entry("step").restarts == 1);
  crash(second);
  enlist("step", "agent", spawn_answering("three"));
  CHECK(entry("step").restarts == 2);
}

TEST_CASE_METHOD(census_fixture, "census: an actor that quits is forgotten, restarts and all") {
  auto first = spawn_answering("one");
  enlist("step", "agent", first);
  caf::anon_send_exit(first, caf::exit_reason::user_shutdown);
  settle();
  CHECK(entries().size() == 1);
  enlist("step", "agent", spawn_answering("two"));
  CHECK(entry("step").restarts == 0);
}

TEST_CASE_METHOD(census_fixture,
                 "census: a successor enlisted before the news of the death stays") {
  auto first = spawn_answering("one");
  enlist("step", "agent", first);
  caf::anon_send(uut, enlistment{"step", "worker", "agent", spawn_answering("two")});
  crash(first);
  CHECK(entry("step").state == "two");
  CHECK(entry("step").restarts == 1);
}

TEST_CASE("census tree: parents come before their children, and nobody is lost") {
  auto make = [](std::string name, std::string parent) {
    auto entry = describe_as("k", std::move(name), "s");
    entry.parent = std::move(parent);
    return entry;
  };
  auto sorted =
    core::as_tree({make("z", "a"), make("ring1", "ring2"), make("b", "z"), make("a", ""),
                   make("ring2", "ring1"), make("c", "gone"), make("d", "a")});
  std::vector<std::string> names;
  for (const auto& entry : sorted)
    names.push_back(entry.name);
  CHECK(names == std::vector<std::string>{"a", "d", "z", "b", "c", "ring1", "ring2"});
}
