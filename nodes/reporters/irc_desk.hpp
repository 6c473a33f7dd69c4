#pragma once
// All IRC reporters of the farm: one bot each, as the configuration in force says; and the port by
// which the outbox's notices go out through them.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/reporters/irc_bot.hpp"

namespace drover {

using irc_desk_actor = caf::typed_actor<
  // INTERNAL: bots that died are started again.
  caf::reacts_to<atom::tick>>::extend_with<described>;

struct irc_desk_context {
  irc_farm farm;
  std::shared_ptr<irc_registry> registry;
  std::string folder; ///< that files of the configuration are relative to
};

/// Starts a bot for each reporter by IRC, and follows reloads: a bot whose reporter has changed is
/// replaced, one whose reporter is gone ends. Known to the census.
irc_desk_actor spawn_irc_desk(caf::actor_system& system, const irc_desk_context& context);
/// Ends all bots and their connections.
void stop_irc_desk(const irc_desk_actor& desk);

/// Delivers into channels, by the connection of the reporter's bot. A channel that can't be spoken
/// in does not keep a notice from the others: who has it already does not get it again.
class irc_port : public notice_port {
public:
  explicit irc_port(std::shared_ptr<irc_registry> registry) : registry_{std::move(registry)} {}
  notice_delivery deliver(const reporter_spec& reporter, const notice_record& notice) override;

private:
  bool was_told(const notice_record& notice, const std::string& channel) const;
  void remember(const notice_record& notice, const std::string& channel);
  void forget(const notice_record& notice);

  std::shared_ptr<irc_registry> registry_;
  mutable std::mutex guard_; ///< over what is below: reporters have threads of their own
  /// By reporter and notice: the channels that have it, while others have not.
  std::map<std::pair<std::string, uint64_t>, std::set<std::string>> told_;
};

} // namespace drover
