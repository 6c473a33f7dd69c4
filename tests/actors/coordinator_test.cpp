// SPDX-License-Identifier: Apache-2.0
#include "tests/actors/tree_fixture.hpp"

#include <algorithm>

using namespace drover;
using namespace drover::test;
using namespace std::chrono_literals;
using core::ended;

TEST_CASE_METHOD(tree_fixture, "coordinator: a submission that is answered is durable") {
  auto id = submit_one();
  store->crash();
  CHECK(record(id).builder == "check");
  CHECK(record(id).requested_by == "ann");
}

TEST_CASE_METHOD(tree_fixture, "coordinator: a submission that can't be stored is not answered") {
  store->fail_next_commits(1);
  auto answer = submit();
  CHECK_FALSE(answer.ready());
  CHECK_FALSE(fatal->empty());
}

TEST_CASE_METHOD(tree_fixture, "coordinator: an unknown builder makes nothing") {
  submission request;
  request.orders = {{"nonsense", {}}};
  auto answer = ask<expected<submitted>>(farm.coordinator, request);
  REQUIRE(answer.ready());
  CHECK_FALSE(*answer.get());
  CHECK(submit_one().value == 1);
}

TEST_CASE_METHOD(tree_fixture, "coordinator: a build runs on a host that has a slot, to its end") {
  auto h1 = join("h1");
  auto id = submit_one();
  REQUIRE(h1.heard.all<assignment>().size() == 1);
  auto second = submit_one();
  CHECK(h1.heard.all<assignment>().size() == 1); // one slot
  finish(h1);
  CHECK(record(id).state == build_state::finished);
  CHECK(record(id).outcome == result::success);
  REQUIRE(h1.heard.all<assignment>().size() == 2);
  CHECK(h1.heard.all<assignment>()[1].token.attempt.build == second);
}

TEST_CASE_METHOD(tree_fixture, "coordinator: what waits has its reason") {
  auto id = submit_one();
  auto why = [&] {
    auto answer = ask<std::vector<waiting_view>>(farm.coordinator, waiting_query{{id, {99}}});
    REQUIRE(answer.get()->size() == 1);
    return answer.get()->at(0);
  };
  CHECK(why().build == id);
  CHECK_FALSE(why().reason.empty());
  auto h1 = join("h1");
  auto running = id;
  id = submit_one();
  INFO(why().reason);
  CHECK_FALSE(why().evidence.empty());
  CHECK(why().evidence[0].find("h1") != std::string::npos);
  auto answer = ask<std::vector<waiting_view>>(farm.coordinator, waiting_query{{running}});
  CHECK(answer.get()->empty()); // it does not wait
}

TEST_CASE_METHOD(tree_fixture, "coordinator: after a restart queued builds are placed") {
  auto first = submit_one();
  auto second = submit_one();
  restart();
  auto h1 = join("h1");
  REQUIRE(h1.heard.all<assignment>().size() == 1);
  CHECK(h1.heard.all<assignment>()[0].token.attempt.build == first);
  finish(h1);
  CHECK(h1.heard.all<assignment>().size() == 2);
  CHECK(submit_one().value == second.value + 1); // numbers go on
}

TEST_CASE_METHOD(tree_fixture, "coordinator: after a restart what runs is not run again") {
  auto h1 = join("h1");
  auto id = submit_one();
  auto token = h1.heard.all<assignment>()[0].token;
  restart();
  auto again = join("h1", {{token, known_state::running, 0}});
  advance_with_beats(again, 10s);
  CHECK(again.heard.all<assignment>().empty());
  CHECK(again.heard.all<cancel_attempt>().empty());
  say(again, ended(token, result::success)); // granted under the epoch before
  CHECK(again.heard.all<result_durable>().size() == 1);
  CHECK(again.heard.all<close_build>().size() == 1);
  CHECK(record(id).host.value == "h1");
}

TEST_CASE_METHOD(tree_fixture,
                 "coordinator: after a restart an order that was lost is said again") {
  auto h1 = join("h1");
  submit_one();
  auto token = h1.heard.all<assignment>()[0].token;
  restart();
  auto again = join("h1");
  REQUIRE(again.heard.all<assignment>().size() == 1);
  CHECK(again.heard.all<assignment>()[0].token == token);
}

TEST_CASE_METHOD(tree_fixture, "coordinator: a host that does not come back loses its builds") {
  auto h1 = join("h1");
  auto id = submit_one();
  restart();
  auto h2 = join("h2");
  advance_with_beats(h2, limits::lease + 2 * limits::supervisor_tick);
  REQUIRE(h2.heard.all<assignment>().size() == 1);
  CHECK(h2.heard.all<assignment>()[0].token.attempt.build == id);
  CHECK(record(id).placement == 2);
}

TEST_CASE_METHOD(tree_fixture, "coordinator: a crashed build is revived from the store") {
  auto h1 = join("h1");
  auto id = submit_one();
  auto token = h1.heard.all<assignment>()[0].token;
  h1.known = {{token, known_state::running, 0}};
  advance_with_beats(h1, 1s);
  say_and_strike(h1, ended(token, result::success), "build");
  CHECK(h1.heard.all<result_durable>().empty()); // it died of the report
  CHECK(fatal->empty());
  say(h1, ended(token, result::success)); // hosts repeat it
  CHECK(h1.heard.all<result_durable>().size() == 1);
  finish(h1);
  CHECK(record(id).outcome == result::success);
  auto file = storage::read_build_file(*store, id);
  CHECK((**file).steps[0].attempts.size() == 1); // nothing was run again
}

TEST_CASE_METHOD(tree_fixture, "coordinator: a crashed supervisor is replaced, its builds go on") {
  auto h1 = join("h1");
  auto id = submit_one();
  auto token = h1.heard.all<assignment>()[0].token;
  h1.known = {{token, known_state::running, 0}};
  advance_with_beats(h1, 1s);
  say_and_strike(h1, ended(token, result::success), "host_supervisor");
  CHECK(fatal->empty());
  CHECK_FALSE(ask<actor_entry>(h1.link, atom::describe::value).ready()); // so the host joins again
  auto again = join("h1", h1.known);
  say(again, ended(token, result::success));
  CHECK(again.heard.all<result_durable>().size() == 1);
  again.known.clear(); // it is confirmed
  advance_with_beats(again, limits::resend_after + 1s);
  REQUIRE_FALSE(again.heard.all<close_build>().empty());
  for (const auto& order : again.heard.all<close_build>())
    say(again, build_closed{order.build, order.placement, {}, ""});
  CHECK(record(id).outcome == result::success);
  auto file = storage::read_build_file(*store, id);
  CHECK((**file).steps[0].attempts.size() == 1);
}

TEST_CASE_METHOD(tree_fixture, "coordinator: a build's last word before a new supervisor counts") {
  auto h1 = join("h1");
  auto id = submit_one();
  say(h1, ended(h1.heard.all<assignment>()[0].token, result::success));
  REQUIRE(h1.heard.all<close_build>().size() == 1);
  auto all_but_the_build = [&] {
    auto& jobs = scheduler().jobs;
    std::vector<caf::resumable*> aside;
    while (!jobs.empty()) {
      auto* next = dynamic_cast<caf::scheduled_actor*>(jobs.front());
      if (next != nullptr && next->name() == std::string{"build"}) {
        aside.push_back(next);
        jobs.pop_front();
      } else {
        scheduler().run_once();
      }
    }
    return aside;
  };
  auto listener = caf::actor_cast<caf::actor>(h1.heard.all<host_listener>().at(0));
  listener->enqueue(caf::actor_cast<caf::strong_actor_ptr>(h1.link), caf::make_message_id(),
                    caf::make_message(host_message{build_closed{id, 1, {}, ""}}), nullptr);
  auto build = all_but_the_build(); // it has the news, but does not run
  REQUIRE(build.size() == 1);
  caf::anon_send_exit(listener, caf::exit_reason::unhandled_exception);
  CHECK(all_but_the_build().empty()); // nobody begins the build anew beside it
  scheduler().jobs.insert(scheduler().jobs.end(), build.begin(), build.end());
  settle();
  auto file = storage::read_build_file(*store, id);
  CHECK((**file).build.state == build_state::finished);
  CHECK(fatal->empty());
  auto again = join("h1");
  advance_with_beats(again, 2 * limits::resend_after);
  CHECK(again.heard.all<close_build>().empty());
}

TEST_CASE_METHOD(tree_fixture,
                 "coordinator: a build that dies of its own end is over, and its workspace goes") {
  auto h1 = join("h1");
  auto id = submit_one();
  auto token = h1.heard.all<assignment>()[0].token;
  h1.known = {{token, known_state::running, 0}};
  advance_with_beats(h1, 1s);
  auto last = ended(token, result::success);
  last.out_empty = true; // so that its last step is its end
  say_and_strike(h1, last, "build");
  CHECK(record(id).state == build_state::finished);
  CHECK(h1.heard.all<result_durable>().empty());
  auto next = submit_one(); // its slot is free
  CHECK(h1.heard.all<assignment>().back().token.attempt.build == next);
  say(h1, last); // hosts repeat it
  CHECK(h1.heard.all<result_durable>().size() == 1);
  REQUIRE(h1.heard.all<close_build>().size() == 1);
  CHECK(h1.heard.all<close_build>()[0].build == id);
  CHECK(fatal->empty());
}

TEST_CASE_METHOD(tree_fixture, "coordinator: children that crash too often end the process") {
  auto h1 = join("h1");
  submit_one();
  auto token = h1.heard.all<assignment>()[0].token;
  h1.known = {{token, known_state::running, 0}};
  advance_with_beats(h1, 1s);
  for (uint32_t crashes = 0; crashes < limits::actor_restarts_max; ++crashes)
    say_and_strike(h1, ended(token, result::success), "build");
  CHECK(fatal->empty());
  say_and_strike(h1, ended(token, result::success), "build");
  CHECK(fatal->starts_with("its actors crash too often"));
}

TEST_CASE_METHOD(tree_fixture,
                 "coordinator: the death of a service ends the process with its name") {
  auto dies = [&](const auto& service, const std::string& called) {
    crash(service);
    INFO(*fatal);
    CHECK(fatal->starts_with("its " + called + " died: "));
  };
  SECTION("recorder") {
    dies(farm.recorder, "recorder");
  }
  SECTION("log_sink") {
    dies(farm.log_sink, "log_sink");
  }
  SECTION("artifact_store") {
    dies(farm.artifacts, "artifact_store");
  }
  SECTION("census") {
    dies(farm.census, "census");
  }
  SECTION("coordinator") {
    dies(farm.coordinator, "coordinator");
  }
}

TEST_CASE_METHOD(tree_fixture, "coordinator: a stop is nobody's death") {
  join("h1");
  submit_one();
  stop_farm(farm);
  settle();
  CHECK(fatal->empty());
}

TEST_CASE_METHOD(tree_fixture, "coordinator: a queued build is cancelled at once and durably") {
  auto id = submit_one();
  auto over = ask<bool>(farm.coordinator, over_query{id, 10s});
  CHECK_FALSE(over.ready());
  CHECK(cancel(id));
  CHECK(*over.get());
  store->crash();
  CHECK(record(id).state == build_state::finished);
  CHECK(record(id).outcome == result::cancelled);
  auto h1 = join("h1");
  CHECK(h1.heard.all<assignment>().empty());
}

TEST_CASE_METHOD(tree_fixture, "coordinator: what is over or unknown can't be cancelled") {
  auto id = submit_one();
  REQUIRE(cancel(id));
  auto again = cancel(id);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ec::conflict);
  auto unknown = cancel({99});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == ec::not_found);
}

TEST_CASE_METHOD(tree_fixture, "coordinator: a running build's cancel reaches its host") {
  auto h1 = join("h1");
  auto id = submit_one();
  CHECK(cancel(id));
  REQUIRE(h1.heard.all<cancel_attempt>().size() == 1);
  CHECK(h1.heard.all<cancel_attempt>()[0].token == h1.heard.all<assignment>()[0].token);
}

TEST_CASE_METHOD(tree_fixture, "coordinator: who waits for a build hears when it is over") {
  auto h1 = join("h1");
  auto id = submit_one();
  auto over = ask<bool>(farm.coordinator, over_query{id, 10s});
  CHECK_FALSE(over.ready());
  finish(h1);
  CHECK(*over.get());
  CHECK(*ask<bool>(farm.coordinator, over_query{id, 10s}).get());
}

TEST_CASE_METHOD(tree_fixture, "coordinator: who waits for a build hears 'not yet' in the end") {
  auto id = submit_one();
  auto over = ask<bool>(farm.coordinator, over_query{id, 2s});
  advance(2s - limits::wait_granularity);
  CHECK_FALSE(over.ready());
  advance(2 * limits::wait_granularity);
  CHECK_FALSE(*over.get());
}

TEST_CASE_METHOD(
  tree_fixture, "coordinator: a late result of a finished build is answered, and changes nothing") {
  auto h1 = join("h1");
  auto id = submit_one();
  auto token = h1.heard.all<assignment>()[0].token;
  finish(h1);
  auto before = record(id);
  auto again = join("h1", {{token, known_state::ended, 0}});
  say(again, ended(token, result::failure));
  CHECK(again.heard.all<result_durable>().size() == 1);
  CHECK(record(id) == before);
}

TEST_CASE_METHOD(tree_fixture, "coordinator: the census names every actor and its parent") {
  auto h1 = join("h1");
  submit_one();
  auto asked = ask<std::vector<actor_entry>>(farm.coordinator, actors_query{});
  actor_entry step;
  step.node = "h1";
  step.name = "step/1";
  say(h1, census_answer{h1.heard.all<census_ask>().at(0).query, {step}});
  REQUIRE(asked.ready());
  std::map<std::string, std::string> parents;
  for (const auto& entry : *asked.get())
    parents[entry.name] = entry.parent;
  std::map<std::string, std::string> wanted{{"coordinator", ""},
                                            {"census", ""},
                                            {"recorder", "coordinator"},
                                            {"log_sink", "coordinator"},
                                            {"artifact_store", "coordinator"},
                                            {"analyst", "coordinator"},
                                            {"archivist", "coordinator"},
                                            {"result_cache", "coordinator"},
                                            {"host_supervisor/h1", "coordinator"},
                                            {"host_link/h1", "host_supervisor/h1"},
                                            {"build/1", "coordinator"},
                                            {"step/1", ""}};
  CHECK(parents == wanted);
}

TEST_CASE_METHOD(tree_fixture,
                 "coordinator: workspaces of builds that are over or elsewhere are released") {
  auto h1 = join("h1");
  auto id = submit_one();
  auto token = h1.heard.all<assignment>()[0].token;
  restart(); // what was to be released is forgotten with it
  auto again =
    join("h1", {{token, known_state::running, 0}}, {{{900}, 1}, {id, 1}, {id, 2}, {{901}, 3}});
  auto released = again.heard.all<close_build>();
  REQUIRE(released.size() == 2);
  for (const auto& order : released) {
    CHECK(order.build != id); // the present one is left alone
    CHECK_FALSE(order.keep_artifacts);
  }
  auto h2 = join("h2", {}, {{id, 1}});
  REQUIRE(h2.heard.all<close_build>().size() == 1);
  say(again, ended(token, result::success));
  say(again, build_closed{id, 1, {}, ""});
  auto late = join("h1", {}, {{id, 1}});
  auto orders = late.heard.all<close_build>();
  CHECK(std::any_of(orders.begin(), orders.end(), // over by now
                    [id](const close_build& order) { return order.build == id; }));
}

TEST_CASE_METHOD(tree_fixture, "coordinator: the farm's limits reach steps and hosts") {
  settings.config.limits = {5000, 700};
  restart();
  auto h1 = join("h1");
  submit_one();
  REQUIRE(h1.heard.all<assignment>().size() == 1);
  CHECK(h1.heard.all<assignment>()[0].step.limits.log == 5000);
  say(h1, ended(h1.heard.all<assignment>()[0].token, result::success));
  REQUIRE(h1.heard.all<close_build>().size() == 1);
  CHECK(h1.heard.all<close_build>()[0].bytes_max == 700);
}
