// The journal, configurations and keys to the API.
// SPDX-License-Identifier: Apache-2.0
#include "schema/record_codec.hpp"
#include "storage/hex.hpp"
#include "storage/read_records.hpp"
#include "storage/tables.hpp"

namespace drover::storage {

namespace {

/// The sequence in the first or last key of the journal; 0 if it is empty.
expected<uint64_t> end_of_journal(const store& from, scan_order order) {
  uint64_t found = 0;
  bool readable = true;
  auto visit = [&](std::string_view key, std::string_view) {
    auto sequence = keys::read_event(key);
    readable = sequence.has_value();
    found = sequence.value_or(0);
    return false;
  };
  auto problem =
    from.scan(family::history, keys::event(0), keys::end_of(keys::tag::event), order, visit);
  if (problem)
    return about("journal", *problem);
  if (!readable)
    return failure{ec::damaged, "journal: a key is malformed; run admin verify"};
  return found;
}

std::string token_key(std::string_view sha256) {
  auto digest = from_hex(sha256);
  return keys::token(digest ? *digest : std::string(keys::digest_bytes, '\0'));
}

} // namespace

// -- the journal ---------------------------------------------------------------------------------

void put_event(write_batch& batch, const event_record& event) {
  batch.add(family::history, keys::event(event.sequence), record::encode(event));
}

expected<uint64_t> last_event(const store& from) {
  return end_of_journal(from, scan_order::descending);
}

expected<uint64_t> first_event(const store& from) {
  return end_of_journal(from, scan_order::ascending);
}

expected<event_page> read_events(const store& from, uint64_t after, size_t rows, size_t look_at,
                                 const std::function<bool(const event_record&)>& accept) {
  event_page page;
  page.seen = after;
  if (after == highest_id || rows == 0)
    return page;
  std::optional<failure> problem;
  size_t looked = 0;
  auto visit = [&](std::string_view, std::string_view bytes) {
    auto event = record::decode_event(bytes);
    if (!event) {
      problem = event.error();
      return false;
    }
    page.seen = event->sequence;
    if (accept(*event))
      page.events.push_back(*std::move(event));
    return page.events.size() < rows && ++looked != look_at;
  };
  auto failed = from.scan(family::history, keys::event(after + 1), keys::end_of(keys::tag::event),
                          scan_order::ascending, visit);
  if (failed || problem)
    return about("journal", failed ? *failed : *problem);
  return page;
}

expected<std::vector<event_record>>
last_events(const store& from, size_t rows,
            const std::function<bool(const event_record&)>& accept) {
  key_range newest_first{keys::event(0), keys::end_of(keys::tag::event), scan_order::descending,
                         rows};
  auto events = read_range(from, newest_first, record::decode_event, accept);
  if (!events)
    return about("journal", events.error());
  return events;
}

// -- configurations ------------------------------------------------------------------------------

void put_config(write_batch& batch, const config_record& config) {
  batch.add(family::history, keys::config(config.generation), record::encode(config));
}

void remove_config(write_batch& batch, uint64_t generation) {
  batch.remove(family::history, keys::config(generation));
}

expected<std::optional<config_record>> read_config(const store& from, uint64_t generation) {
  return read_record(from, keys::config(generation), record::decode_config,
                     "configuration " + std::to_string(generation));
}

expected<std::vector<config_record>> list_configs(const store& from, size_t rows) {
  key_range newest_first{keys::config(0), keys::end_of(keys::tag::config), scan_order::descending,
                         rows};
  auto configs = read_range(from, newest_first, record::decode_config, everything);
  if (!configs)
    return about("configurations", configs.error());
  return configs;
}

expected<std::optional<config_record>> newest_config(const store& from) {
  auto newest = list_configs(from, 1);
  if (!newest)
    return newest.error();
  return newest->empty() ? std::optional<config_record>{} : std::optional{newest->front()};
}

// -- keys to the API -----------------------------------------------------------------------------

void put_token(write_batch& batch, const token_record& token) {
  batch.add(family::history, token_key(token.sha256), record::encode(token));
}

void remove_token(write_batch& batch, const token_record& token) {
  batch.remove(family::history, token_key(token.sha256));
}

expected<std::vector<token_record>> read_tokens(const store& from) {
  std::string first{static_cast<char>(keys::tag::token)};
  auto tokens =
    read_range(from, {first, keys::end_of(keys::tag::token)}, record::decode_token, everything);
  if (!tokens)
    return about("tokens", tokens.error());
  return tokens;
}

expected<std::optional<token_record>> find_token(const store& from, std::string_view sha256) {
  return read_record(from, token_key(sha256), record::decode_token, "token");
}

} // namespace drover::storage
