// What happens behind the welcome: channels, nicks, what people say, what the server answers.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/backoff.hpp"
#include "actors/core/irc/connection.hpp"
#include "schema/limits_irc.hpp"

#include <algorithm>
#include <array>

namespace drover::core::irc {

namespace {

template <size_t Count>
bool one_of(const std::array<std::string_view, Count>& all, std::string_view what) {
  return std::find(all.begin(), all.end(), what) != all.end();
}

/// A channel does not let us in, or is none.
constexpr std::array<std::string_view, 13> refusals{"403", "405", "407", "437", "471", "473", "474",
                                                    "475", "476", "477", "485", "489", "520"};
/// What we said was not taken.
constexpr std::array<std::string_view, 9> unheard{"401", "402", "403", "404", "407",
                                                  "442", "477", "489", "531"};

} // namespace

void connection::handle(const message& line, moment now) {
  if (line.command == "PING")
    return send("PONG", {std::string{line.last()}});
  if (line.command == "ERROR") {
    server_error_ = "the server said: " + plain_text(line.last());
    return;
  }
  if (line.command == "CAP")
    return on_capabilities(line, now);
  if (phase_ == phase::registering) {
    on_registration(line, now);
    return;
  }
  if (line.command == "PRIVMSG")
    return on_privmsg(line, now);
  if (line.command == "PONG")
    return on_pong(line);
  if (!on_movement(line, now))
    on_numeric(line, now);
}

bool connection::on_movement(const message& line, moment now) {
  auto who = nick_of(line.source);
  auto where = channels_.find(folded(line.param(0)));
  if (line.command == "JOIN") {
    if (is_me(who) && where != channels_.end()) {
      where->second.joined = true;
      where->second.asked = false;
      where->second.joined_at = now;
      where->second.problem.clear();
    }
  } else if (line.command == "PART") {
    if (is_me(who) && where != channels_.end())
      left(where->first, "taken out of it", now);
  } else if (line.command == "KICK") {
    if (is_me(line.param(1)) && where != channels_.end())
      left(where->first, "kicked by " + plain_text(who) + " (" + plain_text(line.param(2)) + ")",
           now);
  } else if (line.command == "NICK" || line.command == "QUIT") {
    forget_person(who);
    bool is_free = same_name(who, wanted_.nick) && !is_me(who);
    if (line.command == "NICK" && is_me(who))
      nick_ = line.param(0);
    else if (is_free)
      next_regain_ = now; // whoever had our nick has given it up
    regain_nick(now);
  } else {
    return false;
  }
  return true;
}

bool connection::on_numeric(const message& line, moment now) {
  const auto& what = line.command;
  if (what == "311" || what == "330" || what == "318") {
    on_whois(line);
    return true;
  }
  auto target = folded(line.param(1));
  auto where = channels_.find(target);
  if (where != channels_.end() && !where->second.joined && one_of(refusals, what)) {
    left(target, plain_text(line.last()), now);
    return true;
  }
  if (one_of(unheard, what)) {
    for (auto& ticket : tickets_)
      if (ticket.problem.empty() && ticket.targets.count(target) > 0) {
        ticket.problem = plain_text(line.param(1)) + ": " + plain_text(line.last());
        break;
      }
    return true;
  }
  return false;
}

void connection::on_privmsg(const message& line, moment now) {
  auto who = nick_of(line.source);
  auto user_host = user_host_of(line.source);
  auto text = line.param(1);
  // Not from people: servers, ourselves, other bots, what is played back, and requests of clients.
  if (user_host.empty() || is_me(who) || line.tags.count("bot") > 0 || line.tags.count("batch") > 0
      || text.empty() || text.front() == '\x01')
    return;
  heard out;
  auto target = line.param(0);
  if (!target.empty() && std::string_view{"@+%~"}.find(target.front()) != std::string_view::npos
      && is_channel(target.substr(1)))
    target.remove_prefix(1); // to some ranks of a channel only
  if (is_channel(target)) {
    auto to_us = addressed(text);
    if (!to_us || channels_.count(folded(target)) == 0)
      return;
    out.channel = target;
    out.text = std::move(*to_us);
  } else if (is_me(target)) {
    out.text = text;
  } else {
    return;
  }
  if (!commands_.take(now))
    return;
  out.who.nick = who;
  out.who.user_host = user_host;
  if (has_account_tag_) {
    auto account = line.tags.find("account");
    out.who.account = account == line.tags.end() ? std::string{} : account->second;
  }
  out_.push_back(std::move(out));
}

/// What stands behind "drover: " or "drover, "; nothing if the text is not for us.
std::optional<std::string> connection::addressed(std::string_view text) const {
  if (text.size() <= nick_.size() || !is_me(text.substr(0, nick_.size()))
      || (text[nick_.size()] != ':' && text[nick_.size()] != ','))
    return std::nullopt;
  text.remove_prefix(nick_.size() + 1);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return std::string{text};
}

void connection::on_pong(const message& line) {
  auto answers = [&line](const open_ticket& ticket) {
    return ticket.asked_at && line.last() == "drover-" + std::to_string(ticket.id);
  };
  auto found = std::find_if(tickets_.begin(), tickets_.end(), answers);
  if (found == tickets_.end())
    return;
  out_.push_back(told{found->id, found->problem});
  tickets_.erase(found);
}

// -- people --------------------------------------------------------------------------------------

/// 311 tells user and host, by which we know that it is still the one who spoke; 330 the account.
void connection::on_whois(const message& line) {
  auto nick = folded(line.param(1));
  auto found = std::find_if(whois_.begin(), whois_.end(),
                            [&nick](const open_whois& asked) { return asked.nick == nick; });
  if (found == whois_.end())
    return;
  if (line.command == "311") {
    auto user_host = std::string{line.param(2)} + "@" + std::string{line.param(3)};
    found->same_person = user_host == found->user_host;
  } else if (line.command == "330") {
    found->account = line.param(2);
  } else {
    out_.push_back(identified{found->ticket, found->same_person ? found->account : std::string{}});
    whois_.erase(found);
  }
}

/// Whoever had this nick has left it: what is asked about it would be answered about another.
void connection::forget_person(std::string_view nick) {
  std::erase_if(whois_, [&](const open_whois& asked) {
    bool gone = asked.nick == folded(nick);
    if (gone)
      out_.push_back(identified{asked.ticket, {}});
    return gone;
  });
}

// -- channels and the nick -----------------------------------------------------------------------

void connection::left(const std::string& name, const std::string& why, moment now) {
  auto& channel = channels_[name];
  if (channel.joined && now - channel.joined_at >= limits::irc_rejoin_most)
    channel.failures = 0; // it was in long enough to begin anew
  channel.joined = channel.asked = false;
  channel.problem = why;
  ++channel.failures;
  channel.next_try =
    now
    + backoff(channel.failures, limits::irc_rejoin_first, limits::irc_rejoin_most, next_chance());
}

void connection::join_channels(moment now) {
  for (const auto& wanted : wanted_.channels) {
    auto& channel = channels_[folded(wanted)];
    if (channel.joined || now < channel.next_try)
      continue;
    if (channel.asked && now - channel.joined_at < limits::irc_answer_timeout)
      continue;
    channel.asked = true;
    channel.joined_at = now; // when it was asked, while it is not in
    queue(format("JOIN", {wanted}));
  }
}

void connection::regain_nick(moment now) {
  if (phase_ != phase::registered || is_me(wanted_.nick) || now < next_regain_)
    return;
  next_regain_ = now + limits::irc_regain_every;
  queue(format("NICK", {wanted_.nick}));
}

} // namespace drover::core::irc
