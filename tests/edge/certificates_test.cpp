// Certificates of the farm's own authority that are wrong in one thing each.
// SPDX-License-Identifier: Apache-2.0
#include "tests/edge/stranger.hpp"

using namespace drover;
using namespace drover::test;

namespace {

/// Whether the coordinator turns away who comes with these keys.
bool is_turned_away(farm_fixture& farm, const key_texts& keys) {
  stranger peer{farm};
  peer.side = std::move(*tls_side::make(keys));
  try {
    auto stream =
      peer.side->connect(peer.plain(), peer.io.provider->getTimer()).wait(peer.io.waitScope);
    return peer.is_closed(*stream);
  } catch (const kj::Exception&) {
    return true;
  }
}

/// A server with these keys in the place of the coordinator; the host's reason not to join.
std::string reason_of_host(farm_fixture& farm, const key_texts& keys) {
  auto io = kj::setupAsyncIo();
  auto side = std::move(*tls_side::make(keys));
  auto socket = io.provider->getNetwork().parseAddress("127.0.0.1:0").wait(io.waitScope)->listen();
  host_end host;
  host.agent = farm.system.spawn(take_agent_news, host.news);
  auto where = "127.0.0.1:" + std::to_string(socket->getPort());
  host.link = connect_farm(farm.host_loop, {where, farm.keys_of("h1")},
                           farm_fixture::greeting_of("h1"), host.agent);
  auto& timer = io.provider->getTimer();
  auto stream = socket->acceptAuthenticated().wait(io.waitScope);
  try {
    side->accept(kj::mv(stream), timer).wait(io.waitScope);
  } catch (const kj::Exception&) {
    // as it should: the host has hung up
  }
  return host.expect_failure();
}

} // namespace

TEST_CASE_METHOD(farm_fixture,
                 "certificate: a host with a wrong one is refused, and the log has it") {
  forgery how;
  std::string because;
  SECTION("expired") {
    how.valid_until = -60;
    because = "has expired";
  }
  SECTION("not yet valid") {
    how.valid_from = 600;
    because = "is not valid yet";
  }
  SECTION("a coordinator's") {
    how.usage = "serverAuth";
    because = "is for another role";
  }
  log_catcher log;
  CHECK(is_turned_away(*this, forge(folder / "farm", "h1", how)));
  auto line = log.wait_for("refused");
  INFO(line);
  CHECK(line.find("warning listener: address=127.0.0.1:") == 0);
  CHECK(line.find("the other side's certificate " + because) != std::string::npos);
  check_that_hosts_join(*this);
  CHECK(arrivals.empty());
}

TEST_CASE_METHOD(farm_fixture, "certificate: what is forged here is taken where nothing is wrong") {
  stranger peer{*this};
  peer.side = std::move(*tls_side::make(forge(folder / "farm", "h1", {})));
  connection wire{
    peer.side->connect(peer.plain(), peer.io.provider->getTimer()).wait(peer.io.waitScope),
    [](const std::string&) {}};
  auto request = wire.bootstrap().castAs<wire::Farm>().joinRequest();
  write(greeting_of("h2"), request.initHello());
  auto response = request.send().wait(peer.io.waitScope);
  REQUIRE(response.getAnswer().isRefusal());
  CHECK((*read(response.getAnswer().getRefusal())).reason
        == "host 'h2' came with the certificate of 'h1'");
}

TEST_CASE_METHOD(farm_fixture, "certificate: a name that is none is refused") {
  log_catcher log;
  CHECK(is_turned_away(*this, forge(folder / "farm", "../h1", {})));
  CHECK(log.wait_for("certificate's common name").find("warning listener: address=") == 0);
  check_that_hosts_join(*this);
}

TEST_CASE_METHOD(farm_fixture, "certificate: a coordinator with a wrong one gets no host") {
  forgery how{-3600, 3600, "serverAuth"};
  std::string name = coordinator_common_name;
  std::string because;
  SECTION("expired") {
    how.valid_until = -60;
    because = "has expired";
  }
  SECTION("not yet valid") {
    how.valid_from = 600;
    because = "is not valid yet";
  }
  SECTION("a host's") {
    how.usage = "clientAuth";
    because = "is for another role";
  }
  SECTION("of another name") {
    name = "h2";
    because = "is not a coordinator's";
  }
  auto reason = reason_of_host(*this, forge(folder / "farm", name, how));
  INFO(reason);
  CHECK(reason.find("no secure connection to 127.0.0.1:") == 0);
  CHECK(reason.find("the other side's certificate " + because) != std::string::npos);
}

TEST_CASE_METHOD(farm_fixture,
                 "certificate: old and future ones are refused where they are loaded") {
  auto files = host_key_files(folder / "forged");
  std::filesystem::create_directories(folder / "forged");
  forgery how;
  std::string because;
  SECTION("expired") {
    how.valid_until = -60;
    because = files.certificate + ": has expired: issue new keys";
  }
  SECTION("not yet valid") {
    how.valid_from = 600;
    because = files.certificate + ": is not valid yet: check this machine's clock";
  }
  auto texts = forge(folder / "farm", "h1", how);
  REQUIRE_FALSE(write_private_file(files.authority, texts.authority));
  REQUIRE_FALSE(write_private_file(files.certificate, texts.certificate));
  REQUIRE_FALSE(write_private_file(files.key, texts.key));
  CHECK(load_keys(files).error().text == because);
}
