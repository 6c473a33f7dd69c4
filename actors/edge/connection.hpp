#pragma once
// What both ends of a link are made of: the RPC connection, the way out and the way in.
//
// All of it lives on the loop's thread and belongs to one link actor.
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/bulk_pace.hpp"
#include "actors/edge/guarded_stream.hpp"
#include "actors/edge/reason.hpp"
#include "schema/limits.hpp"
#include "schema/limits_link.hpp"
#include "schema/messages.hpp"

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/function.h>
#include <kj/time.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace drover {

/// One RPC connection over one stream, with our limits on what the peer sends.
class connection {
public:
  /// Hears why the peer must be dropped: it broke a bound, or sent what is no message. The
  /// connection reads no more then; who hears it ends it, though not at once, inside the call.
  using breaker = guarded_stream::breaker;

  /// As the coordinator: `bootstrap` is all that the peer can reach.
  connection(kj::Own<kj::AsyncIoStream> stream, capnp::Capability::Client bootstrap, breaker broken,
             const peer_bounds& bounds = {});
  /// As a host.
  connection(kj::Own<kj::AsyncIoStream> stream, breaker broken);

  /// The peer's bootstrap capability.
  capnp::Capability::Client bootstrap();
  kj::Promise<void> on_disconnect() { return network_.onDisconnect(); }
  /// What of ours the socket does not take.
  backlog unsent() { return {network_.getCurrentQueueCount(), network_.getCurrentQueueSize()}; }

private:
  // Destroyed in reverse order: each refers to those above it.
  kj::Own<kj::AsyncIoStream> stream_;
  guarded_stream guarded_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
};

/// What a message with a log's or a blob's bytes costs while it waits; 0: it is of the other kind,
/// which goes first.
size_t bulk_bytes(const host_message& message);
size_t bulk_bytes(const farm_message& message);

/// The first `most` bytes of a log as a message of their own; the rest stays. Nothing: it is no
/// longer than that, or of a kind that can't be cut.
std::optional<host_message> cut_off(host_message& message, size_t most);
std::optional<farm_message> cut_off(farm_message& message, size_t most);

/// Whether a message of `words` can be sent; says so in the log if not (that is a defect of ours:
/// the bounds of what makes up a message are below it).
bool small_enough(const std::string& peer, uint64_t words);

/// The way out: sends each message as a call and bounds the calls that are not answered. Messages
/// without bulk overtake those with it, and of bulk only so much is under way as a slow link takes
/// at once, so that a beat never waits long for a log; each kind keeps its order. (Every message
/// may be repeated, and a result follows its confirmed log: messages.hpp.)
template <class Message>
class outbox final : private kj::TaskSet::ErrorHandler {
public:
  using caller = kj::Function<kj::Promise<void>(const Message&)>;
  using breaker = kj::Function<void(const std::string&)>;

  /// `call` sends one message; its promise ends with the peer's answer. `broken` hears once or more
  /// why the link can't go on.
  outbox(std::string peer, caller call, breaker broken)
      : peer_{std::move(peer)}, call_{kj::mv(call)}, broken_{kj::mv(broken)}, tasks_{*this} {}

  void push(Message message) {
    auto size = bulk_bytes(message);
    if (size == 0) {
      urgent_.push_back(std::move(message));
      if (urgent_.size() > limits::link_waiting_max)
        broken_("does not read: too many messages wait for it");
    } else if (bulk_waiting_ + size <= limits::link_waiting_bytes_max) {
      bulk_waiting_ += size;
      bulk_.push_back(std::move(message));
    } else if (dropped_++ == 0) {
      spdlog::warn("link peer={} log or blob bytes dropped: more than {} wait for it", peer_,
                   limits::link_waiting_bytes_max);
    }
    pump();
  }

  size_t in_flight() const { return in_flight_; }
  size_t waiting() const { return urgent_.size() + bulk_.size(); }
  size_t dropped() const { return dropped_; }

private:
  void pump() {
    while (!urgent_.empty() && in_flight_ - bulk_calls_ < limits::link_calls_in_flight) {
      auto message = std::move(urgent_.front());
      urgent_.pop_front();
      send(message, 0);
    }
    while (!bulk_.empty() && bulk_calls_ < limits::link_calls_in_flight) { // tiny ones, of many
      auto whole = bulk_bytes(bulk_.front());
      if (bulk_calls_ > 0 && bulk_in_flight_ + std::min(whole, pace_.piece()) > pace_.window())
        break;
      bulk_waiting_ -= whole;
      auto message = cut_off(bulk_.front(), pace_.piece() - limits::link_message_overhead);
      if (message) {
        bulk_waiting_ += bulk_bytes(bulk_.front());
      } else {
        message = std::move(bulk_.front());
        bulk_.pop_front();
      }
      send(*message, bulk_bytes(*message));
    }
  }

  void send(const Message& message, size_t bulk) {
    ++in_flight_;
    bulk_in_flight_ += bulk;
    bulk_calls_ += bulk > 0 ? 1 : 0;
    auto call = kj::evalNow([&] { return call_(message); });
    tasks_.add(call.then([this, bulk, sent = pace_.sent(now())] { answered(bulk, sent); },
                         [this, bulk, sent = pace_.sent(now())](kj::Exception&& problem) {
                           failed(problem);
                           answered(bulk, sent);
                         }));
  }

  void answered(size_t bulk, const bulk_pace::departure& sent) {
    --in_flight_;
    if (bulk > 0) {
      bulk_in_flight_ -= bulk;
      --bulk_calls_;
      pace_.answered(sent, bulk, now());
    }
    pump();
  }

  static bulk_pace::moment now() {
    auto since = kj::systemPreciseMonotonicClock().now() - kj::origin<kj::TimePoint>();
    return bulk_pace::moment{since / kj::NANOSECONDS};
  }

  void failed(const kj::Exception& problem) {
    if (problem.getType() == kj::Exception::Type::DISCONNECTED)
      broken_(plain_reason(problem));
    else
      spdlog::warn("link peer={} did not take a message: {}", peer_, plain_reason(problem));
  }

  void taskFailed(kj::Exception&& problem) override { broken_(plain_reason(problem)); }

  std::string peer_;
  caller call_;
  breaker broken_;
  std::deque<Message> urgent_;
  std::deque<Message> bulk_;
  size_t bulk_waiting_ = 0;
  size_t in_flight_ = 0;
  size_t bulk_calls_ = 0;
  size_t bulk_in_flight_ = 0;
  size_t dropped_ = 0;
  bulk_pace pace_;
  kj::TaskSet tasks_; // last: its tasks refer to the rest
};

/// The way in: calls of the peer that wait until the actor behind has taken their message, but for
/// a few that are answered ahead.
///
/// Only the actor's callbacks, which CAF may keep for longer than kj objects may live, refer to a
/// call by its number; the promises stay here.
class inbox {
public:
  struct ticket {
    uint64_t number = 0;
    kj::Promise<void> taken;
  };

  ticket enter() {
    auto pair = kj::newPromiseAndFulfiller<void>();
    calls_.emplace(++last_, kj::mv(pair.fulfiller));
    return {last_, kj::mv(pair.promise)};
  }

  void taken(uint64_t number) {
    auto found = calls_.find(number);
    if (found == calls_.end())
      return;
    found->second->fulfill();
    calls_.erase(found);
    if (calls_.empty())
      ahead_ = 0;
  }

  /// Whether the next call may be answered at once, though nobody has taken its message yet. Not
  /// while one waits to be taken.
  bool answers_ahead() {
    if (!calls_.empty() || ahead_ >= limits::link_answers_ahead_max)
      return false;
    ++ahead_;
    return true;
  }

  /// Messages of which nobody has said that they are taken.
  size_t open() const { return calls_.size() + ahead_; }

  /// Counts a malformed message; true: the peer has sent too many.
  bool malformed() { return ++malformed_ > limits::link_bad_messages_max; }

  /// Counts a message that only a later version of the protocol knows, and tells of the first.
  void pass_over(const std::string& peer) {
    if (passed_over_++ == 0)
      spdlog::info("link peer={} speaks a later protocol, what is not known here is passed over",
                   peer);
  }
  uint64_t passed_over() const { return passed_over_; }

  void clear() { calls_.clear(); }

private:
  std::map<uint64_t, kj::Own<kj::PromiseFulfiller<void>>> calls_;
  uint64_t last_ = 0;
  size_t ahead_ = 0; ///< answered before they were taken, since it was last heard of one that was
  size_t malformed_ = 0;
  uint64_t passed_over_ = 0;
};

/// How capabilities, which the RPC system owns, reach the actor that may be gone before them.
template <class Actor>
struct door_slot {
  Actor* actor = nullptr;

  Actor& get() const {
    if (!actor)
      throw call_refused("the link is closing");
    return *actor;
  }
};

} // namespace drover
