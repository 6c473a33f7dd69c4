// Peers that are not what they should be: each is turned away, and nobody else notices.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_door.hpp"
#include "tests/edge/stranger.hpp"

#include <capnp/message.h>
#include <kj/compat/tls.h>

#include <future>
#include <random>

using namespace drover;
using namespace drover::test;

namespace {

/// A host that takes every message and does nothing.
struct deaf_host final : wire::Host::Server {
  kj::Promise<void> tell(TellContext) override { return kj::READY_NOW; }
};

/// Another farm's keys for a host of this name.
key_files foreign_keys(farm_fixture& farm, const std::string& name) {
  REQUIRE_FALSE(make_farm_keys(farm.folder / "other"));
  REQUIRE_FALSE(issue_host_keys(farm.folder / "other", name, farm.folder / "foreign"));
  return host_key_files(farm.folder / "foreign");
}

} // namespace

TEST_CASE_METHOD(farm_fixture, "stranger: a host of another farm is refused and refuses") {
  host_end host;
  host.agent = system.spawn(take_agent_news, host.news);
  connect_farm(host_loop, {address(), foreign_keys(*this, "h1")}, greeting_of("h1"), host.agent);
  CHECK(host.expect_failure()
        == "no secure connection to " + address()
             + ": the other side's certificate is not of this farm");
  check_that_hosts_join(*this);
}

TEST_CASE_METHOD(farm_fixture,
                 "stranger: a foreign certificate is refused by the coordinator too") {
  // Trusts this farm, so that only the coordinator can object.
  auto keys = foreign_keys(*this, "h1");
  auto foreign = load_keys(keys);
  auto ours = load_keys(keys_of("h1"));
  REQUIRE((foreign.ok() && ours.ok()));
  foreign->authority = ours->authority;
  stranger peer{*this};
  peer.side = std::move(*tls_side::make(*foreign));
  kj::Own<kj::AsyncIoStream> stream;
  bool closed = false;
  try {
    stream = peer.side->connect(peer.plain(), peer.io.provider->getTimer()).wait(peer.io.waitScope);
    closed = peer.is_closed(*stream);
  } catch (const kj::Exception& problem) {
    closed = true;
  }
  CHECK(closed);
  check_that_hosts_join(*this);
  CHECK(arrivals.empty());
}

TEST_CASE_METHOD(farm_fixture, "stranger: a client without a certificate is refused") {
  auto ours = load_keys(keys_of("h1"));
  REQUIRE(ours.ok());
  stranger peer{*this};
  kj::TlsCertificate authority{kj::StringPtr{ours->authority.c_str()}};
  kj::TlsContext::Options options;
  options.useSystemTrustStore = false;
  options.trustedCertificates = kj::arrayPtr(&authority, 1);
  kj::TlsContext context{kj::mv(options)};
  bool closed = false;
  try {
    auto stream = context.wrapClient(peer.plain(), coordinator_common_name).wait(peer.io.waitScope);
    closed = peer.is_closed(*stream);
  } catch (const kj::Exception& problem) {
    closed = true;
  }
  CHECK(closed);
  check_that_hosts_join(*this);
  CHECK(arrivals.empty());
}

TEST_CASE_METHOD(farm_fixture, "stranger: a host with another host's certificate is refused") {
  host_end host;
  host.agent = system.spawn(take_agent_news, host.news);
  connect_farm(host_loop, {address(), keys_of("h1")}, greeting_of("h2"), host.agent);
  CHECK(host.expect_failure()
        == "the coordinator refused: host 'h2' came with the certificate of 'h1'");
  check_that_hosts_join(*this);
}

TEST_CASE_METHOD(farm_fixture, "stranger: a host is no coordinator") {
  // A host's keys in the place of the coordinator's.
  auto opened = listener::open(farm_loop, {"127.0.0.1:0", keys_of("h1"), coordinator});
  REQUIRE(opened.ok());
  auto where = "127.0.0.1:" + std::to_string((*opened)->port());
  host_end host;
  host.agent = system.spawn(take_agent_news, host.news);
  connect_farm(host_loop, {where, keys_of("h2")}, greeting_of("h2"), host.agent);
  CHECK(host.expect_failure().find("no secure connection to " + where) == 0);
}

TEST_CASE_METHOD(farm_fixture, "stranger: silent sockets are dropped and disturb nobody") {
  stranger peer{*this};
  std::vector<kj::Own<kj::AsyncIoStream>> silent;
  for (int i = 0; i < 20; ++i)
    silent.push_back(peer.plain());
  check_that_hosts_join(*this);
  CHECK(peer.is_closed(*silent.back())); // after limits::accept_timeout
}

TEST_CASE_METHOD(farm_fixture, "stranger: a storm of handshakes is thinned out at once") {
  stranger peer{*this};
  std::vector<kj::Own<kj::AsyncIoStream>> shaking;
  for (size_t i = 0; i <= limits::handshakes_at_once; ++i) {
    shaking.push_back(peer.plain());
    write_all(*shaking.back(), "\x16").wait(peer.io.waitScope);
  }
  auto begin = std::chrono::steady_clock::now();
  CHECK(peer.is_closed(*shaking.back()));
  CHECK(std::chrono::steady_clock::now() - begin < limits::accept_timeout / 2);
  CHECK(peer.is_closed(*shaking.front())); // it had its time, and said nothing
  check_that_hosts_join(*this);
}

TEST_CASE_METHOD(farm_fixture, "stranger: one that sends byte by byte gets no more time") {
  stranger peer{*this};
  auto dribble = [&](kj::AsyncIoStream& to, std::string bytes) {
    // The size of a record or message, and then its bytes one at a time, for ever.
    try {
      write_all(to, bytes).wait(peer.io.waitScope);
      for (auto sent = 0ms; sent < patience; sent += 10ms) {
        write_all(to, std::string(1, '\0')).wait(peer.io.waitScope);
        peer.io.provider->getTimer().afterDelay(10 * kj::MILLISECONDS).wait(peer.io.waitScope);
      }
    } catch (const kj::Exception&) {
      return true; // hung up
    }
    return false;
  };
  SECTION("in the handshake") {
    auto slow = peer.plain();
    CHECK(dribble(*slow, std::string{"\x16\x03\x01\x3f\xff\x01\x00\x3f\xf0", 9}));
  }
  SECTION("in the greeting") {
    auto slow = peer.secured(keys_of("h1"));
    CHECK(dribble(*slow, std::string{"\0\0\0\0\x00\x10\0\0", 8}));
  }
  check_that_hosts_join(*this);
}

TEST_CASE_METHOD(farm_fixture, "stranger: a crowd of them does not fill the log") {
  log_catcher log;
  stranger peer{*this};
  constexpr size_t crowd = 3 * limits::strangers_logged_max;
  for (size_t i = 0; i < crowd; ++i) {
    auto one = peer.plain();
    write_all(*one, "GET / HTTP/1.1\r\n\r\n").wait(peer.io.waitScope);
    REQUIRE(peer.is_closed(*one));
  }
  size_t lines = 0;
  for (const auto& line : log.lines())
    lines += line.find("refused") != std::string::npos ? 1 : 0;
  CHECK(lines == limits::strangers_logged_max);
  check_that_hosts_join(*this);
}

TEST_CASE_METHOD(farm_fixture,
                 "stranger: garbage before, in and after the handshake ends only itself") {
  std::mt19937_64 random{42};
  std::string garbage(100'000, '\0');
  for (auto& byte : garbage)
    byte = static_cast<char>(random());
  stranger peer{*this};
  auto pour = [&](kj::AsyncIoStream& to) {
    try {
      write_all(to, garbage).wait(peer.io.waitScope);
    } catch (const kj::Exception&) {
      return; // closed already
    }
  };
  auto plain = peer.plain();
  pour(*plain);
  CHECK(peer.is_closed(*plain));
  auto secured = peer.secured(keys_of("h1"));
  pour(*secured);
  CHECK(peer.is_closed(*secured));
  check_that_hosts_join(*this);
}

TEST_CASE_METHOD(farm_fixture, "stranger: a host of another protocol hears so") {
  stranger peer{*this};
  connection wire{peer.secured(keys_of("h1")), [](const std::string&) {}};
  auto request = wire.bootstrap().castAs<wire::Farm>().joinRequest();
  write(greeting_of("h1"), request.initHello());
  request.getHello().setProtocolMajor(9);
  auto response = request.send().wait(peer.io.waitScope);
  REQUIRE(response.getAnswer().isRefusal());
  auto refused = read(response.getAnswer().getRefusal());
  REQUIRE(refused.ok());
  CHECK(refused->reason
        == "hello: protocol is version 9, this program speaks 1: update the older one");
}

TEST_CASE_METHOD(farm_fixture, "stranger: a host that calls without end is dropped") {
  std::promise<void> go_on;
  auto gate = go_on.get_future().share();
  // A supervisor that takes its time: what it has not taken may not pile up without bound.
  host_listener slow = system.spawn(
    [](host_listener::pointer, std::shared_future<void> until) -> host_listener::behavior_type {
      return {[until](const host_message&) { until.wait(); }};
    },
    gate);
  stranger peer{*this};
  connection wire{peer.secured(keys_of("h1")), [](const std::string&) {}};
  auto request = wire.bootstrap().castAs<wire::Farm>().joinRequest();
  write(greeting_of("h1"), request.initHello());
  request.setHost(wire::Host::Client{kj::heap<deaf_host>()});
  auto joining = request.send();
  auto came = peer.arrival_of(*this);
  caf::anon_send(came.link, slow);
  caf::anon_send(came.link, farm_message{some_welcome()});
  auto session = joining.wait(peer.io.waitScope).getSession();
  auto calls = kj::heapArrayBuilder<kj::Promise<void>>(limits::link_queue_max + 1);
  for (size_t i = 0; i <= limits::link_queue_max; ++i) {
    auto tell = session.tellRequest();
    write(host_message{beat{i, 0, {}}}, tell.initMessage());
    calls.add(tell.send().ignoreResult());
  }
  auto last = calls.size() - 1;
  CHECK_THROWS_AS(calls[last].wait(peer.io.waitScope), kj::Exception);
  CHECK(goes_down(came.link));
  go_on.set_value();
  check_that_hosts_join(*this);
}

TEST_CASE_METHOD(farm_fixture, "stranger: a host that does not join is dropped") {
  stranger peer{*this};
  auto stream = peer.secured(keys_of("h1"));
  CHECK(peer.is_closed(*stream)); // after limits::join_timeout
}

TEST_CASE_METHOD(farm_fixture, "stranger: nobody listens, and the reason says so") {
  auto where = address();
  door = nullptr;
  host_end host;
  host.agent = system.spawn(take_agent_news, host.news);
  connect_farm(host_loop, {where, keys_of("h1")}, greeting_of("h1"), host.agent);
  CHECK(host.expect_failure() == "connection refused by " + where);
}

TEST_CASE_METHOD(farm_fixture, "stranger: keys that are not there are named") {
  host_end host;
  host.agent = system.spawn(take_agent_news, host.news);
  auto files = host_key_files(folder / "nowhere");
  connect_farm(host_loop, {address(), files}, greeting_of("h1"), host.agent);
  CHECK(host.expect_failure() == files.authority + ": can't be read: make keys first");
}
