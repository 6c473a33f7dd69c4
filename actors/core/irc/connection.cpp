// SPDX-License-Identifier: Apache-2.0
#include "actors/core/irc/connection.hpp"

#include "actors/core/backoff.hpp"
#include "actors/core/explain/words.hpp"
#include "schema/limits_irc.hpp"

namespace drover::core::irc {

namespace {

std::string seconds_of(limits::milliseconds span) {
  return std::to_string((span.count() + 999) / 1000) + " s";
}

} // namespace

token_bucket connection::limits_of_lines() {
  return {limits::irc_burst_lines, limits::irc_line_every};
}

token_bucket connection::limits_of_commands() {
  return {limits::irc_commands_burst, limits::irc_command_every};
}

actions connection::tick(moment now) {
  if (phase_ == phase::waiting && now >= next_dial_) {
    phase_ = phase::dialling;
    since_ = now;
    out_.push_back(dial{});
  } else if ((phase_ == phase::dialling || phase_ == phase::registering)
             && now - since_ >= limits::irc_registration_timeout) {
    give_up("no welcome within " + seconds_of(limits::irc_registration_timeout), now);
  } else if (phase_ == phase::registered) {
    look_at_silence(now);
    look_at_tickets(now);
  }
  if (phase_ == phase::registered) {
    regain_nick(now);
    join_channels(now);
    flush(now);
  }
  return take();
}

actions connection::connected(moment now) {
  phase_ = phase::registering;
  since_ = last_heard_ = now;
  nick_ = wanted_.nick;
  nick_tries_ = 0;
  offered_.clear();
  server_error_.clear();
  asked_for_.clear();
  has_account_tag_ = signed_in_ = false;
  pinged_at_.reset();
  channels_.clear();
  for (const auto& channel : wanted_.channels)
    channels_[folded(channel)];
  if (wanted_.account.empty() && !wanted_.password.empty() && wanted_.encrypted)
    send("PASS", {wanted_.password}); // of the server; before all else
  send("CAP", {"LS", "302"});
  send("NICK", {nick_});
  send("USER", {wanted_.nick, "0", "*", wanted_.real_name});
  return take();
}

actions connection::closed(std::string_view why, moment now) {
  lose(server_error_.empty() ? why : server_error_, now);
  return take();
}

actions connection::received(std::string_view text, moment now) {
  if (phase_ != phase::registering && phase_ != phase::registered)
    return {};
  last_heard_ = now;
  pinged_at_.reset();
  if (auto line = parse(text))
    handle(*line, now);
  if (phase_ == phase::registered)
    flush(now);
  return take();
}

/// Back to waiting; whatever was under way has failed.
void connection::lose(std::string_view why, moment now) {
  if (phase_ == phase::registered && now - since_ >= limits::irc_settled_after)
    failures_ = 0;
  ++failures_;
  next_dial_ =
    now
    + backoff(failures_, limits::irc_reconnect_first, limits::irc_reconnect_most, next_chance());
  phase_ = phase::waiting;
  since_ = now;
  problem_ = plain_text(why);
  queue_.clear();
  channels_.clear();
  for (const auto& asked : std::exchange(whois_, {}))
    out_.push_back(identified{asked.ticket, {}});
  for (auto& ticket : std::exchange(tickets_, {}))
    out_.push_back(told{ticket.id, "the connection broke before the server had it: " + problem_});
}

void connection::give_up(const std::string& why, moment now) {
  out_.push_back(hang_up{plain_text(why)});
  lose(why, now);
}

void connection::look_at_silence(moment now) {
  if (pinged_at_) {
    if (now - *pinged_at_ >= limits::irc_answer_timeout)
      give_up("the server is silent for " + seconds_of(now - last_heard_), now);
  } else if (now - last_heard_ >= limits::irc_silence_max) {
    pinged_at_ = now;
    send("PING", {"drover"});
  }
}

void connection::look_at_tickets(moment now) {
  std::erase_if(whois_, [&](const open_whois& asked) {
    bool over = now - asked.asked_at >= limits::irc_answer_timeout;
    if (over)
      out_.push_back(identified{asked.ticket, {}});
    return over;
  });
  for (const auto& ticket : tickets_)
    if (ticket.asked_at && now - *ticket.asked_at >= limits::irc_answer_timeout)
      return give_up(
        "the server did not answer PING within " + seconds_of(limits::irc_answer_timeout), now);
}

// -- what goes out -------------------------------------------------------------------------------

void connection::send(std::string_view command, const std::vector<std::string>& params) {
  out_.push_back(send_line{format(command, params)});
}

void connection::flush(moment now) {
  while (!queue_.empty() && pace_.take(now)) {
    auto next = std::move(queue_.front());
    queue_.pop_front();
    for (auto& ticket : tickets_)
      if (next.ticket != 0 && ticket.id == next.ticket)
        ticket.asked_at = now;
    out_.push_back(send_line{std::move(next.line)});
  }
}

bool connection::fits(size_t lines) const {
  return queue_.size() + lines <= limits::irc_queue_lines_max;
}

std::string connection::why_not(const std::vector<std::string>& targets) const {
  if (phase_ != phase::registered)
    return "not connected" + (problem_.empty() ? std::string{} : ": " + problem_);
  for (const auto& target : targets) {
    auto found = channels_.find(folded(target));
    if (is_channel(target) && (found == channels_.end() || !found->second.joined)) {
      bool has_reason = found != channels_.end() && !found->second.problem.empty();
      return "not in " + plain_text(target) + (has_reason ? ": " + found->second.problem : "");
    }
  }
  return {};
}

actions connection::say(uint64_t ticket, const std::vector<std::string>& targets,
                        const std::vector<std::string>& lines, moment now) {
  auto problem = why_not(targets);
  if (problem.empty() && !fits(targets.size() * lines.size() + 1))
    problem = "too much waits to be said";
  if (!problem.empty()) {
    out_.push_back(told{ticket, std::move(problem)});
    return take();
  }
  open_ticket opened;
  opened.id = ticket;
  for (const auto& target : targets) {
    opened.targets.insert(folded(target));
    for (const auto& line : lines)
      queue(format("PRIVMSG", {target, line}));
  }
  tickets_.push_back(std::move(opened));
  queue(format("PING", {"drover-" + std::to_string(ticket)}), ticket);
  flush(now);
  return take();
}

actions connection::reply(const std::string& target, const std::vector<std::string>& lines,
                          moment now) {
  if (!why_not({target}).empty() || !fits(lines.size()))
    return {};
  for (const auto& line : lines)
    queue(format("PRIVMSG", {target, line}));
  flush(now);
  return take();
}

actions connection::identify(uint64_t ticket, const person& who, moment now) {
  if (phase_ != phase::registered || whois_.size() >= limits::irc_whois_open_max || !fits(1)) {
    out_.push_back(identified{ticket, {}});
    return take();
  }
  whois_.push_back({ticket, folded(who.nick), who.user_host, {}, false, now});
  queue(format("WHOIS", {who.nick}));
  flush(now);
  return take();
}

// -- how it stands -------------------------------------------------------------------------------

limits::milliseconds connection::wait(moment now) const {
  constexpr limits::milliseconds look_every{1000}; // deadlines are counted in many seconds
  if (phase_ == phase::waiting)
    return std::clamp(next_dial_ - now, moment{0}, look_every);
  return queue_.empty() ? look_every : std::min(pace_.wait(now), look_every);
}

std::string connection::state(moment now) const {
  switch (phase_) {
  case phase::waiting:
    if (problem_.empty())
      return "starting";
    return "retrying in " + seconds_of(std::max(next_dial_ - now, moment{0})) + ": " + problem_;
  case phase::dialling:
    return "connecting to " + wanted_.server;
  case phase::registering:
    return "signing in at " + wanted_.server;
  case phase::registered:
    break;
  }
  std::vector<std::string> in;
  std::vector<std::string> out;
  for (const auto& [name, channel] : channels_) {
    if (channel.joined)
      in.push_back(name);
    else
      out.push_back("not in " + name + (channel.problem.empty() ? "" : ": " + channel.problem));
  }
  auto text = "connected to " + wanted_.server;
  if (!is_me(wanted_.nick))
    text += " as " + plain_text(nick_) + " (" + wanted_.nick + " is taken)";
  if (!in.empty())
    text += ", in " + joined(in, ", ");
  return out.empty() ? text : text + "; " + joined(out, ", ");
}

/// splitmix64: good enough for jitter, and the same everywhere.
uint64_t connection::next_chance() {
  chance_ += 0x9E3779B97F4A7C15;
  auto mixed = chance_;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
  return mixed ^ (mixed >> 31);
}

} // namespace drover::core::irc
