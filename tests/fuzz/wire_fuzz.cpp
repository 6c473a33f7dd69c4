// Messages between machines, from raw bytes: the first says which, the rest is a message.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits.hpp"
#include "schema/wire_codec.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstring>
#include <vector>

namespace {

using namespace drover;

/// What was taken can be said again, and means the same.
template <class Wire, class Value>
void check_again(const Value& value) {
  capnp::MallocMessageBuilder message;
  write(value, message.initRoot<Wire>());
  auto again = read(message.getRoot<Wire>().asReader());
  fuzz::require(again.ok(), "what was read can be written and read again");
  fuzz::require(*again == value, "a message means the same when it is said again");
}

template <class Wire>
void take(capnp::MessageReader& message) {
  auto value = read(message.getRoot<Wire>());
  if (value)
    check_again<Wire>(*value);
  else
    fuzz::require(value.error().text.find('\n') == std::string::npos, "an error is one line");
}

template <class Wire>
void take_known(capnp::MessageReader& message) {
  auto root = message.getRoot<Wire>();
  bool known = is_known(root);
  auto value = read(root);
  fuzz::require(known || !value.ok(), "what is not known is not read");
  if (value)
    check_again<Wire>(*value);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1)
    return 0;
  std::vector<capnp::word> words((size - 1) / sizeof(capnp::word));
  if (!words.empty())
    std::memcpy(words.data(), data + 1, words.size() * sizeof(capnp::word));
  capnp::ReaderOptions options;
  options.traversalLimitInWords = limits::message_words_max;
  options.nestingLimit = limits::message_nesting_max;
  try {
    capnp::FlatArrayMessageReader message{kj::arrayPtr(words.data(), words.size()), options};
    switch (data[0] % 5) {
    case 0:
      take_known<wire::HostMessage>(message);
      break;
    case 1:
      take_known<wire::FarmMessage>(message);
      break;
    case 2:
      take<wire::Hello>(message);
      break;
    case 3:
      take<wire::Welcome>(message);
      break;
    default:
      take<wire::Refusal>(message);
    }
  } catch (const kj::Exception&) {
    // The frame or the root is none: the RPC layer drops the link. `read` itself throws nothing.
  }
  return 0;
}
