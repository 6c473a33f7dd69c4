#pragma once
// One connection to an IRC server as a value: what happened goes in, what is to be done comes out.
//
// It signs in (CAP, SASL, NickServ), keeps its nick and channels, answers and asks PING, paces what
// it says, and comes back when it was thrown out. No socket, no clock, no chance of its own: a
// moment comes in with each event, chance with the seed. nodes/reporters/irc_client carries it out.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/irc/message.hpp"
#include "actors/core/irc/pace.hpp"

#include <cstdint>
#include <deque>
#include <set>
#include <utility>
#include <variant>

namespace drover::core::irc {

struct settings {
  std::string server; ///< for people: "irc.example.org:6697"
  bool encrypted = false;
  std::string nick = "drover";
  std::string real_name = "Drover";
  std::vector<std::string> channels;
  std::string account;  ///< of the bot itself; empty: it signs in without
  std::string password; ///< of `account`, else of the server; sent only where it is encrypted
  std::string nickserv; ///< who takes the password where there is no SASL; empty: nobody
  friend bool operator==(const settings&, const settings&) = default;
};

/// Who said something. A nick proves nothing: anybody may take it.
struct person {
  std::string nick;
  std::string user_host;
  std::optional<std::string> account; ///< empty: signed in to none; nothing: not known yet
  friend bool operator==(const person&, const person&) = default;
};

// -- what is to be done --------------------------------------------------------------------------

/// Open a connection; then comes `connected` or `closed`.
struct dial {
  friend bool operator==(const dial&, const dial&) = default;
};
struct send_line {
  std::string line; ///< without CR LF
  friend bool operator==(const send_line&, const send_line&) = default;
};
/// Close the socket; no `closed` is expected.
struct hang_up {
  std::string why;
  friend bool operator==(const hang_up&, const hang_up&) = default;
};
/// Somebody spoke to the bot.
struct heard {
  person who;
  std::string channel; ///< empty: in private
  std::string text;    ///< without the bot's name before it; foreign text
  friend bool operator==(const heard&, const heard&) = default;
};
/// How `say` ended: the server has taken all of it, or `problem` says why not.
struct told {
  uint64_t ticket = 0;
  std::string problem;
  friend bool operator==(const told&, const told&) = default;
};
/// The answer to `identify`; an empty account: none, or the server does not say.
struct identified {
  uint64_t ticket = 0;
  std::string account;
  friend bool operator==(const identified&, const identified&) = default;
};

using action = std::variant<dial, send_line, hang_up, heard, told, identified>;
using actions = std::vector<action>;

class connection {
public:
  connection(settings wanted, uint64_t seed) : wanted_{std::move(wanted)}, chance_{seed} {}

  /// Call it at the start, and again when `wait` has passed.
  actions tick(moment now);
  actions connected(moment now);
  actions closed(std::string_view why, moment now);
  actions received(std::string_view line, moment now);

  /// Tells `lines` to all `targets`; ends with one `told` of this ticket. Foreign text is made
  /// harmless (`as_lines`) before it comes here or not: what leaves is one line each.
  actions say(uint64_t ticket, const std::vector<std::string>& targets,
              const std::vector<std::string>& lines, moment now);
  /// The same without a word about how it went; dropped where it can't be said.
  actions reply(const std::string& target, const std::vector<std::string>& lines, moment now);
  /// Asks the server for the account of who spoke; ends with one `identified` of this ticket.
  actions identify(uint64_t ticket, const person& who, moment now);

  limits::milliseconds wait(moment now) const;
  /// How it stands, for people: "connected to irc.example.org:6697 as drover, in #builds".
  std::string state(moment now) const;
  const std::string& nick() const { return nick_; }
  bool is_registered() const { return phase_ == phase::registered; }
  /// Why nothing can be said to these now; empty if it can.
  std::string why_not(const std::vector<std::string>& targets) const;

private:
  enum class phase : uint8_t { waiting, dialling, registering, registered };

  struct channel_state {
    bool joined = false;
    bool asked = false; ///< JOIN is on its way
    uint32_t failures = 0;
    moment next_try{0};
    moment joined_at{0};
    std::string problem;
  };
  struct waiting_line {
    std::string line;
    uint64_t ticket = 0; ///< not 0: the PING that ends a ticket
  };
  struct open_ticket {
    uint64_t id = 0;
    std::set<std::string> targets; ///< folded
    std::optional<moment> asked_at;
    std::string problem;
  };
  struct open_whois {
    uint64_t ticket = 0;
    std::string nick; ///< folded
    std::string user_host;
    std::string account;
    bool same_person = false;
    moment asked_at{0};
  };

  // connection.cpp: life, and what goes out
  void lose(std::string_view why, moment now);
  void give_up(const std::string& why, moment now);
  void look_at_silence(moment now);
  void look_at_tickets(moment now);
  void queue(std::string line, uint64_t ticket = 0) { queue_.push_back({std::move(line), ticket}); }
  void flush(moment now);
  void send(std::string_view command, const std::vector<std::string>& params);
  bool fits(size_t lines) const;
  uint64_t next_chance();
  actions take() { return std::exchange(out_, {}); }

  // registration.cpp: until the welcome
  void on_capabilities(const message& line, moment now);
  void choose_capabilities(moment now);
  void end_capabilities() { send("CAP", {"END"}); }
  void on_authenticate(const message& line);
  bool on_registration(const message& line, moment now);
  void on_welcome(const message& line, moment now);
  void try_next_nick();

  // presence.cpp: nick, channels and people
  void handle(const message& line, moment now);
  bool on_movement(const message& line, moment now);
  bool on_numeric(const message& line, moment now);
  void on_privmsg(const message& line, moment now);
  void on_pong(const message& line);
  void on_whois(const message& line);
  void forget_person(std::string_view nick);
  void left(const std::string& channel, const std::string& why, moment now);
  void join_channels(moment now);
  void regain_nick(moment now);
  bool is_me(std::string_view nick) const { return same_name(nick, nick_); }
  std::optional<std::string> addressed(std::string_view text) const;

  settings wanted_;
  uint64_t chance_;
  phase phase_ = phase::waiting;
  moment since_{0};     ///< of the phase
  moment next_dial_{0}; ///< while waiting
  uint32_t failures_ = 0;
  std::string problem_;      ///< why the last connection ended
  std::string server_error_; ///< what its ERROR said
  moment last_heard_{0};
  std::optional<moment> pinged_at_;

  std::string nick_;
  size_t nick_tries_ = 0;
  moment next_regain_{0};
  std::string offered_;             ///< capabilities, as the server lists them
  std::set<std::string> asked_for_; ///< capabilities
  bool has_account_tag_ = false;
  bool signed_in_ = false;
  std::map<std::string, channel_state> channels_; ///< by the name of the settings, folded

  std::deque<waiting_line> queue_;
  token_bucket pace_{limits_of_lines()};
  token_bucket commands_{limits_of_commands()};
  std::vector<open_ticket> tickets_;
  std::vector<open_whois> whois_;
  actions out_;

  static token_bucket limits_of_lines();
  static token_bucket limits_of_commands();
};

} // namespace drover::core::irc
