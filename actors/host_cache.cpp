// The step cache between a host and the farm: the supervisor's part.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/cache_key.hpp"
#include "actors/host_supervisor.hpp"
#include "schema/limits.hpp"
#include "schema/limits_cache.hpp"

#include <algorithm>

namespace drover {

/// Hands what is asked about a step over with all that the farm knows of it; does nothing if the
/// host holds no such grant. `then` gets the subject, `otherwise` says that there is no cache.
template <class Then, class Otherwise>
void host_supervisor_state::about_cached_step(const grant_token& token, const string_map& parts,
                                              Then then, Otherwise otherwise) {
  auto open = orders.find(token);
  if (open == orders.end()) {
    is_foreign(token, "asks the step cache about");
    return;
  }
  if (!farm.cache || !open->second.work.step.cache.on || parts.size() > limits::cache_parts_max)
    return otherwise("this farm keeps no results of it");
  cache_subject subject{open->second.work, record, {}, parts};
  // Labels come with the configuration, which may have changed since this host came.
  self->request(farm.coordinator, limits::request_timeout, config_query{})
    .then(
      [this, subject, then](const std::shared_ptr<const live_config>& live) mutable {
        for (const auto& host : live->config.hosts)
          if (host.name == record.name.value)
            subject.labels = host.labels;
        then(std::move(subject));
      },
      [otherwise](const caf::error&) { otherwise("the farm is busy"); });
}

void host_supervisor_state::on(const cache_ask& said) {
  auto no = [this, token = said.token](const std::string& why) {
    tell(cache_answer{token, false, {}, 0, {}, "ran because " + why});
  };
  auto ask = [this, no](cache_subject subject) {
    auto token = subject.work.token;
    self->request(farm.cache, limits::request_timeout, cache_question{std::move(subject)})
      .then(
        [this, token](const cache_answer& answer) {
          if (!orders.contains(token))
            return;
          // Of attempts that were lost nobody says that they are over.
          std::erase_if(cache_hits,
                        [this](const auto& hit) { return !orders.contains(hit.first); });
          if (answer.hit && cache_hits.size() < limits::cache_grants_max)
            cache_hits[token] = answer.sha256;
          tell(answer);
        },
        [no](const caf::error&) { no("the step cache did not answer"); });
  };
  about_cached_step(said.token, said.parts, ask, no);
}

void host_supervisor_state::on(const cache_keep& said) {
  auto no = [this, token = said.token](const std::string& why) { tell(cache_kept{token, why}); };
  auto keep = [this, no, sha256 = said.sha256, size = said.size](cache_subject subject) {
    self
      ->request(farm.cache, limits::request_timeout, cache_filing{std::move(subject), sha256, size})
      .then([this](const cache_kept& answer) { tell(answer); },
            [no](const caf::error&) { no("the step cache did not answer"); });
  };
  about_cached_step(said.token, said.parts, keep, no);
}

/// Content of a kept result goes to whom it was promised.
bool host_supervisor_state::may_fetch(const std::string& sha256) const {
  return std::any_of(cache_hits.begin(), cache_hits.end(),
                     [&](const auto& hit) { return hit.second == sha256; });
}

/// A step with a cache hands its result over before it ends.
bool host_supervisor_state::may_hand_over(const blob_part& part) const {
  return std::any_of(orders.begin(), orders.end(), [&](const auto& open) {
    return open.first.attempt.build == part.build && open.second.work.step.cache.on;
  });
}

/// Content that can't be read is no hit for the next one.
void host_supervisor_state::judge_piece(const blob_piece& piece) {
  if (!piece.problem.empty() && farm.cache && may_fetch(piece.sha256))
    self->send(farm.cache, cache_damaged{piece.sha256, piece.problem});
}

} // namespace drover
