// How the bot signs in: capabilities, SASL, a nick that is free; until the welcome.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/irc/connection.hpp"
#include "schema/limits_irc.hpp"

#include <algorithm>

namespace drover::core::irc {

namespace {

constexpr std::string_view account_tag = "account-tag";
constexpr std::string_view sasl = "sasl";

std::string base64(std::string_view bytes) {
  static constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    auto there = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k)
      group = (group << 8) | (k < there ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (size_t k = 0; k < 4; ++k)
      out += k <= there ? digits[(group >> (18 - 6 * k)) & 63] : '=';
  }
  return out;
}

/// The words of a list, each cut into its name and value.
std::map<std::string, std::string> capabilities_of(std::string_view list) {
  std::map<std::string, std::string> out;
  while (!list.empty()) {
    auto end = std::min(list.find(' '), list.size());
    auto word = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    auto equals = std::min(word.find('='), word.size());
    if (equals > 0)
      out[std::string{word.substr(0, equals)}] = word.substr(std::min(equals + 1, word.size()));
  }
  return out;
}

/// Whether PLAIN is among the mechanisms; a server that lists none is asked.
bool has_plain(std::string_view mechanisms) {
  auto list = "," + std::string{mechanisms} + ",";
  return mechanisms.empty() || list.find(",PLAIN,") != std::string::npos;
}

} // namespace

void connection::on_capabilities(const message& line, moment now) {
  auto what = folded(line.param(1));
  if (what == "ls") {
    bool goes_on = line.params.size() > 3 && line.params[2] == "*";
    if (offered_.size() + line.last().size() < limits::irc_capabilities_bytes_max)
      offered_ += std::string{line.last()} + " ";
    if (!goes_on && phase_ == phase::registering)
      choose_capabilities(now);
  } else if (what == "ack") {
    auto taken = capabilities_of(line.last());
    has_account_tag_ = has_account_tag_ || taken.count(std::string{account_tag}) > 0;
    if (taken.count(std::string{sasl}) > 0)
      send("AUTHENTICATE", {"PLAIN"});
    else if (phase_ == phase::registering)
      end_capabilities();
  } else if (what == "nak") {
    if (asked_for_.count(std::string{sasl}) > 0 && asked_for_.size() > 1) {
      asked_for_ = {std::string{sasl}};
      send("CAP", {"REQ", std::string{sasl}});
    } else if (asked_for_.count(std::string{sasl}) > 0 && wanted_.nickserv.empty()) {
      give_up("the server refused SASL", now);
    } else if (phase_ == phase::registering) {
      end_capabilities();
    }
  } else if (what == "del" && capabilities_of(line.last()).count(std::string{account_tag}) > 0) {
    has_account_tag_ = false;
  }
}

void connection::choose_capabilities(moment now) {
  auto offered = capabilities_of(offered_);
  if (offered.count(std::string{account_tag}) > 0)
    asked_for_.insert(std::string{account_tag});
  auto found = offered.find(std::string{sasl});
  bool can = found != offered.end() && has_plain(found->second);
  if (!wanted_.account.empty() && wanted_.encrypted) {
    if (can)
      asked_for_.insert(std::string{sasl});
    else if (wanted_.nickserv.empty())
      return give_up("the server has no SASL PLAIN; if it has NickServ, set nickserv: NickServ",
                     now);
  }
  if (asked_for_.empty())
    return end_capabilities();
  std::string list;
  for (const auto& name : asked_for_)
    list += (list.empty() ? "" : " ") + name;
  send("CAP", {"REQ", list});
}

void connection::on_authenticate(const message& line) {
  // Only a server that was asked gets the password, and only where nobody listens.
  if (line.param(0) != "+" || !wanted_.encrypted || asked_for_.count(std::string{sasl}) == 0)
    return;
  auto secret = wanted_.account;
  secret += '\0' + wanted_.account + '\0' + wanted_.password;
  auto text = base64(secret);
  for (size_t at = 0; at < text.size(); at += limits::irc_sasl_piece_bytes)
    send("AUTHENTICATE", {text.substr(at, limits::irc_sasl_piece_bytes)});
  if (text.size() % limits::irc_sasl_piece_bytes == 0)
    send("AUTHENTICATE", {"+"});
}

/// Lines that have a meaning before the welcome only.
bool connection::on_registration(const message& line, moment now) {
  const auto& what = line.command;
  auto reason = [&line] { return plain_text(line.last()); };
  if (what == "AUTHENTICATE")
    on_authenticate(line);
  else if (what == "903" || what == "907") {
    signed_in_ = true;
    end_capabilities();
  } else if (what == "902" || what == "904" || what == "905" || what == "906" || what == "908")
    give_up("the server refused account '" + wanted_.account + "': " + reason(), now);
  else if (what == "410")
    end_capabilities();
  else if (what == "432")
    give_up("the server does not take the nick '" + plain_text(nick_) + "': " + reason(), now);
  else if (what == "433" || what == "436" || what == "437")
    try_next_nick();
  else if (what == "464" || what == "465")
    give_up("the server refused us: " + reason(), now);
  else if (what == "001")
    on_welcome(line, now);
  else
    return false;
  return true;
}

void connection::try_next_nick() {
  ++nick_tries_;
  auto tail = nick_tries_ <= limits::irc_nick_tails_max ? std::string(nick_tries_, '_')
                                                        : std::to_string(next_chance() % 10000);
  nick_ = wanted_.nick.substr(0, limits::irc_nick_bytes_max - tail.size()) + tail;
  send("NICK", {nick_});
}

void connection::on_welcome(const message& line, moment now) {
  if (!wanted_.account.empty() && !signed_in_) {
    if (wanted_.nickserv.empty() || !wanted_.encrypted)
      return give_up("the server has no SASL; if it has NickServ, set nickserv: NickServ", now);
    send("PRIVMSG", {wanted_.nickserv, "IDENTIFY " + wanted_.account + " " + wanted_.password});
  }
  phase_ = phase::registered;
  since_ = now;
  problem_.clear();
  if (!line.param(0).empty())
    nick_ = line.param(0); // some servers cut it
  next_regain_ = now + limits::irc_regain_every;
  join_channels(now);
}

} // namespace drover::core::irc
