// SPDX-License-Identifier: Apache-2.0
#include "schema/crc32c.hpp"
#include "schema/incident_codec.hpp"
#include "schema/record.capnp.h"
#include "tests/catch.hpp"
#include "tests/schema/record_samples.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>

#include <numeric>

using namespace drover;
using namespace drover::test;

namespace {

constexpr int rounds = 200;

template <class Value>
void check_round_trips(expected<Value> (*decode)(std::string_view)) {
  sampler samples{7};
  for (int i = 0; i < rounds; ++i) {
    auto value = samples.make<Value>();
    auto decoded = decode(record::encode(value));
    REQUIRE(decoded.ok());
    CHECK(*decoded == value);
  }
}

/// A build record as another program might have written it: `change` breaks one thing.
template <class Change>
std::string strange_build(const Change& change) {
  capnp::MallocMessageBuilder message;
  change(message.initRoot<records::BuildRecord>());
  auto words = capnp::messageToFlatArray(message);
  return record::wrap(record::kind::build, {words.asChars().begin(), words.asChars().size()});
}

} // namespace

TEST_CASE("crc32c: matches the published check value, by processor and by table") {
  CHECK(crc32c("123456789") == 0xe3069283u);
  CHECK(crc32c("") == 0);
  CHECK(crc32c("6789", crc32c("12345")) == crc32c("123456789"));
  sampler samples{1};
  std::vector<size_t> sizes(100);
  std::iota(sizes.begin(), sizes.end(), size_t{0});
  for (size_t size : {3071, 3072, 3073, 3085, 6143, 6144, 6145, 65'536, 65'543}) // whole lanes
    sizes.push_back(size);
  for (auto size : sizes) {
    auto bytes = samples.bytes(size);
    CHECK(crc32c(bytes) == ~crc32c_detail::portable(~0u, bytes.data(), bytes.size()));
  }
}

TEST_CASE("record codec: every record survives a round trip") {
  check_round_trips<build_record>(record::decode_build);
  check_round_trips<step_record>(record::decode_step);
  check_round_trips<builder_spec>(record::decode_recipe);
  check_round_trips<campaign_record>(record::decode_campaign);
  check_round_trips<host_record>(record::decode_host);
  check_round_trips<event_record>(record::decode_event);
  check_round_trips<config_record>(record::decode_config);
  check_round_trips<token_record>(record::decode_token);
  check_round_trips<change_record>(record::decode_change);
  check_round_trips<source_status>(record::decode_source_status);
  check_round_trips<test_report>(record::decode_test_report);
  check_round_trips<user_record>(record::decode_user);
  check_round_trips<session_record>(record::decode_session);
  check_round_trips<notice_record>(record::decode_notice);
  check_round_trips<incident_record>(record::decode_incident);
  check_round_trips<outbox_mark>(record::decode_outbox_mark);
  check_round_trips<cache_record>(record::decode_cache_entry);
  check_round_trips<epoch>(record::decode_epoch);
  check_round_trips<record::manifest>(record::decode_manifest);
  check_round_trips<record::log_segment>(record::decode_log_segment);
  CHECK(*record::decode_store_version(record::encode(record::store_version{3}))
        == record::store_version{3});
  CHECK(*record::decode_commit_mark(record::encode(record::commit_mark{9}))
        == record::commit_mark{9});
}

TEST_CASE("record codec: bytes at any alignment are decoded") {
  auto build = sampler{3}.make<build_record>();
  auto bytes = record::encode(build);
  for (size_t shift = 0; shift < 8; ++shift) {
    auto shifted = std::string(shift, 'x') + bytes;
    auto decoded = record::decode_build(std::string_view{shifted}.substr(shift));
    REQUIRE(decoded.ok());
    CHECK(*decoded == build);
  }
}

TEST_CASE("record codec: one flipped bit anywhere is damage, never another value") {
  auto bytes = record::encode(sampler{4}.make<step_record>());
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    auto flipped = bytes;
    flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ (1 << (i % 8)));
    auto decoded = record::decode_step(flipped);
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.error().code == ec::damaged);
  }
}

TEST_CASE("record codec: a value cut anywhere is damage") {
  auto bytes = record::encode(sampler{5}.make<host_record>());
  for (size_t size = 0; size < bytes.size(); ++size) {
    auto decoded = record::decode_host(std::string_view{bytes}.substr(0, size));
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.error().code == ec::damaged);
  }
}

TEST_CASE("record codec: a value of another kind is damage") {
  auto decoded = record::decode_build(record::encode(epoch{1, 2}));
  REQUIRE_FALSE(decoded.ok());
  CHECK(decoded.error().code == ec::damaged);
}

TEST_CASE("record codec: garbage with a right checksum is damage, not a crash") {
  sampler samples{6};
  for (int i = 0; i < 2000; ++i) {
    auto garbage = record::wrap(record::kind::build, samples.bytes(8 * samples.below(40)));
    CHECK_FALSE(record::decode_build(garbage).ok());
  }
  // A record with a few bytes changed under a new checksum: decoded or damaged, never worse.
  auto honest = record::encode(samples.make<build_record>()).substr(record::envelope_bytes);
  for (int i = 0; i < 5000; ++i) {
    auto mutant = honest;
    for (auto changes = 1 + samples.below(3); changes > 0; --changes)
      mutant[samples.below(mutant.size())] = static_cast<char>(samples.below(256));
    auto decoded = record::decode_build(record::wrap(record::kind::build, mutant));
    CHECK((decoded.ok() || decoded.error().code == ec::damaged));
  }
}

TEST_CASE("record codec: numbers that are no enumerators and entries that stand twice are damage") {
  using builder = records::BuildRecord::Builder;
  CHECK(record::decode_build(strange_build([](builder) {})).ok());
  CHECK_FALSE(record::decode_build(strange_build([](builder to) { to.setState(4); })).ok());
  CHECK_FALSE(record::decode_build(strange_build([](builder to) { to.setOutcome(9); })).ok());
  CHECK_FALSE(
    record::decode_build(strange_build([](builder to) { to.initSource().setKind(5); })).ok());
  auto twice = strange_build([](builder to) {
    auto params = to.initParams(2);
    params[0].setKey("a");
    params[1].setKey("a");
  });
  CHECK_FALSE(record::decode_build(twice).ok());
}
