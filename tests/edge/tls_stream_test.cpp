// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/first_bytes.hpp"
#include "actors/edge/tls_stream.hpp"
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

  size_t reads = 0, writes = 0, written = 0;
  bool broken = false;

private:
  kj::Promise<void> take(kj::ArrayPtr<const kj::byte> bytes) {
    ++writes;
    written += bytes.size();
    if (broken)
      return KJ_EXCEPTION(DISCONNECTED, "broken for the test");
    return write_bytes(*inner_, bytes);
  }
  kj::Own<kj::AsyncIoStream> inner_;
};

/// A session that needs no certificate: these tests are about bytes, others about who may come.
tls_session_ptr session_of(bool is_server) {
  tls_context_ptr context{SSL_CTX_new(TLS_method())};
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context.get(), "aNULL@SECLEVEL=0");
  SSL_CTX_set_dh_auto(context.get(), 1);
  tls_session_ptr session{SSL_new(context.get())};
  if (is_server)
    SSL_set_accept_state(session.get());
  else
    SSL_set_connect_state(session.get());
  return session;
}

struct tls_fixture {
  tls_fixture() {
    auto both = kj::heapArrayBuilder<kj::Promise<void>>(2);
    both.add(uut->shake_hands());
    both.add(peer->shake_hands());
    kj::joinPromises(both.finish()).wait(scope);
    inner.reads = inner.writes = inner.written = 0;
  }

  kj::Promise<void> say(const std::string& bytes) {
    return write_bytes(static_cast<kj::AsyncIoStream&>(*uut),
                       {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()});
  }

  std::string hear(kj::AsyncIoStream& from, size_t least, size_t most) {
    std::string bytes(most, '\0');
    bytes.resize(from.tryRead(bytes.data(), least, most).wait(scope));
    return bytes;
  }

  /// Whether a read from the peer ends with what is not an end.
  bool is_cut(kj::AsyncIoStream& from) {
    char byte = 0;
    return from.tryRead(&byte, 1, 1)
      .then([](size_t) { return false; },
            [](kj::Exception&& why) { return why.getType() == kj::Exception::Type::DISCONNECTED; })
      .wait(scope);
  }

  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  kj::TwoWayPipe pipe = kj::newTwoWayPipe();
  kj::Own<counted_stream> own_inner = kj::heap<counted_stream>(kj::mv(pipe.ends[0]));
  counted_stream& inner = *own_inner;
  kj::Own<tls_stream> uut = kj::heap<tls_stream>(kj::mv(own_inner), session_of(false));
  kj::Own<tls_stream> peer = kj::heap<tls_stream>(kj::mv(pipe.ends[1]), session_of(true));
};

std::string some_bytes(size_t size, unsigned seed) {
  std::minstd_rand random{seed};
  std::string bytes(size, '\0');
  for (auto& byte : bytes)
    byte = static_cast<char>(random());
  return bytes;
}

} // namespace

TEST_CASE_METHOD(tls_fixture, "tls stream: what is written in one turn goes out together") {
  for (int i = 0; i < 100; ++i)
    say("0123456789").wait(scope);
  CHECK(hear(*peer, 1000, 2000).size() == 1000);
  CHECK(inner.writes <= 2);
}

TEST_CASE_METHOD(tls_fixture, "tls stream: short pieces of one write share a record") {
  std::string head = "head", body(100, 'b'), tail = "tail";
  std::vector<kj::ArrayPtr<const kj::byte>> pieces;
  for (const auto* part : {&head, &body, &tail})
    pieces.push_back({reinterpret_cast<const kj::byte*>(part->data()), part->size()});
  static_cast<kj::AsyncIoStream&>(*uut)
    .write(kj::arrayPtr(pieces.data(), pieces.size()))
    .wait(scope);
  CHECK(hear(*peer, 108, 200) == head + body + tail);
  CHECK(inner.written < 108 + 2 * 29); // a record adds so much
}

TEST_CASE_METHOD(tls_fixture, "tls stream: all arrives in order, whatever its sizes are") {
  auto bytes = some_bytes(2'000'000, 5);
  std::minstd_rand sizes{6};
  auto writing = kj::evalLater([&] {
    kj::Promise<void> all = kj::READY_NOW;
    for (size_t at = 0; at < bytes.size();) {
      auto size = std::min<size_t>(1 + sizes() % 300'000, bytes.size() - at);
      all = all.then([this, part = bytes.substr(at, size)]() mutable {
        auto held = kj::heap<std::string>(std::move(part));
        auto written = say(*held);
        return written.attach(kj::mv(held));
      });
      at += size;
    }
    return all.then([this] { uut->shutdownWrite(); });
  });
  auto running = writing.eagerlyEvaluate(nullptr);
  std::string got;
  while (true) {
    auto most = 1 + sizes() % 60'000;
    auto part = hear(*peer, 1 + sizes() % most, most);
    got += part;
    if (part.empty() || got.size() == bytes.size())
      break;
  }
  CHECK((got == bytes));
  CHECK(hear(*peer, 1, 1).empty()); // its end was said
  CHECK(inner.writes < 2 * bytes.size() / tls_stream::written_at_once + 20);
}

TEST_CASE_METHOD(tls_fixture, "tls stream: much is read at once, in order") {
  auto bytes = some_bytes(1'000'000, 7);
  auto& to = static_cast<kj::AsyncIoStream&>(*peer);
  auto writing = write_bytes(to, {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()})
                   .eagerlyEvaluate(nullptr);
  CHECK((hear(*uut, bytes.size(), bytes.size()) == bytes));
  CHECK(inner.reads < bytes.size() / 32'000);
}

TEST_CASE_METHOD(tls_fixture, "tls stream: a failure to write is told by the next write") {
  inner.broken = true;
  say("lost").wait(scope);
  kj::evalLater([] {}).wait(scope);
  kj::evalLater([] {}).wait(scope);
  auto failed = say("more").then([] { return false; }, [](kj::Exception&&) { return true; });
  CHECK(failed.wait(scope));
}

TEST_CASE_METHOD(tls_fixture, "tls stream: a peer that goes without a word has not ended its say") {
  say("half of it").wait(scope);
  kj::evalLater([] {}).wait(scope);
  CHECK(hear(*peer, 4, 4) == "half");
  CHECK(hear(*peer, 6, 6) == " of it");
  uut = nullptr;
  CHECK(is_cut(*peer));
}

TEST_CASE_METHOD(tls_fixture, "tls stream: with who speaks no TLS the handshake fails") {
  auto is_server = GENERATE(false, true);
  auto raw = kj::newTwoWayPipe();
  auto broken = kj::heap<tls_stream>(kj::mv(raw.ends[0]), session_of(is_server));
  auto shaken =
    broken->shake_hands()
      .then([] { return false; },
            [](kj::Exception&& why) { return why.getType() == kj::Exception::Type::FAILED; })
      .eagerlyEvaluate(nullptr);
  std::string garbage = "GET / HTTP/1.1\r\nHost: drover\r\n\r\n";
  auto said =
    write_bytes(*raw.ends[1], {reinterpret_cast<const kj::byte*>(garbage.data()), garbage.size()});
  auto heard = raw.ends[1]->readAllBytes().then([](auto&&) {}, [](kj::Exception&&) {});
  auto listening = heard.eagerlyEvaluate(nullptr);
  CHECK(shaken.wait(scope));
}
