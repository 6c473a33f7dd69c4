#pragma once
// The parts that many messages share, taken in at the door; for schema/wire_decode.cpp alone.
// SPDX-License-Identifier: Apache-2.0

#include "schema/wire.capnp.h"
#include "schema/wire_door.hpp"

namespace drover {

/// A sentence for people: never refused, but made harmless.
inline std::string sentence(capnp::Text::Reader from) {
  return printable({from.begin(), from.size()}, limits::reason_bytes_max);
}

inline epoch take(wire::Epoch::Reader from) {
  return {from.getCounter(), from.getIncarnation()};
}

inline grant_token take(door& at, wire::GrantToken::Reader from) {
  return at.within("token", [&] {
    auto attempt = from.getAttempt();
    grant_token token{take(from.getGrantedIn()), {}};
    token.attempt.build = {at.counted("build", attempt.getBuild())};
    token.attempt.step = {
      at.at_most("step", attempt.getStep(), static_cast<uint32_t>(limits::steps_max - 1))};
    at.counted("attempt", attempt.getAttempt());
    token.attempt.attempt = {attempt.getAttempt()};
    return token;
  });
}

inline string_map take(door& at, std::string_view field, capnp::List<wire::Entry>::Reader from) {
  string_map values;
  at.list(field, from, limits::entries_max, [&](wire::Entry::Reader one) {
    auto key = at.line("key", one.getKey(), limits::value_bytes_max);
    if (key.empty())
      at.refuse("key", "is empty");
    auto value = at.text("value", one.getValue(), limits::value_bytes_max);
    if (!values.emplace(std::move(key), std::move(value)).second)
      at.refuse("key", "comes twice");
    return true;
  });
  return values;
}

inline std::vector<std::string> take(door& at, std::string_view field,
                                     capnp::List<capnp::Text>::Reader from) {
  return at.list(field, from, limits::entries_max, [&](capnp::Text::Reader one) {
    return at.line("text", one, limits::value_bytes_max);
  });
}

} // namespace drover
