// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/first_bytes.hpp"
#include "actors/edge/gathering_stream.hpp"
#include "tests/catch.hpp"

#include <kj/debug.h>

#include <random>
#include <string>

using namespace drover;

namespace {

/// Counts what reaches it; fails when told to.
class counted_stream final : public kj::AsyncIoStream {
public:
  explicit counted_stream(kj::Own<kj::AsyncIoStream> inner) : inner_{kj::mv(inner)} {}

  kj::Promise<size_t> tryRead(void* buffer, size_t least, size_t most) override {
    ++reads;
    return inner_->tryRead(buffer, least, most);
  }
  kj::Promise<void> write(const void* buffer, size_t size) {
    return take({static_cast<const kj::byte*>(buffer), size});
  }
  kj::Promise<void> write(kj::ArrayPtr<const kj::byte> bytes) { return take(bytes); }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    return inner_->write(pieces);
  }
  kj::Promise<void> whenWriteDisconnected() override { return inner_->whenWriteDisconnected(); }
  void shutdownWrite() override { inner_->shutdownWrite(); }

  size_t reads = 0, writes = 0;
  bool broken = false;

private:
  kj::Promise<void> take(kj::ArrayPtr<const kj::byte> bytes) {
    ++writes;
    if (broken)
      return KJ_EXCEPTION(DISCONNECTED, "broken for the test");
    return write_bytes(*inner_, bytes);
  }
  kj::Own<kj::AsyncIoStream> inner_;
};

struct gathering_fixture {
  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  kj::TwoWayPipe pipe = kj::newTwoWayPipe();
  kj::Own<counted_stream> own_inner = kj::heap<counted_stream>(kj::mv(pipe.ends[0]));
  counted_stream& inner = *own_inner;
  kj::AsyncIoStream& peer = *pipe.ends[1];
  gathering_stream uut{kj::mv(own_inner)};

  kj::Promise<void> say(const std::string& bytes) {
    return write_bytes(static_cast<kj::AsyncIoStream&>(uut),
                       {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()});
  }

  std::string hear(kj::AsyncIoStream& from, size_t least, size_t most) {
    std::string bytes(most, '\0');
    bytes.resize(from.tryRead(bytes.data(), least, most).wait(scope));
    return bytes;
  }
};

std::string some_bytes(size_t size, unsigned seed) {
  std::minstd_rand random{seed};
  std::string bytes(size, '\0');
  for (auto& byte : bytes)
    byte = static_cast<char>(random());
  return bytes;
}

} // namespace

TEST_CASE_METHOD(gathering_fixture, "gathering: what is written in one turn goes out together") {
  for (int i = 0; i < 100; ++i)
    say("0123456789").wait(scope);
  CHECK(hear(peer, 1000, 2000).size() == 1000);
  CHECK(inner.writes <= 2);
}

TEST_CASE_METHOD(gathering_fixture, "gathering: all arrives in order, whatever its sizes are") {
  auto bytes = some_bytes(1'000'000, 5);
  std::minstd_rand sizes{6};
  auto writing = kj::evalLater([&] {
    kj::Promise<void> all = kj::READY_NOW;
    for (size_t at = 0; at < bytes.size();) {
      auto size = std::min<size_t>(1 + sizes() % 100'000, bytes.size() - at);
      all = all.then([this, part = bytes.substr(at, size)]() mutable {
        auto held = kj::heap<std::string>(std::move(part));
        auto written = say(*held);
        return written.attach(kj::mv(held));
      });
      at += size;
    }
    return all.then([this] { uut.shutdownWrite(); });
  });
  auto running = writing.eagerlyEvaluate(nullptr);
  std::string got;
  while (true) {
    auto part = hear(peer, 1, 30'000);
    if (part.empty())
      break;
    got += part;
  }
  CHECK((got == bytes));
}

TEST_CASE_METHOD(gathering_fixture, "gathering: much is read at once, in order") {
  auto bytes = some_bytes(500'000, 7);
  auto writing = write_bytes(peer, {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()})
                   .eagerlyEvaluate(nullptr);
  std::string got;
  std::minstd_rand sizes{8};
  while (got.size() < bytes.size()) {
    size_t most = sizes() % 2 == 0 ? 8192 : 1 + sizes() % 9000;
    auto least = std::min<size_t>(1 + sizes() % most, bytes.size() - got.size());
    auto part = hear(uut, least, most);
    REQUIRE(part.size() >= least);
    got += part;
  }
  CHECK((got == bytes));
  CHECK(inner.reads < bytes.size() / 16'000);
}

TEST_CASE_METHOD(gathering_fixture, "gathering: a failure to write is told by the next write") {
  inner.broken = true;
  say("lost").wait(scope);
  kj::evalLater([] {}).wait(scope);
  kj::evalLater([] {}).wait(scope);
  auto failed = say("more").then([] { return false; }, [](kj::Exception&&) { return true; });
  CHECK(failed.wait(scope));
}
