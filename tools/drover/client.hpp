#pragma once
// The farm's HTTP API as the command line uses it: one connection a request, bounded waits.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"
#include "schema/limits.hpp"
#include "tools/drover/address.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace drover::cli {

struct reply {
  unsigned status = 0;
  std::map<std::string, std::string> fields; ///< names in small letters
  std::string body;                          ///< empty where it was streamed

  bool ok() const { return status >= 200 && status < 300; }
  /// The field's value; empty if it is not there.
  std::string field(const std::string& name) const;
};

/// Takes a piece of a body; false ends the transfer.
using byte_sink = std::function<bool(std::string_view bytes)>;
/// Yields the next piece of a body to send; empty at its end.
using byte_source = std::function<expected<std::string>()>;

/// Failures are `unavailable` if the farm can't be reached or breaks off; any HTTP answer is a
/// reply. Not thread-safe.
class client {
public:
  explicit client(farm_address address) : address_{std::move(address)} {}

  const farm_address& address() const { return address_; }
  /// How long the farm may be silent in the middle of a request.
  void be_patient(std::chrono::milliseconds patience) { patience_ = patience; }

  expected<reply> get(const std::string& target);
  /// Streams the body of a 2xx answer into `sink`; other bodies are in the reply.
  expected<reply> get_to(const std::string& target, const byte_sink& sink);
  /// `body` is JSON, or empty.
  expected<reply> post(const std::string& target, const std::string& body);
  expected<reply> remove(const std::string& target);
  /// Sends `size` bytes from `source`.
  expected<reply> upload(const std::string& target, uint64_t size, const byte_source& source);

private:
  farm_address address_;
  std::chrono::milliseconds patience_ = limits::client_patience;
};

} // namespace drover::cli
