// SPDX-License-Identifier: Apache-2.0
#include "storage/keys.hpp"
#include "tests/catch.hpp"
#include "tests/schema/record_samples.hpp"

#include <algorithm>
#include <set>

using namespace drover;
using namespace drover::storage;
using namespace drover::test;

namespace {

keys::log_position make_position(sampler& samples) {
  return {{samples.make<build_id>(), samples.make<step_index>(), samples.make<attempt_number>()},
          samples.make<uint64_t>()};
}

host_name make_host(sampler& samples) {
  constexpr std::string_view letters = "ab.-_09Z";
  host_name name;
  for (auto size = 1 + samples.below(6); size > 0; --size)
    name.value.push_back(letters[samples.below(letters.size())]);
  return name;
}

/// Checks that ids and their keys have the same order and that keys are read back.
template <class Id, class Make, class Key, class Read>
void check_table(const Make& make, Key key, Read read) {
  sampler samples{11};
  for (int i = 0; i < 2000; ++i) {
    Id one = make(samples);
    Id other = samples.below(10) == 0 ? one : make(samples);
    CHECK((one < other) == (key(one) < key(other)));
    CHECK((one == other) == (key(one) == key(other)));
    CHECK(read(key(one)) == one);
    CHECK_FALSE(read(key(one) + '\0').has_value());
    CHECK_FALSE(read(key(one).substr(0, key(one).size() - 1)).has_value());
  }
}

template <class Id>
Id make_number(sampler& samples) {
  return samples.make<Id>();
}

std::vector<std::string> keys_of_all_tables(sampler& samples) {
  auto build = samples.make<build_id>();
  auto position = make_position(samples);
  auto digest = samples.bytes(keys::digest_bytes);
  return {keys::store_version(),
          keys::epoch(),
          keys::commit_mark(),
          keys::build(build),
          keys::step({build, samples.make<step_index>()}),
          keys::recipe(build),
          keys::active_build(build),
          keys::campaign(samples.make<campaign_id>()),
          keys::event(samples.make<uint64_t>()),
          keys::config(samples.make<uint64_t>()),
          keys::token(digest),
          keys::test_report({build, samples.make<step_index>()}),
          keys::change(samples.make<change_id>()),
          keys::change_identity(make_host(samples).value, make_host(samples).value),
          keys::source_status(make_host(samples).value),
          keys::notice(samples.make<uint64_t>()),
          keys::notice_waiting(make_host(samples).value, samples.make<uint64_t>()),
          keys::outbox_mark(),
          keys::incident(samples.below(2) == 0 ? "" : make_host(samples).value,
                         samples.below(2) == 0 ? "" : "linux/arm64"),
          keys::host(make_host(samples)),
          keys::log_chunk(position),
          keys::log_segment(position),
          keys::blob_piece(digest),
          keys::blob_manifest(digest)};
}

} // namespace

TEST_CASE("keys: every table's keys are read back and sort as their ids do") {
  check_table<build_id>(make_number<build_id>, keys::build, keys::read_build);
  check_table<build_id>(make_number<build_id>, keys::recipe, keys::read_recipe);
  check_table<build_id>(make_number<build_id>, keys::active_build, keys::read_active_build);
  check_table<campaign_id>(make_number<campaign_id>, keys::campaign, keys::read_campaign);
  check_table<uint64_t>(make_number<uint64_t>, keys::event, keys::read_event);
  check_table<uint64_t>(make_number<uint64_t>, keys::config, keys::read_config);
  check_table<uint64_t>(make_number<uint64_t>, keys::notice, keys::read_notice);
  auto step = [](sampler& samples) {
    return keys::step_key{samples.make<build_id>(), samples.make<step_index>()};
  };
  check_table<keys::step_key>(step, keys::step, keys::read_step);
  check_table<keys::step_key>(step, keys::test_report, keys::read_test_report);
  check_table<change_id>(make_number<change_id>, keys::change, keys::read_change);
  check_table<host_name>(make_host, keys::host, keys::read_host);
  check_table<keys::log_position>(make_position, keys::log_chunk, keys::read_log_chunk);
  check_table<keys::log_position>(make_position, keys::log_segment, keys::read_log_segment);
  auto digest = [](sampler& samples) { return samples.bytes(keys::digest_bytes); };
  check_table<std::string>(digest, keys::blob_piece, keys::read_blob_piece);
  check_table<std::string>(digest, keys::blob_manifest, keys::read_blob_manifest);
  check_table<std::string>(digest, keys::token, keys::read_token);
}

TEST_CASE("keys: no key is a prefix of another") {
  sampler samples{12};
  std::set<std::string> all;
  for (int i = 0; i < 500; ++i)
    for (auto& key : keys_of_all_tables(samples))
      all.insert(std::move(key));
  // Sorted, a prefix stands right before what it is a prefix of, or before another such key.
  for (auto next = std::next(all.begin()); next != all.end(); ++next)
    CHECK(next->compare(0, std::prev(next)->size(), *std::prev(next)) != 0);
}

TEST_CASE("keys: the layout is the one that KEYS.md promises") {
  attempt_id attempt{{0x0102030405060708}, {0x0a0b0c0d}, {0x10203040}};
  auto hex = [](const std::string& key) {
    std::string text;
    for (char byte : key) {
      constexpr std::string_view digits = "0123456789abcdef";
      text.push_back(digits[static_cast<uint8_t>(byte) >> 4]);
      text.push_back(digits[static_cast<uint8_t>(byte) & 15]);
    }
    return text;
  };
  CHECK(hex(keys::store_version()) == "01");
  CHECK(hex(keys::epoch()) == "02");
  CHECK(hex(keys::commit_mark()) == "03");
  CHECK(hex(keys::build({1})) == "100000000000000001");
  CHECK(hex(keys::step({{1}, {2}})) == "11000000000000000100000002");
  CHECK(hex(keys::recipe({1})) == "120000000000000001");
  CHECK(hex(keys::active_build({1})) == "180000000000000001");
  CHECK(hex(keys::campaign({1})) == "1c0000000000000001");
  CHECK(hex(keys::host({"h1"})) == "20683100");
  CHECK(hex(keys::log_chunk({attempt, 5})) == "3001020304050607080a0b0c0d102030400000000000000005");
  CHECK(hex(keys::log_segment({attempt, 5}))
        == "3101020304050607080a0b0c0d102030400000000000000005");
  CHECK(hex(keys::blob_piece(std::string(32, 'z'))).substr(0, 4) == "407a");
  CHECK(hex(keys::blob_manifest(std::string(32, 'z'))).substr(0, 4) == "417a");
  CHECK(hex(keys::test_report({{1}, {2}})) == "34000000000000000100000002");
  CHECK(hex(keys::change({1})) == "600000000000000001");
  CHECK(hex(keys::change_identity("s", "r1")) == "617300723100");
  CHECK(hex(keys::source_status("s")) == "647300");
  CHECK(hex(keys::notice(1)) == "740000000000000001");
  CHECK(hex(keys::notice_waiting("r", 1)) == "7572000000000000000001");
  CHECK(keys::read_notice_waiting(keys::notice_waiting("r", 7)) == 7);
  CHECK_FALSE(keys::read_notice_waiting(keys::notice(7)));
  CHECK(hex(keys::outbox_mark()) == "76");
  CHECK(hex(keys::incident("b", "h1")) == "776200683100");
  CHECK(hex(keys::incident("", "h1")) == "7700683100");
  CHECK(hex(keys::event(1)) == "500000000000000001");
  CHECK(hex(keys::config(1)) == "580000000000000001");
  CHECK(hex(keys::token(std::string(32, 'z'))).substr(0, 4) == "5c7a");
}

TEST_CASE("keys: a host's key that holds no name or two is not read") {
  CHECK_FALSE(keys::read_host(std::string_view{"\x20", 1}).has_value());
  CHECK_FALSE(keys::read_host(std::string_view{"\x20\0", 2}).has_value());
  CHECK_FALSE(keys::read_host(std::string_view{"\x20"
                                               "a\0b\0",
                                               5})
                .has_value());
}
