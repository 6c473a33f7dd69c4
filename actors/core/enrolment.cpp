// SPDX-License-Identifier: Apache-2.0
#include "actors/core/enrolment.hpp"

#include "schema/limits_enrolment.hpp"
#include "schema/names.hpp"

#include <algorithm>

namespace drover::core {
namespace {

constexpr const char* unknown_token =
  "the token is not known: it was mistyped, used up, revoked or has expired; ask the farm's admin"
  " for a new one";

/// The newest certificate for this key that still holds.
const issued_certificate* held_for(const enrolment_case& of) {
  if (!of.identity)
    return nullptr;
  const auto& valid = of.identity->valid;
  auto found = std::find_if(valid.rbegin(), valid.rend(), [&](const issued_certificate& one) {
    return one.key_sha256 == of.key_sha256 && one.until > of.now;
  });
  return found == valid.rend() ? nullptr : &*found;
}

bool holds_something(const enrolment_case& of) {
  return of.identity
         && std::any_of(of.identity->valid.begin(), of.identity->valid.end(),
                        [&](const issued_certificate& one) { return one.until > of.now; });
}

void remember(host_identity& in, const revoked_certificate& one) {
  in.revoked.push_back(one);
  if (in.revoked.size() > limits::revoked_certificates_kept)
    in.revoked.erase(in.revoked.begin());
}

} // namespace

enrolment_verdict decide_enrolment(const enrolment_case& of) {
  if (const auto* held = held_for(of); held && same_digest(held->token, of.token))
    return give_again{*held};
  bool is_known = of.record && same_digest(of.record->sha256, of.token) && of.record->role == "join"
                  && of.record->uses_left > 0
                  && (of.record->expires_at.ms == 0 || of.record->expires_at > of.now);
  if (!is_known)
    return give_nothing{unknown_token, true};
  auto name = of.name.value;
  // Whoever took the place of a host that is away would get its builds.
  if (holds_something(of) || (of.has_worked && !of.identity))
    return give_nothing{"the farm has a host '" + name
                        + "' already: choose another name (--name), "
                          "or have the admin make room by `drover admin revoke "
                        + name + "`"};
  return give_new{};
}

enrolment_verdict decide_renewal(const enrolment_case& of) {
  if (!of.identity)
    return give_nothing{"the certificate of '" + of.name.value
                        + "' was not given for a token: who made it makes the next one"};
  const auto* held = held_for(of);
  if (!held)
    return give_nothing{"the key of '" + of.name.value + "' holds no more: join again by a token"};
  auto life = held->until.ms - held->at.ms;
  if (of.now.ms - held->at.ms < life / 3) // its answer was lost, or it asks too often
    return give_again{*held};
  return give_new{};
}

host_identity enrolled(const enrolment_case& of, const issued_certificate& made) {
  auto out = of.identity.value_or(host_identity{});
  out.name = of.name;
  out.labels = of.record ? of.record->labels : string_map{};
  for (const auto& old : out.valid)
    remember(out, {old.serial, of.now, "the farm", "the host joined anew"});
  out.valid = {made};
  return out;
}

host_identity renewed(host_identity before, const issued_certificate& made) {
  before.valid.push_back(made);
  if (before.valid.size() > limits::host_certificates_max)
    before.valid.erase(before.valid.begin());
  return before;
}

host_identity revoked(host_identity before, const revoked_certificate& how) {
  for (const auto& old : before.valid)
    remember(before, {old.serial, how.at, how.by, how.reason});
  if (before.valid.empty())
    remember(before, how);
  before.valid.clear();
  return before;
}

std::optional<std::string> certificate_problem(const host_identity& of, const std::string& serial) {
  auto holds = std::any_of(of.valid.begin(), of.valid.end(),
                           [&](const issued_certificate& one) { return one.serial == serial; });
  if (holds)
    return std::nullopt;
  auto again = "; join again by a new token of the farm's admin";
  auto revoked = revocation_of(of);
  if (revoked.empty())
    return "this certificate of " + of.name.value + " holds no more: the host has another one"
           + again;
  return "the certificates of " + of.name.value + " were " + revoked + again;
}

std::string revocation_of(const host_identity& host) {
  if (!host.valid.empty() || host.revoked.empty())
    return {};
  const auto& last = host.revoked.back();
  return "revoked by " + last.by + (last.reason.empty() ? "" : ": " + last.reason);
}

std::optional<std::string> successor_of(const std::string& serial, const host_identity& before,
                                        const host_identity& after) {
  auto old = std::find_if(before.valid.begin(), before.valid.end(),
                          [&](const issued_certificate& one) { return one.serial == serial; });
  bool revoked = std::any_of(after.revoked.begin(), after.revoked.end(),
                             [&](const revoked_certificate& one) { return one.serial == serial; });
  if (old == before.valid.end() || revoked)
    return std::nullopt;
  auto next =
    std::find_if(after.valid.rbegin(), after.valid.rend(), [&](const issued_certificate& one) {
      return same_digest(one.key_sha256, old->key_sha256);
    });
  if (next == after.valid.rend())
    return std::nullopt;
  return next->serial;
}

std::optional<token_record> used(token_record token) {
  if (token.uses_left <= 1)
    return std::nullopt;
  --token.uses_left;
  return token;
}

bool same_digest(const std::string& a, const std::string& b) {
  if (a.size() != b.size() || a.empty())
    return false;
  unsigned char differ = 0;
  for (size_t at = 0; at < a.size(); ++at)
    differ = static_cast<unsigned char>(
      differ | (static_cast<unsigned char>(a[at]) ^ static_cast<unsigned char>(b[at])));
  return differ == 0;
}

} // namespace drover::core
