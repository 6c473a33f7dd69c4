// What was acknowledged is there after a crash.
// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/attempts.hpp"
#include "tests/sim/checkers.hpp"

#include <algorithm>
#include <utility>

namespace drover::sim {

namespace {

void add(promises&& more, promises& to) {
  to.builds.merge(more.builds);
  to.cancelled.merge(more.cancelled);
  to.campaigns.merge(more.campaigns);
  to.results.merge(more.results);
  for (const auto& [attempt, offset] : more.logs)
    to.logs[attempt] = std::max(to.logs[attempt], offset);
}

} // namespace

void checkers::check_kept(const promises& made) {
  std::map<build_id, std::optional<build_file>> read; // one build gives many promises
  auto kept = [&](build_id build) -> const std::optional<build_file>& {
    auto [found, fresh] = read.try_emplace(build);
    if (fresh)
      found->second = stored(build);
    return found->second;
  };
  for (auto build : made.builds)
    if (!kept(build))
      return breach(text_of(build) + " was acknowledged and is lost");
  for (auto build : made.cancelled)
    if (const auto& file = kept(build); !file || !file->build.cancel_requested)
      return breach(text_of(build) + ": its cancellation was acknowledged and is lost");
  for (auto campaign : made.campaigns)
    if (auto found = storage::read_campaign(*store_, campaign); !found || !*found)
      return breach("campaign " + std::to_string(campaign.value) + " was acknowledged and is lost");
  for (const auto& [attempt, offset] : made.logs)
    if (auto size = storage::log_size(*store_, attempt); !size || *size < offset)
      return breach("log of attempt " + sim::text_of(attempt) + ": " + std::to_string(offset)
                    + " bytes were acknowledged, "
                    + (size ? std::to_string(*size) : size.error().text) + " are stored");
  for (const auto& token : made.results) {
    const auto& file = kept(token.attempt.build);
    const auto* attempt = file ? attempt_of(*file, token) : nullptr;
    if (attempt == nullptr || live(*attempt))
      return breach("result of attempt " + sim::text_of(token) + " was acknowledged and is lost");
  }
}

void checkers::after_crash(const std::set<storage::memory_store::place>& lost) {
  check_kept(fresh_);
  add(std::exchange(fresh_, {}), promises_);
  auto last = storage::last_event(*store_);
  healing.journal_is_back_at(last ? *last : 0);
  // What was seen but not durable may be gone, and that is right.
  std::set<build_id> touched;
  for (const auto& [where, key] : lost)
    if (where == storage::family::history)
      add_touched(key, touched);
  for (auto build : touched) {
    if (auto file = stored(build)) {
      saw(build, *std::move(file));
    } else {
      seen_.erase(build);
      unfinished_.erase(build);
    }
  }
}

} // namespace drover::sim
