#pragma once
// A peer with a valid certificate that speaks RPC by hand, frame by frame, so that it can do what
// no library would: not read, not let go, send what is no message.
// SPDX-License-Identifier: Apache-2.0

#include "tests/edge/stranger.hpp"

#include <capnp/rpc.capnp.h>
#include <capnp/serialize-async.h>

#include <array>

namespace drover::test {

class rogue {
public:
  rogue(const std::string& address, const key_files& keys) {
    peer_.address = address;
    stream_ = peer_.secured(keys);
  }

  /// Reads and forgets what the coordinator says, from now on.
  void begin_to_read() {
    reading_ = read_on().eagerlyEvaluate([](kj::Exception&&) {});
  }

  void bootstrap() {
    capnp::MallocMessageBuilder message;
    message.initRoot<capnp::rpc::Message>().initBootstrap().setQuestionId(next_++);
    send(message);
  }

  void finish(uint32_t question) {
    capnp::MallocMessageBuilder message;
    message.initRoot<capnp::rpc::Message>().initFinish().setQuestionId(question);
    send(message);
  }

  /// Asks for the farm, joins, and takes the session as it will come: questions 0 and 1.
  void join(const hello& greeting) {
    bootstrap();
    capnp::MallocMessageBuilder message;
    auto call = message.initRoot<capnp::rpc::Message>().initCall();
    call.setQuestionId(next_++);
    call.initTarget().initPromisedAnswer().setQuestionId(0);
    call.setInterfaceId(capnp::typeId<wire::Farm>());
    call.setMethodId(0);
    auto payload = call.initParams();
    capnp::BuilderCapabilityTable capabilities;
    auto content = capabilities.imbue(payload.getContent()).initAs<wire::Farm::JoinParams>();
    write(greeting, content.initHello());
    content.setHost(kj::heap<no_host>());
    payload.initCapTable(1)[0].setSenderHosted(0);
    send(message);
  }

  void tell(const host_message& said) {
    capnp::MallocMessageBuilder message;
    auto call = message.initRoot<capnp::rpc::Message>().initCall();
    call.setQuestionId(next_++);
    auto session = call.initTarget().initPromisedAnswer();
    session.setQuestionId(1);
    session.initTransform(1)[0].setGetPointerField(1); // JoinResults.session
    call.setInterfaceId(capnp::typeId<wire::Session>());
    call.setMethodId(0);
    auto content = call.initParams().getContent().initAs<wire::Session::TellParams>();
    write(said, content.initMessage());
    send(message);
  }

  /// A message of a kind that RPC does not know, with `bytes` in it: it is echoed.
  void echo(size_t bytes) {
    capnp::MallocMessageBuilder message;
    auto any = message.getRoot<capnp::AnyPointer>().initAsAnyStruct(1, 1);
    any.getDataSection()[0] = 99;
    any.getPointerSection()[0].initAs<capnp::Data>(static_cast<unsigned>(bytes));
    send(message);
  }

  /// The same, with structs within structs.
  void nest(size_t depth) {
    std::vector<uint64_t> words(depth + 3, uint64_t{1} << 48); // a struct of one pointer, next word
    words[0] = (uint64_t{1} << 48) | (uint64_t{1} << 32);      // the root: one word, one pointer
    words[1] = 99;
    words.back() = 0;
    std::array<uint32_t, 2> frame{0, static_cast<uint32_t>(words.size())};
    send_raw({reinterpret_cast<const char*>(frame.data()), sizeof frame});
    send_raw({reinterpret_cast<const char*>(words.data()), words.size() * sizeof words[0]});
  }

  /// Claims a message of this size and sends that many zeros.
  void pour(uint32_t bytes) {
    std::array<uint32_t, 2> frame{0, bytes / 8};
    send_raw({reinterpret_cast<const char*>(frame.data()), sizeof frame});
    std::string zeros(64 * 1024, '\0');
    for (uint32_t sent = 0; sent < bytes && !gone_; sent += static_cast<uint32_t>(zeros.size()))
      send_raw(zeros);
  }

  /// Repeats `attack` until the other side has hung up; false if it bears `most` of it.
  template <class Attack>
  bool until_dropped(size_t most, Attack attack) {
    for (size_t i = 0; i < most && !gone_; ++i)
      attack();
    if (!gone_)
      gone_ = peer_.is_closed(*stream_);
    return gone_;
  }

  bool gone() const { return gone_; }
  uint32_t next_question() const { return next_; }

private:
  struct no_host final : wire::Host::Server {};

  kj::Promise<void> read_on() {
    return stream_->tryRead(scratch_.data(), 1, scratch_.size()).then([this](size_t got) {
      return got == 0 ? kj::Promise<void>{kj::READY_NOW} : read_on();
    });
  }

  void send(capnp::MessageBuilder& message) {
    send_by([&] { return capnp::writeMessage(*stream_, message); });
  }

  void send_raw(const std::string& bytes) {
    send_by([&] { return write_all(*stream_, bytes); });
  }

  /// A write that is not taken in time counts as a lost connection: the socket is full, nobody
  /// reads it any more.
  template <class Write>
  void send_by(Write write_it) {
    if (gone_)
      return;
    auto& timer = peer_.io.provider->getTimer();
    try {
      timer.timeoutAfter(5 * kj::SECONDS, write_it()).wait(peer_.io.waitScope);
      peer_.io.waitScope.poll();
    } catch (const kj::Exception&) {
      gone_ = true;
    }
  }

  stranger peer_;
  kj::Own<kj::AsyncIoStream> stream_;
  std::array<kj::byte, 64 * 1024> scratch_{};
  kj::Promise<void> reading_ = nullptr;
  uint32_t next_ = 0;
  bool gone_ = false;
};

} // namespace drover::test
