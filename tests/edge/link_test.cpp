// Links between a coordinator and hosts that are what they should be.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_log.hpp"
#include "schema/wire.capnp.h"
#include "tests/edge/edge_fixture.hpp"

using namespace drover;
using namespace drover::test;

TEST_CASE_METHOD(farm_fixture, "link: a host joins and messages go both ways") {
  host_end host;
  coordinator_end end;
  join(host, end, "h1");
  auto spoken = std::to_string(wire::MAJOR) + "." + std::to_string(wire::MINOR);
  CHECK(end.greeting == heard_as(greeting_of("h1"), spoken));

  beat first{1, 1234, {}};
  caf::anon_send(host.link, host_message{first});
  CHECK(std::get<beat>(end.heard.pop()) == first);

  caf::anon_send(end.link, farm_message{beat_answer{1}});
  CHECK(std::get<beat_answer>(std::get<farm_message>(host.news.pop())) == beat_answer{1});
}

TEST_CASE_METHOD(farm_fixture,
                 "link: what follows the welcome at once reaches the agent after it") {
  host_end host;
  coordinator_end end;
  call(host, "h1");
  meet(end);
  caf::anon_send(end.link, end.listener);
  caf::anon_send(end.link, farm_message{some_welcome()});
  for (uint64_t i = 0; i < 100; ++i)
    caf::anon_send(end.link, farm_message{beat_answer{i}});
  host.expect_welcome();
  for (uint64_t i = 0; i < 100; ++i)
    CHECK(std::get<beat_answer>(std::get<farm_message>(host.news.pop())).sequence == i);
}

TEST_CASE_METHOD(farm_fixture, "link: 20 MB of log come through in order") {
  host_end host;
  coordinator_end end;
  join(host, end, "h1");
  constexpr size_t size = limits::log_chunk_bytes;
  constexpr uint64_t total = 20'000'000 / size * size;
  uint64_t sent = 0;
  auto send_next = [&] {
    if (sent < total)
      caf::anon_send(host.link, host_message{some_chunk(sent, size)});
    sent += size;
  };
  while (sent < limits::log_flow_bytes)
    send_next();
  for (uint64_t offset = 0; offset < total; offset += size) {
    auto chunk = std::get<log_chunk>(end.heard.pop());
    while (chunk.bytes.size() < size) { // a link that does not know its speed yet cuts them
      auto more = std::get<log_chunk>(end.heard.pop());
      CHECK(more.offset == chunk.offset + chunk.bytes.size());
      chunk.bytes += more.bytes;
    }
    if (chunk != some_chunk(offset, size))
      FAIL("the chunk at " << offset << " is not what was sent");
    send_next();
  }
  CHECK(end.heard.empty());
}

TEST_CASE_METHOD(farm_fixture, "link: a beat overtakes the log that waits") {
  host_end host;
  coordinator_end end;
  join(host, end, "h1");
  constexpr size_t chunks = limits::link_waiting_bytes_max / limits::log_chunk_bytes;
  for (size_t i = 0; i < chunks; ++i)
    caf::anon_send(host.link,
                   host_message{some_chunk(i * limits::log_chunk_bytes, limits::log_chunk_bytes)});
  caf::anon_send(host.link, host_message{beat{1, 1, {}}});
  size_t position = 0;
  while (!std::holds_alternative<beat>(end.heard.pop()))
    ++position;
  INFO("the beat came after " << position << " of " << chunks << " chunks");
  CHECK(position < chunks);
}

TEST_CASE_METHOD(farm_fixture, "link: a refused host hears why") {
  host_end host;
  coordinator_end end;
  call(host, "h1");
  meet(end);
  caf::anon_send(end.link, farm_message{refusal{"the farm is closing"}});
  CHECK(host.expect_failure() == "the coordinator refused: the farm is closing");
  CHECK(goes_down(host.link));
  CHECK(goes_down(end.link));
}

TEST_CASE_METHOD(farm_fixture, "link: the end of one leaves another untouched") {
  host_end first, second;
  coordinator_end first_end, second_end;
  join(first, first_end, "h1");
  join(second, second_end, "h2");

  caf::anon_send_exit(first_end.link, caf::exit_reason::user_shutdown);
  CHECK(goes_down(first.link));
  CHECK(goes_down(first_end.link));

  caf::anon_send(second.link, host_message{beat{9, 9, {}}});
  CHECK(std::get<beat>(second_end.heard.pop()).sequence == 9);
}

TEST_CASE_METHOD(farm_fixture, "link: the death of the host's end is seen by the coordinator") {
  host_end host;
  coordinator_end end;
  join(host, end, "h1");
  caf::anon_send_exit(host.link, caf::exit_reason::kill);
  CHECK(goes_down(end.link));
}

TEST_CASE_METHOD(farm_fixture, "link: it ends with its supervisor and with its agent") {
  host_end host;
  coordinator_end end;
  join(host, end, "h1");
  SECTION("supervisor") {
    caf::anon_send_exit(end.listener, caf::exit_reason::kill);
  }
  SECTION("agent") {
    caf::anon_send_exit(host.agent, caf::exit_reason::kill);
  }
  CHECK(goes_down(end.link));
  CHECK(goes_down(host.link));
}

TEST_CASE_METHOD(farm_fixture, "link: it ends although nobody holds a handle of it") {
  host_end host;
  coordinator_end end;
  join(host, end, "h1");
  end.link = nullptr;
  host.link = nullptr;
  door = nullptr;
  farm_loop.stop();
  host_loop.stop();
  CHECK(end.heard.empty());
}

TEST_CASE_METHOD(farm_fixture, "link: both ends tell the census what they do") {
  host_end host;
  coordinator_end end;
  call(host, "h1");
  meet(end);
  CHECK(describe(end.link).state.find("waiting for the answer to the join of 127.0.0.1:") == 0);
  caf::anon_send(end.link, end.listener);
  caf::anon_send(end.link, farm_message{some_welcome()});
  host.expect_welcome();
  CHECK(describe(end.link).state.find("connected from 127.0.0.1:") == 0);
  CHECK(describe(end.link).name == "host_link h1");
  CHECK(describe(host.link).state
        == "connected to " + address() + ", 0 calls in flight, 0 waiting");
}

TEST_CASE_METHOD(farm_fixture, "link: a stopped listener takes no host, and keeps its links") {
  host_end host, late;
  coordinator_end end;
  join(host, end, "h1");
  door->stop();
  call(late, "h2");
  CHECK(late.expect_failure() == "connection refused by " + address());
  caf::anon_send(host.link, host_message{beat{2, 2, {}}});
  CHECK(std::get<beat>(end.heard.pop()).sequence == 2);
}

TEST_CASE_METHOD(farm_fixture,
                 "link: a message too large or wrong is dropped and the link goes on") {
  host_end host;
  coordinator_end end;
  join(host, end, "h1");
  caf::anon_send(host.link,
                 host_message{blob_part{{1},
                                        std::string(64, 'a'),
                                        0,
                                        limits::blob_piece_bytes + 1,
                                        std::string(limits::blob_piece_bytes + 1, 'b')}});
  caf::anon_send(host.link,
                 host_message{blob_want{{1}, std::string(limits::message_words_max * 8, 'a'), 0}});
  caf::anon_send(host.link, host_message{beat{3, 3, {}}});
  CHECK(std::get<beat>(end.heard.pop()).sequence == 3);
}

TEST_CASE_METHOD(farm_fixture, "link: an address that is taken is a failure") {
  auto second =
    listener::open(farm_loop, {address(), coordinator_key_files(folder / "farm"), coordinator});
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().text.find("listening on " + address()) == 0);
}
