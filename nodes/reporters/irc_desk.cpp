// SPDX-License-Identifier: Apache-2.0
#include "nodes/reporters/irc_desk.hpp"

#include "actors/core/notices.hpp"
#include "nodes/runtime.hpp"
#include "schema/limits_irc.hpp"
#include "storage/tables.hpp"

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

namespace drover {

namespace {

struct desk_state {
  using pointer = irc_desk_actor::stateful_pointer<desk_state>;
  static inline const char* name = "irc";
  explicit desk_state(pointer actor) : self{actor} {}
  ~desk_state();

  void ask_config();
  void follow_journal();
  void apply(const farm_config& config);
  void spawn_bot(const reporter_spec& spec);
  void child_down(const caf::down_msg& down);
  void tick();
  actor_entry describe() const;

  struct child {
    reporter_spec spec;
    irc_bot_actor bot; ///< null: it died, and is started again soon
  };

  pointer self;
  std::optional<irc_desk_context> context;
  std::map<std::string, child> bots; ///< by reporter
  uint64_t seen = 0;                 ///< of the journal
};

desk_state::~desk_state() {
  for (auto& [_, one] : bots)
    if (one.bot)
      caf::anon_send_exit(one.bot, caf::exit_reason::user_shutdown);
}

void desk_state::ask_config() {
  using live = std::shared_ptr<const live_config>;
  self
    ->request(context->farm.coordinator, caf::infinite, config_query{}) // same process
    .then([this](const live& now) {
      if (now)
        apply(now->config);
    });
}

void desk_state::follow_journal() {
  self
    ->request(context->farm.recorder, caf::infinite, // same process
              event_wait{seen, limits::irc_journal_patience})
    .then([this](uint64_t last) {
      auto loaded =
        storage::read_events(*context->farm.store, seen, 1, 0, [](const event_record& event) {
          return event.kind == event_kind::config_loaded;
        });
      if (!loaded || !loaded->events.empty())
        ask_config();
      seen = std::max(seen, last);
      follow_journal();
    });
}

void desk_state::apply(const farm_config& config) {
  std::map<std::string, reporter_spec> wanted;
  for (const auto& reporter : config.reporters)
    if (reporter.kind == "irc")
      wanted.emplace(reporter.name, reporter);
  std::erase_if(bots, [&](auto& entry) {
    auto found = wanted.find(entry.first);
    if (found != wanted.end() && found->second == entry.second.spec)
      return false;
    if (entry.second.bot)
      caf::anon_send_exit(entry.second.bot, caf::exit_reason::user_shutdown);
    return true;
  });
  for (const auto& [reporter, spec] : wanted)
    if (!bots.contains(reporter))
      spawn_bot(spec);
}

void desk_state::spawn_bot(const reporter_spec& spec) {
  irc_bot_context made{context->farm, context->registry, context->folder, spec, random_number()};
  auto bot = self->system().spawn<caf::detached>(irc_bot, made); // it waits for the store
  self->monitor(bot);
  self->send(context->farm.census, enlistment{"irc/" + spec.name, "irc", "irc", bot});
  bots[spec.name] = {spec, bot};
}

void desk_state::child_down(const caf::down_msg& down) {
  for (auto& [reporter, one] : bots)
    if (one.bot && one.bot.address() == down.source) {
      spdlog::error("irc reporter={} bot died: {}", reporter, self->system().render(down.reason));
      one.bot = irc_bot_actor{};
      self->delayed_send(self, limits::irc_start_again, atom::tick::value);
    }
}

void desk_state::tick() {
  for (auto& [_, one] : bots)
    if (!one.bot)
      spawn_bot(reporter_spec{one.spec});
}

/// What fits into a channel: the cause stands in the subject, the rest is a page away.
std::string words_of(const reporter_spec& reporter, const notice_record& notice) {
  return notice.subject + "\n" + core::page_of(core::base_of(reporter), notice);
}

actor_entry desk_state::describe() const {
  auto count = bots.size();
  return describe_as("irc", "irc",
                     count == 0   ? "no reporter by IRC"
                     : count == 1 ? "1 bot"
                                  : std::to_string(count) + " bots");
}

irc_desk_actor::behavior_type run_desk(desk_state::pointer self, const irc_desk_context& context) {
  auto& state = self->state;
  state.context.emplace(context);
  auto last = storage::last_event(*context.farm.store);
  state.seen = last ? *last : 0;
  self->set_down_handler([self](const caf::down_msg& down) { self->state.child_down(down); });
  state.ask_config();
  state.follow_journal();
  return {
    [self](atom::tick) { self->state.tick(); },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace

irc_desk_actor spawn_irc_desk(caf::actor_system& system, const irc_desk_context& context) {
  auto desk = system.spawn(run_desk, context);
  caf::anon_send(context.farm.census, enlistment{"irc", "irc", "coordinator", desk});
  return desk;
}

void stop_irc_desk(const irc_desk_actor& desk) {
  caf::anon_send_exit(desk, caf::exit_reason::user_shutdown);
}

notice_delivery irc_port::deliver(const reporter_spec& reporter, const notice_record& notice) {
  auto client = registry_->find(reporter.name);
  if (!client)
    return {notice_delivery::verdict::later, "the bot of this reporter does not run"};
  auto lines = core::irc::as_lines(words_of(reporter, notice), limits::irc_notice_lines_max);
  notice_delivery out;
  for (const auto& channel : notice.to.empty() ? reporter.to : notice.to) {
    if (was_told(notice, channel))
      continue;
    auto how = client->say({channel}, lines);
    if (how.how == notice_delivery::verdict::delivered)
      remember(notice, channel);
    else
      out = std::move(how);
  }
  if (out.how == notice_delivery::verdict::delivered)
    forget(notice);
  return out;
}

bool irc_port::was_told(const notice_record& notice, const std::string& channel) const {
  std::lock_guard held{guard_};
  auto found = told_.find({notice.reporter, notice.id});
  return found != told_.end() && found->second.contains(channel);
}

void irc_port::remember(const notice_record& notice, const std::string& channel) {
  std::lock_guard held{guard_};
  told_[{notice.reporter, notice.id}].insert(channel);
  if (told_.size() > limits::irc_half_told_max)
    told_.erase(told_.begin());
}

void irc_port::forget(const notice_record& notice) {
  std::lock_guard held{guard_};
  told_.erase({notice.reporter, notice.id});
}

} // namespace drover
