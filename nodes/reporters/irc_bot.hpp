#pragma once
// The bot of one IRC reporter: hears commands, carries out orders, tells the end of what is
// watched. Its connection also brings the reporter's notices to people.
// SPDX-License-Identifier: Apache-2.0

#include "actors/census.hpp"
#include "actors/core/irc/watches.hpp"
#include "nodes/reporters/irc_client.hpp"
#include "nodes/reporters/irc_view.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace drover {

using irc_bot_actor = caf::typed_actor<
  // From its client's thread.
  caf::reacts_to<core::irc::heard>, caf::reacts_to<core::irc::identified>,
  // INTERNAL: what could not be done is tried again.
  caf::reacts_to<atom::tick>>::extend_with<described>;

/// The connections by the names of their reporters: where notices find them. Thread-safe.
class irc_registry {
public:
  void put(const std::string& reporter, std::shared_ptr<irc_client> client);
  /// Only if it is still this one.
  void remove(const std::string& reporter, const std::shared_ptr<irc_client>& client);
  std::shared_ptr<irc_client> find(const std::string& reporter) const;

private:
  mutable std::mutex guard_;
  std::map<std::string, std::shared_ptr<irc_client>> clients_;
};

struct irc_bot_context {
  irc_farm farm;
  std::shared_ptr<irc_registry> registry;
  std::string folder; ///< that files of the configuration are relative to
  reporter_spec spec;
  uint64_t seed = 0;
};

/// Lives on a thread of its own: it reads the store and waits for the coordinator's answers.
struct irc_bot_state {
  using pointer = irc_bot_actor::stateful_pointer<irc_bot_state>;
  static inline const char* name = "irc";
  explicit irc_bot_state(pointer actor) : self{actor} {}
  ~irc_bot_state();

  void start();
  expected<irc_client_settings> client_settings() const;
  void tick();

  // -- commands --
  void on_heard(const core::irc::heard& what);
  void on_identified(const core::irc::identified& who);
  void answer(const core::irc::heard& what);
  void carry_out(const core::irc::order& wanted, const core::irc::asker& who);
  template <class Answer, class Message, class Told>
  void ask(Message message, const core::irc::asker& who, Told told);
  void on_submitted(const submitted& made, const core::irc::asker& who);
  void tell(const core::irc::asker& who, const std::vector<std::string>& lines);

  // -- what is watched --
  void follow_journal();
  void read_journal(uint64_t last);
  void tell_if_over(build_id build);
  void tell_end(build_id build);

  actor_entry describe() const;

  pointer self;
  std::optional<irc_bot_context> context;
  std::shared_ptr<irc_client> client;
  std::string problem; ///< why there is no client
  core::irc::watches watched;
  uint64_t seen = 0; ///< of the journal
  uint64_t last_ticket = 0;
  std::map<uint64_t, core::irc::heard> unknown; ///< whose account is asked for, by ticket
  uint64_t commands = 0;
};

irc_bot_actor::behavior_type irc_bot(irc_bot_state::pointer self, const irc_bot_context& context);

} // namespace drover

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::core::irc::heard)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(drover::core::irc::identified)
