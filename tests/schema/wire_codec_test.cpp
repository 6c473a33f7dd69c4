// The wire: what is written is read back, and what a stranger writes is a value or an error.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits.hpp"
#include "schema/limits_log.hpp"
#include "schema/names.hpp"
#include "schema/wire_codec.hpp"
#include "tests/catch.hpp"
#include "tests/schema/wire_samples.hpp"

#include <capnp/message.h>

#include <cstring>
#include <random>
#include <set>

using namespace drover;
using namespace drover::test;

namespace {

template <class Wire, class Value>
expected<Value> there_and_back(const Value& value) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<Wire>();
  write(value, root);
  return read(root.asReader());
}

expected<host_message> back(const host_message& value) {
  return there_and_back<wire::HostMessage>(value);
}

expected<farm_message> back(const farm_message& value) {
  return there_and_back<wire::FarmMessage>(value);
}

template <class Message>
void check_refused(const Message& message, const std::string& text) {
  auto got = back(message);
  REQUIRE_FALSE(got.ok());
  CHECK(got.error().code == ec::bad_input);
  CHECK(got.error().text == text);
}

grant_token good_token() {
  return {{1, 2}, {{3}, {4}, {5}}};
}

} // namespace

TEST_CASE("wire: every message is read as it was written") {
  generator make{std::mt19937_64{20}};
  std::set<size_t> host_kinds, farm_kinds;
  for (int i = 0; i < 3000; ++i) {
    auto host = make.host();
    auto host_back = back(host);
    INFO("round " << i << (host_back.ok() ? "" : host_back.error().text));
    REQUIRE(host_back.ok());
    REQUIRE(*host_back == host);
    auto farm = make.farm();
    auto farm_back = back(farm);
    INFO((farm_back.ok() ? "" : farm_back.error().text));
    REQUIRE(farm_back.ok());
    REQUIRE(*farm_back == farm);
    host_kinds.insert(host.index());
    farm_kinds.insert(farm.index());
  }
  CHECK(host_kinds.size() == std::variant_size_v<host_message>);
  CHECK(farm_kinds.size() == std::variant_size_v<farm_message>);
}

TEST_CASE("wire: a kind's number is its place in the variant") {
  generator make{std::mt19937_64{21}};
  for (int i = 0; i < 300; ++i) {
    capnp::MallocMessageBuilder message;
    auto host = make.host();
    auto host_root = message.initRoot<wire::HostMessage>();
    write(host, host_root);
    CHECK(static_cast<size_t>(host_root.which()) == host.index());
    auto farm = make.farm();
    auto farm_root = message.initRoot<wire::FarmMessage>();
    write(farm, farm_root);
    CHECK(static_cast<size_t>(farm_root.which()) == farm.index());
  }
}

TEST_CASE("wire: hello and welcome stand alone, too, and tell another protocol") {
  generator make{std::mt19937_64{22}};
  auto greeting = make.some_hello();
  CHECK(*there_and_back<wire::Hello>(greeting) == greeting);
  auto granted = make.some_welcome();
  CHECK(*there_and_back<wire::Welcome>(granted) == granted);

  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::Hello>();
  write(greeting, root);
  root.setProtocolMajor(2);
  CHECK(read(root.asReader()).error().text
        == "hello: protocol is version 2, this program speaks 1: update the older one");
}

TEST_CASE("wire: a field out of bounds is refused by name") {
  auto token = good_token();
  token.attempt.build = {0};
  check_refused(host_message{attempt_started{token, {1}}},
                "message: attemptStarted.token.build is 0, it counts from 1");
  token = good_token();
  token.attempt.step = {200};
  check_refused(host_message{beat{1, 1, {{good_token()}, {token}}}},
                "message: beat.known[1].token.step is 200, at most 199 is allowed");
  check_refused(
    host_message{log_chunk{good_token(), 0, std::string(limits::log_piece_bytes + 1, 'x')}},
    "message: logChunk.bytes has the length 258049, at most 258048 is allowed");
  check_refused(host_message{blob_part{{1}, std::string(64, 'a'), 5, 7, "abc"}},
                "message: blobPart.bytes reach beyond the total");
  check_refused(host_message{blob_want{{1}, std::string(64, 'A'), 0}},
                "message: blobWant.sha256 is not a SHA-256 in 64 lower-case hex digits");
  check_refused(
    host_message{attempt_ended{good_token(), result::host_lost, 0, "", false, 0, {}, {}}},
    "message: attemptEnded.outcome is 'host_lost', which is not for a host to say");
  check_refused(farm_message{close_build{{1}, 1, false, std::vector<std::string>(257, "a")}},
                "message: closeBuild.globs has the length 257, at most 256 is allowed");
  check_refused(farm_message{welcome{{}, {}, milliseconds{-1}, {}}},
                "message: welcome.beatEveryMs is -1 ms, it must be from 0 to 2592000000");
}

TEST_CASE("wire: names and paths that could harm are refused") {
  hello greeting;
  for (const auto* name : {"", "../h", "a/b", "a\nb", "-a", "\xff"}) {
    greeting.host = {name};
    CHECK_FALSE(back(host_message{greeting}).ok());
  }
  greeting.host = {"h1"};
  greeting.facts = {{"os\n", "x"}};
  check_refused(host_message{greeting}, "message: hello.facts[0].key has a control character");
  for (const auto* path : {"", "/etc/passwd", "..", "a/../b", "a/..", "a\nb"}) {
    build_closed closed{{1}, 1, {{path, std::string(64, 'a'), 1}}, ""};
    INFO(path);
    CHECK_FALSE(back(host_message{closed}).ok());
  }
  build_closed closed{{1}, 1, {{"a..b/..c/d", std::string(64, 'a'), 1}}, ""};
  CHECK(back(host_message{closed}).ok());
}

TEST_CASE("wire: sentences for people are made harmless, not refused") {
  auto got = back(farm_message{refusal{"bad\x1b[31m\n" + std::string(1000, 'x')}});
  REQUIRE(got.ok());
  auto reason = std::get<refusal>(*got).reason;
  CHECK(reason.size() <= limits::reason_bytes_max);
  CHECK(reason.find('\n') == std::string::npos);
  CHECK(reason.find('\x1b') == std::string::npos);
}

TEST_CASE("wire: unknown kinds and enumerators are refused") {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::HostMessage>();
  write(host_message{beat{1, 1, {{good_token()}}}}, root);
  auto known = root.getBeat().getKnown()[0];
  known.setState(static_cast<wire::KnownState>(77));
  CHECK(read(root.asReader()).error().text
        == "message: beat.known[0].state is 77, which this version does not know");

  // The kind is the first 16 bits of the struct's data.
  capnp::MallocMessageBuilder other;
  write(host_message{beat{}}, other.initRoot<wire::HostMessage>());
  auto segment = other.getSegmentsForOutput()[0];
  std::vector<capnp::word> words(segment.begin(), segment.end());
  reinterpret_cast<uint16_t*>(words.data() + 1)[0] = 999;
  capnp::ReaderOptions options;
  kj::ArrayPtr<const capnp::word> segments[]{kj::arrayPtr(words.data(), words.size())};
  capnp::SegmentArrayMessageReader reader{kj::arrayPtr(segments, 1), options};
  CHECK(read(reader.getRoot<wire::HostMessage>()).error().text
        == "message: kind is not known to this version");
}

namespace {

/// Reads words as a message; whatever they are, this returns.
template <class Wire>
bool survives(const std::vector<capnp::word>& words) {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = limits::message_words_max;
  options.nestingLimit = limits::message_nesting_max;
  kj::ArrayPtr<const capnp::word> segments[]{kj::arrayPtr(words.data(), words.size())};
  capnp::SegmentArrayMessageReader reader{kj::arrayPtr(segments, 1), options};
  try {
    // The root is found by the RPC layer, whose exceptions are its own.
    auto root = reader.getRoot<Wire>();
    auto got = read(root);
    return got.ok() || !got.error().text.empty();
  } catch (const kj::Exception&) {
    return true;
  }
}

std::vector<capnp::word> words_of(const host_message& value) {
  capnp::MallocMessageBuilder message{4096}; // one segment
  write(value, message.initRoot<wire::HostMessage>());
  auto segment = message.getSegmentsForOutput()[0];
  return {segment.begin(), segment.end()};
}

} // namespace

TEST_CASE("wire: random words end in a value or an error") {
  std::mt19937_64 random{23};
  for (int i = 0; i < 20'000; ++i) {
    std::vector<capnp::word> words(1 + random() % 40);
    for (auto& word : words) {
      auto bits = random();
      // Mostly zeros: such words are likelier to be pointers that lead somewhere.
      for (auto n = random() % 4; n > 0; --n)
        bits &= random();
      std::memcpy(static_cast<void*>(&word), &bits, sizeof bits);
    }
    REQUIRE(survives<wire::HostMessage>(words));
    REQUIRE(survives<wire::FarmMessage>(words));
  }
}

TEST_CASE("wire: a damaged message ends in a value or an error") {
  generator make{std::mt19937_64{24}};
  size_t refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto words = words_of(make.host());
    auto bytes = reinterpret_cast<unsigned char*>(words.data());
    for (auto n = 1 + make.upto(3); n > 0; --n)
      bytes[make.upto(words.size() * 8 - 1)] ^= static_cast<unsigned char>(1u << make.upto(7));
    kj::ArrayPtr<const capnp::word> segments[]{kj::arrayPtr(words.data(), words.size())};
    capnp::SegmentArrayMessageReader reader{kj::arrayPtr(segments, 1)};
    REQUIRE(survives<wire::HostMessage>(words));
    try {
      refused += read(reader.getRoot<wire::HostMessage>()).ok() ? 0 : 1;
    } catch (const kj::Exception&) {
      ++refused; // the root pointer itself is broken
    }
  }
  CHECK(refused > 1000); // the damage does reach what is checked
}

TEST_CASE("wire: deep nesting and reading one thing many times run into limits, as errors") {
  host_message message = beat{1, 1, {{good_token()}, {good_token()}}};
  auto words = words_of(message);
  kj::ArrayPtr<const capnp::word> segments[]{kj::arrayPtr(words.data(), words.size())};
  SECTION("nesting") {
    capnp::ReaderOptions options;
    options.nestingLimit = 3;
    capnp::SegmentArrayMessageReader reader{kj::arrayPtr(segments, 1), options};
    CHECK(read(reader.getRoot<wire::HostMessage>()).error().text.find("message: broken encoding: ")
          == 0);
  }
  SECTION("traversal") {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = 10;
    capnp::SegmentArrayMessageReader reader{kj::arrayPtr(segments, 1), options};
    CHECK(read(reader.getRoot<wire::HostMessage>()).error().text.find("message: broken encoding: ")
          == 0);
  }
}
