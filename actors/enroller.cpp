// SPDX-License-Identifier: Apache-2.0
#include "actors/enroller.hpp"

#include "actors/core/enrolment.hpp"
#include "actors/core/events.hpp"
#include "actors/core/line_guard.hpp"
#include "schema/limits.hpp"
#include "schema/limits_enrolment.hpp"
#include "schema/names.hpp"
#include "storage/identities.hpp"
#include "storage/tables.hpp"

#include <caf/actor_clock.hpp>
#include <caf/actor_system.hpp>
#include <caf/stateful_actor.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace drover {
namespace {

/// One decision after the other: while one is on its way to the disk, nobody else is heard, so that
/// no use of a token is counted twice and no order overtakes another.
struct enroller_state {
  using pointer = enroller_actor::stateful_pointer<enroller_state>;
  static inline const char* name = "enroller";
  explicit enroller_state(pointer actor) : self{actor} {}

  caf::result<expected<enrolment_grant>> enrol(const enrolment_ask& asked);
  caf::result<expected<accepted>> revoke(const revoke_host& order);
  caf::result<expected<accepted>> end_token(const end_join_token& order);
  expected<core::enrolment_case> look_up(const enrolment_ask& asked);
  caf::result<expected<enrolment_grant>> give(const enrolment_ask& asked,
                                              const core::enrolment_case& about);
  expected<enrolment_grant> refuse(const enrolment_ask& asked, const core::give_nothing& why);
  enrolment_grant grant_of(const issued_certificate& made, const string_map& labels) const;
  event_record event_of(event_kind kind, const host_name& host, const std::string& text) const;
  actor_entry describe() const;

  pointer self;
  enroller_settings farm;
  line_guard guesses{limits::enrolment_refusals_told_max, limits::enrolment_refusals_period};
  uint64_t given = 0, refused = 0;
};

std::string in_words(const string_map& labels) {
  std::string out;
  for (const auto& [key, value] : labels)
    out += (out.empty() ? ", labels " : ",") + key + "=" + value;
  return out;
}

expected<core::enrolment_case> enroller_state::look_up(const enrolment_ask& asked) {
  core::enrolment_case about;
  auto checked = farm.authority->check(asked.request.request);
  if (!checked)
    return checked.error();
  about.key_sha256 = checked->key_sha256;
  about.name = {asked.request.name};
  about.now = farm.clock();
  auto identity = storage::read_identity(*farm.store, about.name);
  if (!identity)
    return identity.error();
  about.identity = *identity;
  if (asked.is_proven)
    return about;
  about.token = farm.digest(asked.request.secret);
  auto record = storage::find_token(*farm.store, about.token);
  if (!record)
    return record.error();
  about.record = *record;
  auto worked = storage::has_worked(*farm.store, about.name);
  if (!worked)
    return worked.error();
  about.has_worked = *worked;
  return about;
}

caf::result<expected<enrolment_grant>> enroller_state::enrol(const enrolment_ask& asked) {
  auto about = look_up(asked);
  if (!about)
    return refuse(asked, {about.error().text});
  auto verdict = asked.is_proven ? core::decide_renewal(*about) : core::decide_enrolment(*about);
  if (const auto* no = std::get_if<core::give_nothing>(&verdict))
    return refuse(asked, *no);
  if (const auto* again = std::get_if<core::give_again>(&verdict))
    return expected<enrolment_grant>{grant_of(again->certificate, about->identity->labels)};
  return give(asked, *about);
}

/// The certificate leaves once its record, and the use of the token, are on the disk.
caf::result<expected<enrolment_grant>> enroller_state::give(const enrolment_ask& asked,
                                                            const core::enrolment_case& about) {
  wall_time until{about.now.ms + std::chrono::milliseconds{farm.life}.count()};
  auto made = farm.authority->issue(asked.request.request, about.name, until);
  if (!made)
    return refuse(asked, {made.error().text});
  made->key_sha256 = about.key_sha256;
  made->token = asked.is_proven ? about.identity->valid.back().token : about.token;
  made->at = about.now;
  made->until = until;
  auto identity =
    asked.is_proven ? core::renewed(*about.identity, *made) : core::enrolled(about, *made);
  storage::write_batch batch;
  storage::put_identity(batch, identity);
  if (!asked.is_proven) {
    const auto& token = *about.record;
    if (auto left = core::used(token))
      storage::put_token(batch, *left);
    else
      storage::remove_token(batch, token);
    batch.events.push_back(event_of(event_kind::host_joined, about.name,
                                    "joined from " + asked.address + " by token " + token.id
                                      + " of " + token.made_by + in_words(token.labels)));
  }
  auto promise = self->make_response_promise<expected<enrolment_grant>>();
  auto answer = grant_of(*made, identity.labels);
  self
    ->request(farm.recorder, caf::infinite, std::move(batch)) // its silence is fatal anyway
    .await([this, promise, answer, identity, address = asked.address](recorded) mutable {
      ++given;
      spdlog::info("certificate given host={} address={} serial={}", identity.name.value, address,
                   identity.valid.back().serial);
      farm.publish(identity);
      promise.deliver(expected<enrolment_grant>{answer});
    });
  return promise;
}

/// Whoever guesses must fill neither the log nor the journal.
expected<enrolment_grant> enroller_state::refuse(const enrolment_ask& asked,
                                                 const core::give_nothing& why) {
  ++refused;
  if (guesses.admits_at(self->clock().now().time_since_epoch())) {
    spdlog::warn("certificate refused host={} address={} reason=\"{}\"", asked.request.name,
                 asked.address, why.reason);
    storage::write_batch batch;
    batch.events.push_back(event_of(event_kind::host_misbehaved, {},
                                    "no certificate for '" + asked.request.name + "', asked from "
                                      + asked.address + ": " + why.reason));
    self->request(farm.recorder, caf::infinite, std::move(batch)).then([](recorded) {});
  }
  return failure{ec::refused, why.reason};
}

caf::result<expected<accepted>> enroller_state::revoke(const revoke_host& order) {
  using answer = expected<accepted>;
  auto identity = storage::read_identity(*farm.store, order.host);
  if (!identity)
    return answer{identity.error()};
  auto worked = storage::has_worked(*farm.store, order.host);
  if (!worked)
    return answer{worked.error()};
  if (!*identity && !*worked)
    return answer{failure{ec::not_found,
                          "there is no host '" + printable(order.host.value, limits::name_bytes_max)
                            + "' that has a certificate; `drover hosts` lists them"}};
  auto before = identity->value_or(host_identity{});
  before.name = order.host;
  auto after = core::revoked(before, {"", farm.clock(), order.by, order.reason});
  storage::write_batch batch;
  storage::put_identity(batch, after);
  auto event = event_of(event_kind::host_revoked, order.host,
                        order.reason.empty() ? "its certificates hold no more" : order.reason);
  event.by = order.by;
  batch.events.push_back(std::move(event));
  auto promise = self->make_response_promise<answer>();
  self
    ->request(farm.recorder, caf::infinite, std::move(batch)) // as above
    .await([this, promise, after](recorded) mutable {
      spdlog::warn("host revoked host={}", after.name.value);
      farm.publish(after);
      promise.deliver(answer{{after.name.value + " is revoked; it can join again by a new token"}});
    });
  return promise;
}

/// Not by the gateway: a use of the token that is on its way would bring it back.
caf::result<expected<accepted>> enroller_state::end_token(const end_join_token& order) {
  storage::write_batch batch;
  storage::remove_token(batch, order.token);
  batch.events.push_back(order.event);
  auto promise = self->make_response_promise<expected<accepted>>();
  self
    ->request(farm.recorder, caf::infinite, std::move(batch)) // as above
    .await([promise](recorded) mutable { promise.deliver(expected<accepted>{{"it is revoked"}}); });
  return promise;
}

enrolment_grant enroller_state::grant_of(const issued_certificate& made,
                                         const string_map& labels) const {
  return {made.pem, farm.authority->certificate(), farm.farm, made.until, labels};
}

event_record enroller_state::event_of(event_kind kind, const host_name& host,
                                      const std::string& text) const {
  return core::about_host(kind, host, text, farm.clock());
}

actor_entry enroller_state::describe() const {
  actor_entry entry;
  entry.name = entry.kind = name;
  entry.state = "running";
  entry.activity = fmt::format("{} certificates given, {} requests refused", given, refused);
  return entry;
}

enroller_actor::behavior_type enroller(enroller_state::pointer self,
                                       const enroller_settings& settings) {
  self->state.farm = settings;
  return {
    [self](const enrolment_ask& asked) { return self->state.enrol(asked); },
    [self](const revoke_host& order) { return self->state.revoke(order); },
    [self](const end_join_token& order) { return self->state.end_token(order); },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace

enroller_actor spawn_enroller(caf::actor_system& system, const enroller_settings& settings) {
  return system.spawn(enroller, settings);
}

} // namespace drover
