// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/connection.hpp"

#include <capnp/message.h>

#include <variant>

namespace drover {
namespace {

/// What the RPC envelope adds to a message of ours.
constexpr uint64_t envelope_words = 256;

capnp::ReaderOptions reader_options() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = limits::message_words_max;
  options.nestingLimit = limits::message_nesting_max;
  return options;
}

template <class Variant, class... Bulk>
size_t bytes_of(const Variant& message) {
  size_t size = 0;
  ((std::holds_alternative<Bulk>(message) ? void(size = std::get<Bulk>(message).bytes.size())
                                          : void()),
   ...);
  return size > 0 ? size + limits::link_message_overhead : 0;
}

} // namespace

connection::connection(kj::Own<kj::AsyncIoStream> stream, capnp::Capability::Client bootstrap,
                       breaker broken, const peer_bounds& bounds)
    : stream_{kj::mv(stream)}, guarded_{*stream_, bounds, [this] { return unsent(); },
                                        kj::mv(broken)},
      network_{guarded_, capnp::rpc::twoparty::Side::SERVER, reader_options()},
      rpc_{capnp::makeRpcServer(network_, kj::mv(bootstrap))} {
  rpc_.setFlowLimit(limits::link_inbound_words_max);
}

connection::connection(kj::Own<kj::AsyncIoStream> stream, breaker broken)
    : stream_{kj::mv(stream)}, guarded_{*stream_, {}, [this] { return unsent(); }, kj::mv(broken)},
      network_{guarded_, capnp::rpc::twoparty::Side::CLIENT, reader_options()},
      rpc_{capnp::makeRpcClient(network_)} {
  rpc_.setFlowLimit(limits::link_inbound_words_max);
}

capnp::Capability::Client connection::bootstrap() {
  capnp::word scratch[8]{};
  capnp::MallocMessageBuilder message{kj::arrayPtr(scratch, 8)};
  auto peer = message.getRoot<capnp::rpc::twoparty::VatId>();
  peer.setSide(capnp::rpc::twoparty::Side::SERVER);
  return rpc_.bootstrap(peer);
}

size_t bulk_bytes(const host_message& message) {
  return bytes_of<host_message, log_chunk, blob_part>(message);
}

size_t bulk_bytes(const farm_message& message) {
  return bytes_of<farm_message, blob_piece>(message);
}

std::optional<host_message> cut_off(host_message& message, size_t most) {
  auto* chunk = std::get_if<log_chunk>(&message);
  if (!chunk || chunk->bytes.size() <= most)
    return std::nullopt;
  log_chunk head{chunk->token, chunk->offset, chunk->bytes.substr(0, most)};
  chunk->offset += most;
  chunk->bytes.erase(0, most);
  return head;
}

std::optional<farm_message> cut_off(farm_message&, size_t) {
  return std::nullopt;
}

bool small_enough(const std::string& peer, uint64_t words) {
  if (words + envelope_words <= limits::message_words_max)
    return true;
  spdlog::error("link peer={} a message of {} words is not sent, at most {} are allowed", peer,
                words, limits::message_words_max - envelope_words);
  return false;
}

} // namespace drover
