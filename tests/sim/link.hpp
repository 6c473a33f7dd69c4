#pragma once
// The network: pairs of link actors joined by pipes that delay, lose and double, and cuts.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"
#include "tests/sim/engine.hpp"
#include "tests/sim/fakes.hpp"
#include "tests/sim/options.hpp"

namespace drover::sim {

enum class direction : uint8_t { to_farm, to_host };

/// Who wants to know what crosses a link, at the moment of its arrival.
class link_watcher {
public:
  virtual ~link_watcher() = default;
  virtual void host_hears(const host_name& host, const farm_message& message) = 0;
  virtual void farm_hears(const host_name& host, const host_message& message) = 0;
};

/// Links carry messages in order, each after a random delay, as long as both processes live. A cut
/// swallows them in silence; the ends learn of it late, from a timeout.
class network {
public:
  network(engine& on, link_watcher& watcher) : engine_{on}, watcher_{watcher} {}

  fault_options faults;

  /// A try of the agent whose life this is, as `connector` says.
  void connect(const hello& greeting, const host_agent_actor& agent, const life& alive);

  /// The coordinator is up and listens, or is down (null).
  void listen(coordinator_actor coordinator, life alive);
  /// All connections of a dead process end: `seen` if its kernel says so to the other side.
  enum class ending : uint8_t { seen, silent };
  void process_died(const life& whose, ending how);

  void cut(const host_name& host, direction which) { cuts_.insert({host, which}); }
  void heal(const host_name& host);

  /// With its next beat the host claims to hold an attempt that is not its own, and reports on it.
  void forge(const host_name& host, const grant_token& token) { forgeries_[host] = token; }
  /// Whether the host's agent is welcome on a link that lives.
  bool is_connected(const host_name& host) const;
  size_t links() const { return links_.size(); }

  // From the ends of links.
  void send(uint64_t link, host_message message);
  void send(uint64_t link, farm_message message);
  void set_listener(uint64_t link, host_listener listener);
  void end_died(uint64_t link, direction of_whom);

  /// Ends everything, when the run is over.
  void close_all();

private:
  struct connection {
    host_name host;
    host_agent_actor agent;
    life host_life;
    life farm_life;
    farm_link_actor host_end; ///< null once dead
    host_link_actor farm_end;
    host_listener listener;
    bool greeted = false;
    bool welcomed = false;
    bool silent_end = false; ///< the host lost its power: nothing tells the coordinator
    milliseconds last_to_farm{0};
    milliseconds last_to_host{0};
  };

  bool is_cut(const host_name& host, direction which) const;
  bool is_cut(const host_name& host) const;
  milliseconds delay();
  void refuse(const host_agent_actor& agent, const life& alive, const std::string& why);
  void open(const hello& greeting, const host_agent_actor& agent, const life& alive);
  void make_ends(connection& made, uint64_t link);
  template <class Message>
  void carry(uint64_t link, direction which, Message message);
  void arrives(uint64_t link, host_message message);
  void lie(uint64_t link, beat said);
  void arrives(uint64_t link, farm_message message);
  void close_end(uint64_t link, direction of_whom);
  void hang_up(uint64_t link, direction of_whom);

  engine& engine_;
  link_watcher& watcher_;
  coordinator_actor coordinator_;
  life farm_life_;
  uint64_t last_link_ = 0;
  std::map<uint64_t, connection> links_;
  std::set<std::pair<host_name, direction>> cuts_;
  std::map<host_name, grant_token> forgeries_;
};

/// For the trace.
std::string text_of(const host_message& message);
std::string text_of(const farm_message& message);

} // namespace drover::sim
