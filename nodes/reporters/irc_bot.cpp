// SPDX-License-Identifier: Apache-2.0
#include "nodes/reporters/irc_bot.hpp"

#include "actors/core/explain/explain.hpp"
#include "schema/limits_irc.hpp"
#include "schema/names.hpp"
#include "storage/tables.hpp"

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include <fstream>

namespace drover {

namespace {

using core::irc::asker;

/// The first line of a file, which is a secret.
expected<std::string> read_secret(const std::string& path) {
  std::ifstream file{path};
  std::string line;
  if (!std::getline(file, line) || line.empty())
    return failure{ec::not_found,
                   path + ": can't be read, or is empty; it shall hold the password"};
  return line;
}

std::string setting(const reporter_spec& spec, const std::string& name) {
  auto found = spec.settings.find(name);
  return found == spec.settings.end() ? std::string{} : found->second;
}

std::string within(const std::string& folder, const std::string& path) {
  return path.empty() || path.front() == '/' ? path : folder + "/" + path;
}

asker asker_of(const core::irc::heard& what) {
  return {what.who.nick, what.channel, what.who.account};
}

} // namespace

// -- the registry --------------------------------------------------------------------------------

void irc_registry::put(const std::string& reporter, std::shared_ptr<irc_client> client) {
  std::lock_guard held{guard_};
  clients_[reporter] = std::move(client);
}

void irc_registry::remove(const std::string& reporter, const std::shared_ptr<irc_client>& client) {
  std::lock_guard held{guard_};
  if (auto found = clients_.find(reporter); found != clients_.end() && found->second == client)
    clients_.erase(found);
}

std::shared_ptr<irc_client> irc_registry::find(const std::string& reporter) const {
  std::lock_guard held{guard_};
  auto found = clients_.find(reporter);
  return found == clients_.end() ? nullptr : found->second;
}

// -- its life ------------------------------------------------------------------------------------

irc_bot_state::~irc_bot_state() {
  if (!client)
    return;
  client->stop(); // whoever waits in it for an answer gives up
  context->registry->remove(context->spec.name, client);
}

expected<irc_client_settings> irc_bot_state::client_settings() const {
  const auto& spec = context->spec;
  irc_client_settings out;
  out.reporter = spec.name;
  auto server = parse_irc_address(spec.address);
  if (!server)
    return server.error();
  out.server = *std::move(server);
  out.ca = within(context->folder, setting(spec, "ca"));
  out.seed = context->seed;
  out.bot.server = to_string(out.server);
  out.bot.encrypted = out.server.encrypted;
  if (auto nick = setting(spec, "nick"); !nick.empty())
    out.bot.nick = nick;
  out.bot.channels = spec.to;
  out.bot.account = setting(spec, "user");
  out.bot.nickserv = setting(spec, "nickserv");
  if (auto file = setting(spec, "password_file"); !file.empty()) {
    auto password = read_secret(within(context->folder, file));
    if (!password)
      return password.error();
    out.bot.password = *std::move(password);
  }
  return out;
}

void irc_bot_state::start() {
  auto settings = client_settings();
  if (!settings) {
    if (problem != settings.error().text)
      spdlog::error("irc reporter={} not started: {}", context->spec.name, settings.error().text);
    problem = settings.error().text;
    self->delayed_send(self, limits::irc_start_again, atom::tick::value);
    return;
  }
  problem.clear();
  auto me = caf::actor_cast<irc_bot_actor>(self);
  // Weak: the client is ours, and must not keep us alive.
  auto weak = caf::actor_cast<caf::weak_actor_ptr>(me);
  auto pass_on = [weak](auto what) {
    if (auto strong = caf::actor_cast<irc_bot_actor>(weak))
      caf::anon_send(strong, std::move(what));
  };
  client = std::make_shared<irc_client>(*std::move(settings), irc_listener{pass_on, pass_on});
  context->registry->put(context->spec.name, client);
}

void irc_bot_state::tick() {
  if (!client)
    start();
}

actor_entry irc_bot_state::describe() const {
  auto state = client ? client->state() : "not started: " + problem;
  auto activity = std::to_string(commands) + " commands";
  if (watched.size() > 0)
    activity += ", " + std::to_string(watched.size()) + " watched builds";
  return describe_as("irc", "irc/" + context->spec.name, state, activity);
}

// -- commands ------------------------------------------------------------------------------------

void irc_bot_state::tell(const asker& who, const std::vector<std::string>& lines) {
  client->reply(who.channel.empty() ? who.nick : who.channel, core::irc::as_reply(who, lines));
}

void irc_bot_state::on_heard(const core::irc::heard& what) {
  ++commands;
  spdlog::info("irc reporter={} from=\"{}\" account=\"{}\" text=\"{}\"", context->spec.name,
               printable(what.who.nick, limits::name_bytes_max),
               printable(what.who.account.value_or("?"), limits::name_bytes_max),
               printable(what.text, limits::reason_bytes_max));
  answer(what);
}

void irc_bot_state::on_identified(const core::irc::identified& who) {
  auto found = unknown.find(who.ticket);
  if (found == unknown.end())
    return;
  auto what = std::move(found->second);
  unknown.erase(found);
  what.who.account = who.account;
  answer(what);
}

void irc_bot_state::answer(const core::irc::heard& what) {
  auto who = asker_of(what);
  self->send(context->farm.census,
             actor_note{"irc/" + context->spec.name, "answers " + printable(what.text, 80)});
  irc_view farm{context->farm};
  auto given = core::irc::answer_to(what.text, who, farm);
  if (given.needs_account) {
    auto ticket = ++last_ticket;
    unknown[ticket] = what; // as many as the client has open questions
    return client->identify(ticket, what.who);
  }
  std::string wrong;
  if (given.watch)
    wrong = watched.add(given.watch->build, who);
  if (!wrong.empty())
    given.lines = {wrong};
  if (!given.lines.empty())
    tell(who, given.lines);
  if (given.watch && wrong.empty())
    tell_if_over(given.watch->build);
  if (given.asked)
    carry_out(*given.asked, who);
}

template <class Answer, class Message, class Told>
void irc_bot_state::ask(Message message, const asker& who, Told told) {
  self->request(context->farm.coordinator, limits::request_timeout, std::move(message))
    .then(
      [this, who, told](const expected<Answer>& answer) {
        if (answer)
          told(*answer);
        else
          tell(who, {"refused: " + answer.error().text});
      },
      [this, who](const caf::error&) {
        tell(who, {"the coordinator did not answer: look at 'status' before you try again"});
      });
}

void irc_bot_state::carry_out(const core::irc::order& wanted, const asker& who) {
  if (const auto* force = std::get_if<core::irc::force_order>(&wanted.what)) {
    submission order;
    order.orders = {{force->builder, force->source}};
    order.params = force->params;
    order.host = force->host;
    order.by = wanted.by;
    order.because = wanted.reason;
    ask<submitted>(std::move(order), who,
                   [this, who](const submitted& made) { on_submitted(made, who); });
  } else if (const auto* stop = std::get_if<core::irc::stop_order>(&wanted.what)) {
    ask<accepted>(cancel_build{stop->build, wanted.by, wanted.reason}, who,
                  [this, who](const accepted& done) { tell(who, {done.text}); });
  } else if (const auto* again = std::get_if<core::irc::again_order>(&wanted.what)) {
    ask<submitted>(drover::retry_build{again->build, wanted.by, wanted.reason}, who,
                   [this, who](const submitted& made) { on_submitted(made, who); });
  }
}

void irc_bot_state::on_submitted(const submitted& made, const asker& who) {
  std::string ids;
  bool all_watched = true;
  for (auto id : made.builds) {
    ids += (ids.empty() ? "" : ", ") + to_string(id);
    all_watched = watched.add(id, who).empty() && all_watched;
  }
  auto text = made.builds.empty()       ? std::string{"no host serves: no build was made"}
              : made.builds.size() == 1 ? "build " + ids + " is on its way"
                                        : "builds " + ids + " are on their way";
  if (made.campaign.value != 0)
    text += " (campaign " + to_string(made.campaign) + ")";
  if (!made.builds.empty() && all_watched)
    text += made.builds.size() == 1 ? "; I say when it is over" : "; I say when each is over";
  tell(who, {text});
  for (auto id : made.builds)
    tell_if_over(id);
}

// -- what is watched -----------------------------------------------------------------------------

void irc_bot_state::follow_journal() {
  self
    ->request(context->farm.recorder, caf::infinite, // same process
              event_wait{seen, limits::irc_journal_patience})
    .then([this](uint64_t last) {
      if (last > seen)
        read_journal(last);
      follow_journal();
    });
}

void irc_bot_state::read_journal(uint64_t last) {
  auto page = storage::read_events(
    *context->farm.store, seen, limits::irc_events_max, limits::irc_events_max,
    [](const event_record& event) { return event.kind == event_kind::build_finished; });
  if (!page) {
    // Not tried again at once: the store itself is what is wrong then.
    spdlog::warn("irc reporter={} journal not read: {}", context->spec.name, page.error().text);
    seen = last;
    return;
  }
  seen = std::max(seen + 1, page->seen);
  for (const auto& event : page->events)
    tell_end(event.build);
}

/// The journal may have told its end before it was watched.
void irc_bot_state::tell_if_over(build_id build) {
  auto found = storage::read_build(*context->farm.store, build);
  if (found && *found && (*found)->state == build_state::finished)
    tell_end(build);
}

void irc_bot_state::tell_end(build_id build) {
  auto waiting = watched.take(build);
  if (waiting.empty())
    return;
  auto found = storage::read_build(*context->farm.store, build);
  std::vector<std::string> lines;
  if (found && *found)
    lines.push_back(core::build_sentence(**found));
  else
    lines.push_back("build " + to_string(build) + " is over, but its record can't be read");
  if (auto base = setting(context->spec, "url"); !base.empty())
    lines.push_back(base + (base.back() == '/' ? "" : "/") + "builds/" + to_string(build));
  for (const auto& who : waiting)
    tell(who, lines);
}

irc_bot_actor::behavior_type irc_bot(irc_bot_state::pointer self, const irc_bot_context& context) {
  auto& state = self->state;
  state.context.emplace(context);
  auto last = storage::last_event(*context.farm.store);
  state.seen = last ? *last : 0;
  state.start();
  state.follow_journal();
  return {
    [self](const core::irc::heard& what) { self->state.on_heard(what); },
    [self](const core::irc::identified& who) { self->state.on_identified(who); },
    [self](atom::tick) { self->state.tick(); },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace drover
