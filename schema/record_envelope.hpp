#pragma once
// How records enter and leave their envelopes; for record_codec.cpp and journal_codec.cpp alone.
// SPDX-License-Identifier: Apache-2.0

#include "schema/record_codec.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstring>

namespace drover::record {

inline failure damaged(std::string why) {
  return {ec::damaged, std::move(why)};
}

inline std::string finish(kind what, capnp::MallocMessageBuilder& message) {
  auto words = capnp::messageToFlatArray(message);
  auto bytes = words.asChars();
  return wrap(what, {bytes.begin(), bytes.size()});
}

/// Reads `Root` out of an envelope by `read_root`; whatever is wrong inside becomes `ec::damaged`.
template <class Root, class Value>
expected<Value> decode(kind what, std::string_view bytes,
                       Value (*read_root)(typename Root::Reader)) {
  auto payload = unwrap(what, bytes);
  if (!payload)
    return payload.error();
  if (payload->size() % sizeof(capnp::word) != 0 || payload->empty())
    return damaged("the record has no whole number of words");
  // Cap'n Proto wants words; a slice of the store may lie anywhere.
  auto words = kj::heapArray<capnp::word>(payload->size() / sizeof(capnp::word));
  std::memcpy(words.begin(), payload->data(), payload->size());
  capnp::ReaderOptions options;
  // Each word is read once; lists of empty structs and shared pointers can't multiply the work.
  options.traversalLimitInWords = 2 * words.size() + 64;
  options.nestingLimit = 8; // ours go four deep
  try {
    capnp::FlatArrayMessageReader message{words, options};
    return read_root(message.getRoot<Root>());
  } catch (const kj::Exception& thrown) {
    return damaged(std::string{"the record is malformed: "} + thrown.getDescription().cStr());
  }
}

} // namespace drover::record
