#pragma once
// How records enter and leave their envelopes; for record_codec.cpp and journal_codec.cpp alone.
// SPDX-License-Identifier: Apache-2.0

#include "schema/record_codec.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstring>
#include <utility>

namespace drover::record {

inline failure damaged(std::string why) {
  return {ec::damaged, std::move(why)};
}

/// Where a record is built: a buffer that each thread keeps, since a fresh one would be zeroed as a
/// whole for a few hundred bytes. Within another one's life it is a fresh one after all.
class record_buffer {
public:
  record_buffer() : kept_{!std::exchange(taken(), true)} {
    if (!kept_) {
      own_ = kj::heapArray<capnp::word>(words);
      std::memset(own_.begin(), 0, own_.asBytes().size());
    }
  }
  record_buffer(const record_buffer&) = delete;
  record_buffer& operator=(const record_buffer&) = delete;
  ~record_buffer() {
    if (kept_)
      taken() = false;
  }

protected:
  kj::ArrayPtr<capnp::word> space() { return kept_ ? kept() : own_.asPtr(); }

private:
  static constexpr size_t words = capnp::SUGGESTED_FIRST_SEGMENT_WORDS;

  static bool& taken() {
    thread_local bool is = false;
    return is;
  }
  static kj::ArrayPtr<capnp::word> kept() {
    thread_local auto buffer = [] {
      auto made = kj::heapArray<capnp::word>(words);
      std::memset(made.begin(), 0, made.asBytes().size());
      return made;
    }();
    return buffer.asPtr();
  }

  bool kept_;
  kj::Array<capnp::word> own_;
};

/// A record that is being built. Its end leaves the buffer zeroed, as it was.
class record_builder : private record_buffer, public capnp::MallocMessageBuilder {
public:
  record_builder() : capnp::MallocMessageBuilder{space()} {}
};

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
