// Hosts: whether they work, and if not, since when, why and what brings them back.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/explain/explain.hpp"
#include "actors/core/explain/words.hpp"
#include "actors/core/liveness.hpp"
#include "schema/limits.hpp"
#include "schema/limits_explain.hpp"
#include "schema/names.hpp"

namespace drover::core {

namespace {

/// ": " and the reason, without the name that the sentence begins with.
std::string tail(const host_view& host) {
  auto why = host.reason;
  for (const auto& start : {host.record.name.value + " has been ", host.record.name.value + " "})
    if (why.compare(0, start.size(), start) == 0) {
      why.erase(0, start.size());
      break;
    }
  return why.empty() ? why : ": " + why;
}

std::string silent_words(const host_view& host) {
  return host.last_seen_ms < 0 ? std::string{} : " for " + spoken(milliseconds{host.last_seen_ms});
}

/// "drained by ann since ...: new disk", by the hold if there is one, else by the state's reason.
std::string held(const host_view& host, const std::string& state) {
  bool told = host.reason.compare(0, state.size(), state) == 0
              || host.reason.compare(0, 7, "drained") == 0
              || host.reason.compare(0, 6, "unwell") == 0;
  return told ? " is " + host.reason : " is " + state + tail(host);
}

std::string resume(const host_view& host) {
  return "; `drover host " + host.record.name.value + " resume` lets it take builds again";
}

std::string up_words(const host_view& host) {
  auto slots = counted(host.record.slots, "slot");
  auto used = std::to_string(host.slots_used) + " of " + slots;
  if (host.record.slots == 0)
    return " is up, but has no slots: it gets no builds";
  if (host.slots_used == 0)
    return " is up and idle: " + slots + " free";
  if (host.slots_used >= host.record.slots)
    return host.record.slots == 1 ? " is up and busy: its one slot is in use"
                                  : " is up and busy: all of its " + slots + " are in use";
  return " is up: " + used + " in use";
}

std::string never_joined(const host_view& host) {
  return " has never joined this farm; start drover-host on " + host.record.name.value;
}

std::string state_sentence(const host_view& host) {
  bool away = host.state == host_state::lost || host.state == host_state::joining;
  if (host.record.stage == host_stage::retired && away)
    return " is retired: " + host.record.stage_note;
  bool known = host.record.first_seen.ms != 0 || host.last_seen_ms >= 0;
  switch (host.state) {
  case host_state::joining:
    return known ? " has not come back yet since the coordinator started; it was last seen at "
                     + moment(host.record.last_seen)
                 : never_joined(host);
  case host_state::up:
    if (host.record.stage == host_stage::probation)
      return " is up, on probation, and gets no builds but canaries: " + host.record.stage_note
             + "; `drover host " + host.record.name.value + " resume` trusts it at once";
    return up_words(host) + (host.reason.empty() ? "" : "; " + host.reason);
  case host_state::suspect:
    return " has been silent" + silent_words(host)
           + " and gets no new work; it is lost when its lease ends" + tail(host);
  case host_state::lost:
    return known ? " is lost, silent" + silent_words(host) + tail(host)
                     + "; its builds go elsewhere; start drover-host there if it is not running"
                 : never_joined(host);
  case host_state::draining:
    if (host.record.hold.kind == hold_kind::health)
      return held(host, "unwell") + "; it gets no new builds until it says that it is well again";
    return held(host, "draining") + "; what runs there goes on, nothing new comes"
           + (host.record.hold.kind == hold_kind::drain ? resume(host)
                                                        : ""); // not its owner's word
  case host_state::paused:
    return held(host, "paused") + "; builds there wait before their next step" + resume(host);
  case host_state::quarantined:
    return held(host, "quarantined") + "; it gets no builds but probes, and is back when one passes"
           + resume(host);
  }
  return " is in a state that has no words";
}

std::string work_line(const host_work& work) {
  auto text = work.builder.empty()
                ? "holds attempt " + to_string(work.attempt) + " (build/step/attempt)"
                : "runs step " + in_quotes(work.step) + " of build " + to_string(work.attempt.build)
                    + " of " + printable(work.builder, limits::name_bytes_max);
  return one_line(text + (work.started_at.ms == 0 ? "" : ", since " + moment(work.started_at)));
}

std::string journal_line(const event_record& event) {
  auto text = moment(event.at) + " ";
  if (event.kind == event_kind::host_changed)
    text += event.state;
  else if (event.kind == event_kind::host_ordered)
    text += event.by.empty() ? "by itself" : "ordered by " + event.by;
  else
    text += std::string{to_string(event.kind)};
  if (event.build.value != 0)
    text += ", build " + to_string(event.build);
  if (!event.step.empty())
    text += ", step " + in_quotes(event.step);
  return one_line(text + (event.text.empty() ? "" : ": " + event.text));
}

} // namespace

explanation explain_host(const host_view& host, const host_surroundings& around) {
  explanation out;
  const auto& record = host.record;
  auto state = around.revoked.empty() ? state_sentence(host)
                                      : " is out, its certificates were " + around.revoked
                                          + "; by a new token it can join again";
  out.sentence = one_line("host " + printable(record.name.value, limits::name_bytes_max) + state);
  bool by_hold = host.state == host_state::draining || host.state == host_state::paused
                 || host.state == host_state::quarantined;
  if (record.hold.kind != hold_kind::none && !by_hold)
    out.evidence.push_back(one_line(
      "it is also kept from new work" + (record.hold.by.empty() ? "" : " by " + record.hold.by)
      + " since " + moment(record.hold.since)
      + (record.hold.reason.empty() ? "" : ": " + record.hold.reason) + resume(host)));
  out.evidence.push_back(host.last_seen_ms < 0
                           ? "it has not been heard of since the coordinator started"
                           : "last heard of " + spoken(milliseconds{host.last_seen_ms}) + " ago");
  if (record.last_seen.ms != 0)
    out.evidence.push_back("kept as seen at " + moment(record.last_seen));
  if (record.stage == host_stage::trusted && !record.stage_note.empty())
    out.evidence.push_back(one_line("it is trusted: " + record.stage_note));
  if (!record.ladder.note.empty())
    out.evidence.push_back(one_line("what was tried to bring it back: " + record.ladder.note));
  if (record.ladder.rung == ladder_rung::given_up)
    out.evidence.push_back("no command is left that could bring it back: look after it yourself");
  for (const auto& work : around.work)
    if (out.evidence.size() < limits::evidence_attempts_max)
      out.evidence.push_back(work_line(work));
  if (record.restarts > 0)
    out.evidence.push_back("its agent was restarted " + counted(record.restarts, "time"));
  size_t told = 0;
  for (const auto& event : around.journal)
    if (told++ < limits::evidence_events_max)
      out.evidence.push_back(journal_line(event));
  for (const auto& problem : around.problems)
    out.evidence.push_back(one_line(problem));
  return out;
}

} // namespace drover::core
