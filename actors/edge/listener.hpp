#pragma once
// The coordinator's door for hosts: accepts connections, does the TLS handshake, spawns a host_link
// for each host that proves its name. What fails before that costs no other connection anything.
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/certificate_book.hpp"
#include "actors/edge/host_link.hpp"
#include "actors/edge/pki.hpp"
#include "actors/enroller.hpp"
#include "schema/error.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace drover {

struct listener_settings {
  std::string address; ///< "127.0.0.1:PORT"; port 0: any free one
  key_files keys;
  arrival_taker coordinator;                   ///< hears of each host that joins
  peer_bounds bounds = {};                     ///< for each of them
  enroller_actor enroller = {};                ///< gives certificates; none: nobody can ask
  std::shared_ptr<certificate_book> book = {}; ///< which certificates hold; none: all of the farm's
  conduct_taker warden = {};                   ///< hears of hosts that break rules; none: nobody
};

/// Open as long as it lives. It ends before `loop` is stopped.
class listener {
public:
  /// Not from the loop's thread. Wrong keys or an address that is taken are failures.
  static expected<std::unique_ptr<listener>> open(edge_loop& loop,
                                                  const listener_settings& settings);
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;
  /// Stops.
  ~listener();

  uint16_t port() const { return port_; }

  /// Closes the socket and drops handshakes; links that exist go on. Again does nothing. Not from
  /// the loop's thread.
  void stop();

private:
  class doorman;

  listener(edge_loop& loop, std::shared_ptr<doorman> door, uint16_t port);

  edge_loop& loop_;
  std::shared_ptr<doorman> door_; ///< used and destroyed on the loop's thread
  uint16_t port_;
};

} // namespace drover
