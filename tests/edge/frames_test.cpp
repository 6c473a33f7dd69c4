// Sessions of earlier versions, as those programs spoke them: recorded, and said again.
//
// The recordings are in tests/edge/frames; tools/earlier-version makes them.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_trust.hpp"
#include "tests/edge/frames.hpp"
#include "tests/edge/stranger.hpp"

#include <capnp/message.h>

#include <algorithm>
#include <fstream>
#include <set>

using namespace drover;
using namespace drover::test;

namespace {

struct recording {
  std::string name;
  kj::Array<capnp::word> words;
};

std::vector<recording> recordings() {
  std::vector<recording> out;
  for (const auto& entry : std::filesystem::directory_iterator{DROVER_FRAMES}) {
    if (entry.path().extension() != ".frames")
      continue;
    auto words = kj::heapArray<capnp::word>(entry.file_size() / sizeof(capnp::word));
    std::ifstream file{entry.path(), std::ios::binary};
    auto bytes = words.asChars();
    file.read(bytes.begin(), static_cast<std::streamsize>(bytes.size()));
    REQUIRE(file.gcount() == static_cast<std::streamsize>(entry.file_size()));
    out.push_back({entry.path().stem().string(), kj::mv(words)});
  }
  REQUIRE_FALSE(out.empty());
  return out;
}

/// The value, which says the same when this version has written it.
template <class Message, class Reader>
Message value_of(Reader said) {
  auto value = read(said);
  if (!value)
    FAIL(value.error().text);
  capnp::MallocMessageBuilder room;
  auto again = room.initRoot<typename Reader::Reads>();
  write(*value, again);
  auto twice = read(again.asReader());
  REQUIRE(twice.ok());
  CHECK(*twice == *value);
  return std::move(*value);
}

/// All that a recording says, in its order.
struct story {
  explicit story(const recording& from) {
    bool whole = for_each_frame(from.words, *this);
    REQUIRE(whole);
  }

  void hello(wire::Hello::Reader said) {
    greetings.push_back(value_of<drover::hello>(said));
    minor = said.getProtocolMinor();
    protocol = std::to_string(said.getProtocolMajor()) + "." + std::to_string(minor);
  }
  void answer(wire::JoinAnswer::Reader said) {
    REQUIRE(said.isWelcome());
    welcomes.push_back(value_of<welcome>(said.getWelcome()));
  }
  void host(wire::HostMessage::Reader said) {
    REQUIRE(is_known(said));
    by_host.push_back(value_of<host_message>(said));
  }
  void farm(wire::FarmMessage::Reader said) {
    REQUIRE(is_known(said));
    by_farm.push_back(value_of<farm_message>(said));
  }

  template <class Message, class From>
  static std::vector<Message> all(const std::vector<From>& messages) {
    std::vector<Message> out;
    for (const auto& message : messages)
      if (const auto* one = std::get_if<Message>(&message))
        out.push_back(*one);
    return out;
  }

  /// What an attempt printed, by the pieces of its log.
  std::string log_of(const attempt_id& attempt) const {
    std::string out;
    for (const auto& chunk : all<log_chunk>(by_host)) {
      if (!(chunk.token.attempt == attempt) || chunk.offset > out.size())
        continue;
      out.resize(chunk.offset);
      out += chunk.bytes;
    }
    return out;
  }

  attempt_ended end_of(const attempt_id& attempt) const {
    for (const auto& ended : all<attempt_ended>(by_host))
      if (ended.token.attempt == attempt)
        return ended;
    FAIL("no end of step " << attempt.step.value << " of build " << attempt.build.value);
    return {};
  }

  std::vector<drover::hello> greetings;
  std::string protocol;
  uint16_t minor = 0;
  std::vector<welcome> welcomes;
  std::vector<host_message> by_host;
  std::vector<farm_message> by_farm;
};

template <class Message>
std::set<size_t> kinds_of(const std::vector<Message>& messages) {
  std::set<size_t> out;
  for (const auto& message : messages)
    out.insert(message.index());
  return out;
}

std::string numbers_to(int last) {
  std::string out;
  for (int number = 1; number <= last; ++number)
    out += std::to_string(number) + "\n";
  return out;
}

/// Says the host's part of a recording.
struct replayed_host {
  capnp::Capability::Client session;
  kj::WaitScope& scope;

  void hello(wire::Hello::Reader) {}
  void answer(wire::JoinAnswer::Reader) {}
  void farm(wire::FarmMessage::Reader) {}
  void host(wire::HostMessage::Reader said) {
    auto call = session.castAs<wire::Session>().tellRequest();
    call.setMessage(said);
    call.send().wait(scope);
  }
};

struct deaf_host final : wire::Host::Server {
  kj::Promise<void> tell(TellContext) override { return kj::READY_NOW; }
};

struct deaf_session final : wire::Session::Server {
  kj::Promise<void> tell(TellContext) override { return kj::READY_NOW; }
};

/// Says the coordinator's part of a recording once a host has joined.
struct replayed_farm final : wire::Farm::Server, private kj::TaskSet::ErrorHandler {
  explicit replayed_farm(const recording& from) : from_{from} {}

  kj::Promise<void> join(JoinContext context) override {
    host_ = context.getParams().getHost();
    context_ = &context;
    for_each_frame(from_.words, *this);
    context.getResults().setSession(kj::heap<deaf_session>());
    return kj::READY_NOW;
  }

  void hello(wire::Hello::Reader) {}
  void host(wire::HostMessage::Reader) {}
  void answer(wire::JoinAnswer::Reader said) { context_->getResults().setAnswer(said); }
  void farm(wire::FarmMessage::Reader said) {
    auto call = KJ_ASSERT_NONNULL(host_).tellRequest();
    call.setMessage(said);
    told_.add(call.send().ignoreResult());
  }

private:
  void taskFailed(kj::Exception&&) override {}

  const recording& from_;
  kj::Maybe<wire::Host::Client> host_;
  JoinContext* context_ = nullptr;
  kj::TaskSet told_{*this};
};

} // namespace

TEST_CASE("frames: what earlier versions said means today what it meant then") {
  for (const auto& each : recordings()) {
    CAPTURE(each.name);
    story told{each};
    CHECK("protocol-" + told.protocol == each.name);
    REQUIRE(told.greetings.size() >= 2); // its agent was restarted
    CHECK(told.welcomes.size() == told.greetings.size());
    for (const auto& greeting : told.greetings) {
      CHECK(greeting.host.value == "vega");
      CHECK(greeting.slots == 2);
      CHECK(greeting.facts.at("os") == "linux");
    }
    CHECK(told.greetings.front().agent_incarnation != told.greetings.back().agent_incarnation);
    CHECK(told.welcomes.front().session < told.welcomes.back().session);
    // Every alternative but a host's news, a welcome beside the answer, and refusals.
    CHECK(kinds_of(told.by_host) == std::set<size_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
    CHECK(kinds_of(told.by_farm) == std::set<size_t>{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13});
  }
}

TEST_CASE("frames: work that an earlier host did is there to the byte") {
  for (const auto& each : recordings()) {
    CAPTURE(each.name);
    story told{each};
    auto orders = story::all<assignment>(told.by_farm);
    std::erase_if(orders, [](const assignment& one) { // by which it was trusted
      return one.builder == limits::shipped_canary_name;
    });
    REQUIRE(orders.size() == 7); // two builds of three steps, and one that was cancelled
    const auto& make = orders[0];
    CHECK(make.builder == "work");
    CHECK(make.step.name == "make");
    CHECK(make.step.env.at("LC_ALL") == "C");
    CHECK(make.step.timeout == 5min);
    CHECK(make.step.limits.files == 256);
    CHECK(told.log_of(make.token.attempt) == "the recorded source\nmade of plain\n");
    CHECK(told.end_of(make.token.attempt).outcome == result::success);
    CHECK(told.log_of(orders[1].token.attempt) == "to no avail\n");
    CHECK(told.end_of(orders[1].token.attempt).outcome == result::failure);
    CHECK(told.end_of(orders[1].token.attempt).exit_code == 3);
    CHECK(told.log_of(orders[2].token.attempt) == numbers_to(2000));
    auto again = told.end_of(orders[3].token.attempt);
    CHECK(again.reused_from == make.token.attempt.build);
    CHECK(told.log_of(orders[3].token.attempt) == "the recorded source\nmade of plain\n");
    CHECK(told.end_of(orders[6].token.attempt).outcome == result::cancelled);
    CHECK(story::all<cancel_attempt>(told.by_farm).front().token == orders[6].token);

    auto closed = story::all<build_closed>(told.by_host);
    auto kept = std::find_if(closed.begin(), closed.end(), [&](const build_closed& one) {
      return one.build == make.token.attempt.build;
    });
    REQUIRE(kept != closed.end());
    REQUIRE(kept->artifacts.size() == 1);
    CHECK(kept->artifacts.front().path == "kept.txt");
    auto parts = story::all<blob_part>(told.by_host);
    CHECK(std::any_of(parts.begin(), parts.end(), [&](const blob_part& part) {
      return part.sha256 == kept->artifacts.front().sha256 && part.bytes == "kept\n";
    }));
    CHECK(story::all<blob_piece>(told.by_farm).front().sha256 == make.source.sha256);
  }
}

TEST_CASE_METHOD(farm_fixture,
                 "frames: a coordinator takes an earlier host's session, word by word") {
  for (const auto& each : recordings()) {
    CAPTURE(each.name);
    story told{each};
    stranger peer{*this};
    std::string broken;
    connection wire{peer.secured(keys_of("vega")), [&](const std::string& why) { broken = why; }};
    capnp::MallocMessageBuilder room;
    auto request = wire.bootstrap().castAs<wire::Farm>().joinRequest();
    write(told.greetings.front(), request.initHello());
    request.getHello().setProtocolMinor(told.minor);
    request.setHost(wire::Host::Client{kj::heap<deaf_host>()});
    auto joining = request.send();
    auto came = peer.arrival_of(*this);
    coordinator_end end;
    end.listener = system.spawn(take_host_messages, end.heard);
    caf::anon_send(came.link, end.listener);
    caf::anon_send(came.link, farm_message{some_welcome()});
    auto session = joining.wait(peer.io.waitScope).getSession();
    replayed_host host{session, peer.io.waitScope};
    for_each_frame(each.words, host);
    for (auto message : told.by_host) {
      if (auto* again = std::get_if<hello>(&message))
        *again = heard_as(*again, told.protocol);
      CHECK(end.heard.pop() == message);
    }
    CHECK(end.heard.empty());
    CHECK(broken.empty());
  }
}

TEST_CASE_METHOD(farm_fixture,
                 "frames: a host takes an earlier coordinator's session, word by word") {
  for (const auto& each : recordings()) {
    CAPTURE(each.name);
    story told{each};
    auto io = kj::setupAsyncIo();
    auto keys = load_keys(coordinator_key_files(folder / "farm"));
    REQUIRE(keys.ok());
    auto side = std::move(*tls_side::make(*keys));
    auto socket =
      io.provider->getNetwork().parseAddress("127.0.0.1:0").wait(io.waitScope)->listen();
    auto where = "127.0.0.1:" + std::to_string(socket->getPort());
    host_end host;
    host.agent = system.spawn(take_agent_news, host.news);
    host.link = connect_farm(host_loop, {where, keys_of("vega")}, greeting_of("vega"), host.agent);
    auto& timer = io.provider->getTimer();
    auto accepted = socket->acceptAuthenticated().wait(io.waitScope);
    auto stream = side->accept(kj::mv(accepted), timer).wait(io.waitScope).stream;
    std::string broken;
    connection wire{kj::mv(stream), kj::heap<replayed_farm>(each),
                    [&](const std::string& why) { broken = why; }};
    std::vector<agent_news> news;
    for (auto tries = patience / 1ms; tries > 0 && news.size() < told.by_farm.size() + 1; --tries) {
      timer.afterDelay(1 * kj::MILLISECONDS).wait(io.waitScope);
      while (!host.news.empty())
        news.push_back(host.news.pop());
    }
    REQUIRE(news.size() == told.by_farm.size() + 1);
    CHECK(std::get<connected>(news[0]).answer == told.welcomes.back());
    for (size_t at = 0; at < told.by_farm.size(); ++at)
      CHECK(std::get<farm_message>(news[at + 1]) == told.by_farm[at]);
    CHECK(broken.empty());
  }
}
