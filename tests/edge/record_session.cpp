// Stands between hosts and their coordinator, with the keys of both, and writes down what they say.
//
//   record_session COORDINATOR COORDINATOR_KEYS HOST_KEYS FILE
//
// Prints the port at which it waits for hosts, one after the other. tools/earlier-version uses it.
// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/connection.hpp"
#include "actors/edge/tls.hpp"
#include "tests/edge/frames.hpp"

#include <capnp/message.h>

#include <fstream>
#include <iostream>

using namespace drover;
using namespace drover::test;

namespace {

/// Beats and their answers are all alike.
constexpr int beats_kept = 3;

class notebook {
public:
  explicit notebook(const std::string& path) : file_{path, std::ios::binary} {
    KJ_REQUIRE(file_.good(), "can't write", path);
  }

  template <class Message>
  void add(const frame_kind& kind, Message message) {
    capnp::MallocMessageBuilder copy;
    copy.setRoot(message);
    auto words = capnp::messageToFlatArray(copy);
    auto bytes = words.asChars();
    file_.write(kind.data(), kind.size());
    file_.write(bytes.begin(), static_cast<std::streamsize>(bytes.size()));
    file_.flush(); // a signal ends this program
    KJ_REQUIRE(file_.good(), "can't write to the recording");
  }

  void add_host(wire::HostMessage::Reader message) {
    if (!message.isBeat() || beats_++ < beats_kept)
      add(host_frame, message);
  }
  void add_farm(wire::FarmMessage::Reader message) {
    if (!message.isBeatAnswer() || answers_++ < beats_kept)
      add(farm_frame, message);
  }

private:
  std::ofstream file_;
  int beats_ = 0;
  int answers_ = 0;
};

struct heard_host final : wire::Host::Server {
  heard_host(wire::Host::Client host, notebook& into) : host_{kj::mv(host)}, into_{into} {}

  kj::Promise<void> tell(TellContext context) override {
    auto message = context.getParams().getMessage();
    into_.add_farm(message);
    auto call = host_.tellRequest();
    call.setMessage(message);
    return call.send().ignoreResult();
  }

private:
  wire::Host::Client host_;
  notebook& into_;
};

struct heard_session final : wire::Session::Server {
  heard_session(wire::Session::Client session, notebook& into)
      : session_{kj::mv(session)}, into_{into} {}

  kj::Promise<void> tell(TellContext context) override {
    auto message = context.getParams().getMessage();
    into_.add_host(message);
    auto call = session_.tellRequest();
    call.setMessage(message);
    return call.send().ignoreResult();
  }

private:
  wire::Session::Client session_;
  notebook& into_;
};

struct heard_farm final : wire::Farm::Server {
  heard_farm(wire::Farm::Client farm, notebook& into) : farm_{kj::mv(farm)}, into_{into} {}

  kj::Promise<void> join(JoinContext context) override {
    auto params = context.getParams();
    into_.add(hello_frame, params.getHello());
    auto call = farm_.joinRequest();
    call.setHello(params.getHello());
    call.setHost(kj::heap<heard_host>(params.getHost(), into_));
    return call.send().then([this, context](auto&& said) mutable {
      into_.add(answer_frame, said.getAnswer());
      auto results = context.getResults();
      results.setAnswer(said.getAnswer());
      if (said.hasSession())
        results.setSession(kj::heap<heard_session>(said.getSession(), into_));
    });
  }

private:
  wire::Farm::Client farm_;
  notebook& into_;
};

std::unique_ptr<tls_side> side_of(const key_files& keys) {
  auto texts = load_keys(keys);
  KJ_REQUIRE(texts.ok(), "no keys", texts.error().text);
  auto side = tls_side::make(*texts);
  KJ_REQUIRE(side.ok(), "no TLS", side.error().text);
  return std::move(*side);
}

void say_why(const std::string& reason) {
  std::cerr << "record_session: " << reason << std::endl;
}

int record(const std::string& coordinator, const std::string& coordinator_keys,
           const std::string& host_keys, const std::string& file) {
  notebook into{file};
  auto io = kj::setupAsyncIo();
  auto& timer = io.provider->getTimer();
  auto& network = io.provider->getNetwork();
  auto as_farm = side_of(coordinator_key_files(coordinator_keys));
  auto as_host = side_of(host_key_files(host_keys));
  auto socket = network.parseAddress("127.0.0.1:0").wait(io.waitScope)->listen();
  std::cout << socket->getPort() << std::endl;
  while (true) {
    auto came = socket->acceptAuthenticated().wait(io.waitScope);
    try {
      auto near = as_farm->accept(kj::mv(came), timer).wait(io.waitScope).stream;
      auto far = network.parseAddress(coordinator.c_str()).wait(io.waitScope);
      auto plain = far->connect().wait(io.waitScope);
      connection to_farm{as_host->connect(kj::mv(plain), timer).wait(io.waitScope), say_why};
      auto farm = to_farm.bootstrap().castAs<wire::Farm>();
      connection to_host{kj::mv(near), kj::heap<heard_farm>(kj::mv(farm), into), say_why};
      to_farm.on_disconnect().exclusiveJoin(to_host.on_disconnect()).wait(io.waitScope);
    } catch (const kj::Exception& problem) {
      say_why(plain_reason(problem)); // a host that leaves does so in the middle of something
    }
  }
}

} // namespace

int main(int count, char** words) {
  if (count != 5) {
    std::cerr << "usage: record_session COORDINATOR COORDINATOR_KEYS HOST_KEYS FILE" << std::endl;
    return 2;
  }
  try {
    return record(words[1], words[2], words[3], words[4]);
  } catch (const kj::Exception& problem) {
    say_why(problem.getDescription().cStr());
    return 1;
  }
}
