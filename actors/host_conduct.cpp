// What a host may speak of: the supervisor looks claims up, and notes what is not the host's own.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/events.hpp"
#include "actors/core/mutants.hpp"
#include "actors/host_supervisor.hpp"
#include "schema/names.hpp"
#include "storage/tables.hpp"

#include <spdlog/spdlog.h>

namespace drover {

/// Whether this host may speak of an attempt, though it has no order for it now.
core::claim host_supervisor_state::claim_of(const grant_token& token) {
  if (orders.contains(token) || !farm.store || core::is_mutant(core::mutant::any_host_reports))
    return core::claim::own;
  if (auto known = claims.find(token); known != claims.end())
    return known->second;
  if (!claims_read.admits_at(now()))
    return core::claim::unknown;
  auto file = storage::read_build_file(*farm.store, token.attempt.build);
  if (!file) {
    spdlog::error("claim not judged host={} attempt={} reason=\"{}\"", record.name.value,
                  to_string(token.attempt), file.error().text);
    return core::claim::unknown;
  }
  if (claims.size() >= limits::claims_remembered_max)
    claims.clear();
  return claims[token] = core::judge_claim(*file, token, record.name, farm.now);
}

/// True, and noted, if the attempt was never granted to this host. `what` it did with it.
bool host_supervisor_state::is_foreign(const grant_token& token, const char* what) {
  if (claim_of(token) != core::claim::foreign)
    return false;
  accuse(std::string{"it "} + what + " attempt " + to_string(token.attempt)
         + " (build/step/attempt), which was never granted to it");
  return true;
}

/// An attempt of somebody else that the host claims to hold: it is told to let go of it.
void host_supervisor_state::refuse_claim(const known_attempt& claimed) {
  if (claimed.state == known_state::ended)
    tell(result_durable{claimed.token});
  else
    tell(cancel_attempt{claimed.token, "it was never granted to this host"});
}

/// Notes it if the host has no part in the build at all; that it comes too late is no misdeed.
void host_supervisor_state::judge_part(build_id build, const std::string& what) {
  if (!farm.store || !claims_read.admits_at(now()))
    return;
  auto file = storage::read_build_file(*farm.store, build);
  if (file && core::judge_part(*file, record.name) == core::claim::foreign)
    accuse("it " + what + " of build " + to_string(build) + ", in which it has no part");
}

void host_supervisor_state::accuse(const std::string& what) {
  auto text = misdeeds.told(what, now());
  if (text.empty())
    return;
  spdlog::warn("host misbehaves host={} what=\"{}\"", record.name.value,
               printable(text, limits::reason_bytes_max));
  storage::write_batch batch;
  batch.events.push_back(core::misconduct_event(record.name, text, farm.clock()));
  self->request(farm.recorder, caf::infinite, std::move(batch)).then([](recorded) {});
}

} // namespace drover
