// Peers of earlier and later protocols.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_log.hpp"
#include "tests/edge/stranger.hpp"

#include <capnp/any.h>
#include <capnp/message.h>

#include <algorithm>
#include <cstring>
#include <numeric>

using namespace drover;
using namespace drover::test;

namespace {

/// The same struct as a later version would send it: a word and a pointer longer.
template <class Wire>
typename Wire::Reader grown(capnp::MessageBuilder& room, typename Wire::Reader from) {
  capnp::AnyStruct::Reader before{from};
  auto data = before.getDataSection();
  auto pointers = before.getPointerSection();
  auto words = static_cast<uint16_t>(data.size() / sizeof(capnp::word) + 1);
  auto count = static_cast<uint16_t>(pointers.size() + 1);
  auto after = room.getRoot<capnp::AnyPointer>().initAsAnyStruct(words, count);
  std::memcpy(after.getDataSection().begin(), data.begin(), data.size());
  std::memset(after.getDataSection().begin() + data.size(), 0x5a, sizeof(capnp::word));
  for (unsigned i = 0; i < pointers.size(); ++i)
    after.getPointerSection()[i].set(pointers[i]);
  after.getPointerSection()[count - 1u].template setAs<capnp::Text>("of a later version");
  return room.getRoot<Wire>().asReader();
}

/// A message whose kind only a later version knows: the tag is the first thing in it.
template <class Message>
void make_unknown(Message message) {
  uint16_t tag = 999;
  std::memcpy(capnp::AnyStruct::Builder{kj::mv(message)}.getDataSection().begin(), &tag,
              sizeof tag);
}

hello later_hello() {
  return farm_fixture::greeting_of("h1");
}

struct deaf_host final : wire::Host::Server {
  kj::Promise<void> tell(TellContext) override { return kj::READY_NOW; }
};

/// A coordinator of another version: says something that no host knows yet, then a known thing.
/// Notes how long the pieces of logs are that come to it.
struct other_farm final : wire::Farm::Server {
  other_farm(uint16_t major, uint16_t minor, std::vector<size_t>& pieces)
      : major_{major}, minor_{minor}, pieces_{pieces} {}

  kj::Promise<void> join(JoinContext context) override {
    auto host = context.getParams().getHost();
    auto to = context.getResults().initAnswer().initWelcome();
    write(farm_fixture::some_welcome(), to);
    to.setProtocolMajor(major_);
    to.setProtocolMinor(minor_);
    context.getResults().setSession(kj::heap<deaf_session>(pieces_));
    auto news = host.tellRequest();
    make_unknown(news.initMessage());
    auto answer = host.tellRequest();
    write(farm_message{beat_answer{5}}, answer.initMessage());
    told_.add(news.send().ignoreResult());
    told_.add(answer.send().ignoreResult());
    return kj::READY_NOW;
  }

private:
  struct deaf_session final : wire::Session::Server {
    explicit deaf_session(std::vector<size_t>& pieces) : pieces_{pieces} {}
    kj::Promise<void> tell(TellContext context) override {
      auto message = context.getParams().getMessage();
      if (message.isLogChunk())
        pieces_.push_back(message.getLogChunk().getBytes().size());
      return kj::READY_NOW;
    }
    std::vector<size_t>& pieces_;
  };
  struct ignore final : kj::TaskSet::ErrorHandler {
    void taskFailed(kj::Exception&&) override {}
  };
  uint16_t major_;
  uint16_t minor_;
  std::vector<size_t>& pieces_;
  ignore errors_;
  kj::TaskSet told_{errors_};
};

} // namespace

TEST_CASE("version: another major protocol is told, whatever else the greeting holds") {
  capnp::MallocMessageBuilder message;
  auto greeting = message.initRoot<wire::Hello>();
  greeting.setProtocolMajor(wire::MAJOR + 1);
  // Where this version has texts and lists, that one has something else.
  capnp::AnyStruct::Builder raw{wire::Hello::Builder{greeting}};
  for (auto pointer : raw.getPointerSection())
    pointer.initAsAnyStruct(3, 0);
  CHECK(read(greeting.asReader()).error().text
        == "hello: protocol is version 2, this program speaks 1: update the older one");
  auto answer = message.initRoot<wire::Welcome>();
  answer.setProtocolMajor(wire::MAJOR + 1);
  answer.setBeatEveryMs(-1);
  CHECK(read(answer.asReader()).error().text
        == "welcome: protocol is version 2, this program speaks 1: update the older one");
}

TEST_CASE_METHOD(farm_fixture,
                 "version: a host of a later minor one joins, and what is not known is "
                 "passed over") {
  stranger peer{*this};
  connection wire{peer.secured(keys_of("h1")), [](const std::string&) {}};
  capnp::MallocMessageBuilder room, now;
  write(later_hello(), now.initRoot<wire::Hello>());
  now.getRoot<wire::Hello>().setProtocolMinor(99);
  auto request = wire.bootstrap().castAs<wire::Farm>().joinRequest();
  request.setHello(grown<wire::Hello>(room, now.getRoot<wire::Hello>().asReader()));
  request.setHost(wire::Host::Client{kj::heap<deaf_host>()});
  auto joining = request.send();
  auto came = peer.arrival_of(*this);
  CHECK(came.greeting == heard_as(later_hello(), std::to_string(wire::MAJOR) + ".99"));
  coordinator_end end;
  end.listener = system.spawn(take_host_messages, end.heard);
  caf::anon_send(came.link, end.listener);
  caf::anon_send(came.link, farm_message{some_welcome()});
  auto session = joining.wait(peer.io.waitScope).getSession();

  for (size_t i = 0; i <= limits::link_bad_messages_max; ++i) { // more than of malformed ones
    auto news = session.tellRequest();
    make_unknown(news.initMessage());
    news.send().wait(peer.io.waitScope);
  }
  auto known = session.tellRequest();
  write(host_message{beat{1, 2, {}}}, known.initMessage());
  known.send().wait(peer.io.waitScope);
  CHECK(std::get<beat>(end.heard.pop()) == beat{1, 2, {}});
  CHECK(end.heard.empty());
  CHECK(describe(came.link).activity
        == std::to_string(limits::link_bad_messages_max + 1)
             + " messages of a later version passed over");
}

TEST_CASE_METHOD(farm_fixture, "version: a host copes with another coordinator, or says why not") {
  uint16_t major = wire::MAJOR;
  uint16_t minor = 99;
  std::vector<size_t> pieces;
  size_t longest = limits::log_piece_bytes; // a link that does not know its speed yet sends less
  SECTION("later minor") {}
  SECTION("one that takes short pieces of logs") {
    minor = 3;
    longest = limits::log_chunk_bytes;
  }
  SECTION("later major") {
    major = wire::MAJOR + 1;
  }
  auto io = kj::setupAsyncIo();
  auto keys = load_keys(coordinator_key_files(folder / "farm"));
  REQUIRE(keys.ok());
  auto side = std::move(*tls_side::make(*keys));
  auto socket = io.provider->getNetwork().parseAddress("127.0.0.1:0").wait(io.waitScope)->listen();
  auto where = "127.0.0.1:" + std::to_string(socket->getPort());
  host_end host;
  host.agent = system.spawn(take_agent_news, host.news);
  host.link = connect_farm(host_loop, {where, keys_of("h1")}, greeting_of("h1"), host.agent);
  auto& timer = io.provider->getTimer();
  auto accepted = socket->acceptAuthenticated().wait(io.waitScope);
  auto stream = side->accept(kj::mv(accepted), timer).wait(io.waitScope).stream;
  connection wire{kj::mv(stream), kj::heap<other_farm>(major, minor, pieces),
                  [](const std::string&) {}};
  for (auto tries = patience / 1ms; tries > 0 && host.news.empty(); --tries)
    timer.afterDelay(1 * kj::MILLISECONDS).wait(io.waitScope);
  if (major != wire::MAJOR) {
    CHECK(host.expect_failure()
          == "the coordinator's answer can't be used: welcome: protocol is version 2, this program "
             "speaks 1: update the older one");
    return;
  }
  CHECK(host.expect_welcome() == some_welcome());
  CHECK(std::get<beat_answer>(std::get<farm_message>(host.news.pop())).sequence == 5);
  caf::anon_send(host.link, host_message{some_chunk(0, limits::log_piece_bytes)});
  auto taken = [&] { return std::accumulate(pieces.begin(), pieces.end(), size_t{0}); };
  for (auto tries = patience / 1ms; tries > 0 && taken() < limits::log_piece_bytes; --tries)
    timer.afterDelay(1 * kj::MILLISECONDS).wait(io.waitScope);
  CHECK(taken() == limits::log_piece_bytes);
  CHECK(*std::max_element(pieces.begin(), pieces.end()) <= longest);
}
