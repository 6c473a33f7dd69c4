#pragma once
// Random messages that keep every bound of the wire.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"
#include "schema/messages.hpp"

#include <random>

namespace drover::test {

/// Random values that keep the bounds.
struct generator {
  std::mt19937_64 random;

  uint64_t upto(uint64_t max) { return std::uniform_int_distribution<uint64_t>{0, max}(random); }
  bool flip() { return upto(1) == 1; }

  std::string text(size_t max, std::string_view letters = "abcXYZ019._") {
    std::string value(upto(max), ' ');
    for (auto& c : value)
      c = letters[upto(letters.size() - 1)];
    return value;
  }
  std::string name() { return "n" + text(limits::name_bytes_max - 1); }
  std::string line() { return text(40, "abc d/:=,'\"\xC3\xA9"); }
  std::string sentence() { return text(60, "some words"); }
  std::string bytes(size_t max) {
    std::string value(upto(max), '\0');
    for (auto& c : value)
      c = static_cast<char>(random());
    return value;
  }
  std::string sha256() {
    std::string value(64, '0');
    for (auto& c : value)
      c = "0123456789abcdef"[upto(15)];
    return value;
  }
  string_map map() {
    string_map values;
    for (auto i = upto(5); i > 0; --i)
      values["k" + text(20)] = line();
    return values;
  }
  template <class Make>
  auto list(size_t max, Make make) {
    std::vector<decltype(make())> values(upto(max));
    for (auto& value : values)
      value = make();
    return values;
  }

  grant_token token() {
    return {{random(), random()},
            {{1 + upto(1'000'000)},
             {static_cast<uint32_t>(upto(limits::steps_max - 1))},
             {static_cast<uint32_t>(1 + upto(99))}}};
  }
  known_attempt known() {
    return {token(), static_cast<known_state>(upto(2)), upto(limits::log_bytes_max)};
  }
  wall_time moment() { return {static_cast<int64_t>(upto(1ull << 50))}; }
  milliseconds span() {
    return milliseconds{
      static_cast<int64_t>(upto(static_cast<uint64_t>(limits::step_timeout_max.count())))};
  }

  hello some_hello() {
    return {{name()},
            text(36),
            text(36),
            random(),
            line(),
            static_cast<uint32_t>(upto(limits::slots_max)),
            map(),
            list(5, [&] { return known(); }),
            list(5, [&] {
              return workspace_id{{1 + upto(99)}, 2};
            })};
  }
  artifact_ref artifact() {
    return {"out/a" + text(30, "abcXYZ019_ -"), sha256(), upto(limits::blob_bytes_max)};
  }
  actor_entry entry() {
    return {name(), sentence(), name(), name(), sentence(), 3, 12345, sentence()};
  }
  step_spec step() {
    return {name(),
            line() + "\n\tnext",
            map(),
            span(),
            span(),
            list(4, [&] { return text(9); }),
            flip(),
            flip(),
            flip(),
            {random() >> 14, 500, 2, random() >> 30, random() >> 14, 1024},
            flip(),
            flip(),
            {flip(), list(3, [&] { return text(9); }), list(3, [&] { return text(9); }),
             list(3, [&] { return text(9); })}};
  }
  source_ref source() {
    return {static_cast<source_kind>(upto(4)), line(), flip() ? sha256() : "", text(70),
            upto(limits::blob_bytes_max)};
  }
  welcome some_welcome() { return {{random(), random()}, {random()}, span(), span()}; }

  host_message host() {
    constexpr result ends[]{result::success, result::failure, result::timeout, result::cancelled,
                            result::exception};
    switch (upto(std::variant_size_v<host_message> - 1)) {
    case 0:
      return some_hello();
    case 1:
      return beat{random(), static_cast<int64_t>(random()), list(9, [&] { return known(); })};
    case 2:
      return attempt_started{token(), moment()};
    case 3:
      return log_chunk{token(), upto(limits::log_bytes_max), bytes(2000)};
    case 4:
      return attempt_ended{token(),    ends[upto(4)], static_cast<int32_t>(random()),
                           sentence(), flip(),        upto(limits::log_bytes_max),
                           moment(),   moment(),      {5, 6, random(), 7, random()},
                           sentence(), {random()},    sentence()};
    case 5:
      return blob_want{{1 + upto(99)}, sha256(), upto(limits::blob_bytes_max)};
    case 6: {
      auto part = bytes(2000);
      auto offset = upto(limits::blob_bytes_max - part.size());
      return blob_part{{1 + upto(99)}, sha256(), offset, offset + part.size(), part};
    }
    case 7:
      return build_closed{{1 + upto(99)}, 2, list(5, [&] { return artifact(); }), sentence()};
    case 8:
      return census_answer{random(), list(5, [&] { return entry(); })};
    case 9:
      return cache_ask{token(), sha256(), map()};
    case 10:
      return cache_keep{token(), sha256(), map(), sha256(), upto(limits::blob_bytes_max)};
    default:
      return host_news_told{map(), sentence()};
    }
  }

  farm_message farm() {
    switch (upto(std::variant_size_v<farm_message> - 1)) {
    case 0:
      return some_welcome();
    case 1:
      return refusal{sentence()};
    case 2:
      return beat_answer{random()};
    case 3:
      return assignment{token(), 7, name(), step(), source()};
    case 4:
      return cancel_attempt{token(), sentence()};
    case 5:
      return log_durable{token(), upto(limits::log_bytes_max)};
    case 6:
      return result_durable{token()};
    case 7: {
      auto piece = bytes(2000);
      auto offset = upto(limits::blob_bytes_max - piece.size());
      return blob_piece{sha256(), offset, offset + piece.size(), piece, sentence()};
    }
    case 8:
      return blob_stored{sha256(), upto(limits::blob_bytes_max), flip(), sentence()};
    case 9:
      return close_build{{1 + upto(99)}, 3, flip(), list(4, [&] { return line(); }), random()};
    case 10:
      return census_ask{random()};
    case 11:
      return restart_agent{sentence()};
    case 12: {
      bool hit = flip();
      return cache_answer{token(),    hit,       hit ? sha256() : "", upto(limits::blob_bytes_max),
                          {random()}, sentence()};
    }
    default:
      return cache_kept{token(), sentence()};
    }
  }
};

} // namespace drover::test
