// The step cache of a host: what ran well is packed, handed over and filed.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/cache_key.hpp"
#include "actors/step_cache.hpp"
#include "schema/limits.hpp"
#include "schema/limits_cache.hpp"
#include "schema/names.hpp"

#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace drover {

caf::result<cache_offered> step_cache_state::keep(const cache_offer& request) {
  const auto& token = request.work.token;
  auto memo = port->memo_of(token);
  if (!memo || !memo->keeps)
    return cache_offered{};
  note("packing the result of build " + to_string(token.attempt.build));
  auto packed = port->pack(token, request.work.step, memo->place);
  if (!packed) {
    spdlog::warn("attempt={} not cached: {}", to_string(token.attempt), packed.error().text);
    return cache_offered{packed.error().text};
  }
  auto promise = self->make_response_promise<cache_offered>();
  offer one{request.work, promise, *std::move(memo), *std::move(packed),
            core::log_window{limits::blob_piece_bytes,
                             limits::blob_pieces_in_flight * limits::blob_piece_bytes}};
  one.progress_ms = now_ms();
  if (online())
    one.window.connected();
  auto& held = offers.insert_or_assign(token, std::move(one)).first->second;
  upload(held);
  arm();
  return promise;
}

void step_cache_state::upload(offer& one) {
  if (!online() || one.stored)
    return;
  one.window.overdue(now_ms());
  while (auto span = one.window.next(one.packed.size)) {
    blob_part part{
      one.work.token.attempt.build, one.packed.sha256, span->offset, one.packed.size, {}};
    if (span->bytes > 0) {
      auto bytes = port->read(one.packed.sha256, span->offset, span->bytes);
      if (!bytes || (*bytes).empty())
        return; // it shows as a lack of progress
      part.bytes = *std::move(bytes);
    }
    one.window.sent(part.bytes.size(), now_ms());
    self->send(link, host_message{std::move(part)});
  }
}

void step_cache_state::stored(const blob_stored& news) {
  for (auto at = offers.begin(); at != offers.end();) {
    auto which = at++;
    auto& one = which->second;
    if (one.packed.sha256 != news.sha256 || one.stored)
      continue;
    if (!news.problem.empty()) {
      finish(which, news.problem);
    } else if (news.durable) {
      one.progress_ms = now_ms();
      one.stored = true;
      file(one);
    } else {
      auto before = one.window.confirmed();
      one.window.durable(news.offset, now_ms());
      if (one.window.confirmed() > before) // the same again is no progress
        one.progress_ms = now_ms();
      upload(one);
    }
  }
}

void step_cache_state::file(offer& one) {
  one.asked_ms = now_ms();
  if (online())
    self->send(
      link, host_message{cache_keep{one.work.token, port->digest(core::cache_text(one.memo.parts)),
                                    one.memo.parts, one.packed.sha256, one.packed.size}});
}

void step_cache_state::kept(const cache_kept& news) {
  if (auto found = offers.find(news.token); found != offers.end() && found->second.stored)
    finish(found, news.problem);
}

void step_cache_state::finish(offers_map::iterator one, const std::string& problem) {
  auto node = offers.extract(one);
  const auto& sha256 = node.mapped().packed.sha256;
  auto token = to_string(node.key().attempt);
  if (problem.empty())
    spdlog::info("attempt={} result kept for later builds bytes={}", token,
                 node.mapped().packed.size);
  else
    spdlog::warn("attempt={} result not kept: {}", token, problem);
  node.mapped().promise.deliver(cache_offered{printable(problem, limits::reason_bytes_max)});
  bool shared = std::any_of(offers.begin(), offers.end(), [&](const auto& other) {
    return other.second.packed.sha256 == sha256;
  });
  if (!shared)
    port->discard(sha256);
}

/// While there is no link nothing is lost by waiting: the step could not report its end either.
void step_cache_state::judge_offers() {
  auto now = now_ms();
  for (auto at = offers.begin(); at != offers.end() && online();) {
    auto which = at++;
    auto& one = which->second;
    if (over(one.progress_ms, now, limits::cache_progress_patience))
      finish(which, "the farm did not take it in time");
    else if (!one.stored)
      upload(one);
    else if (over(one.asked_ms, now, limits::resend_after))
      file(one);
  }
}

} // namespace drover
