// Logs: streamed whole, or polled piece by piece while they grow.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/routes.hpp"
#include "schema/names.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>

namespace drover::http {

namespace {

using std::chrono::steady_clock;

struct log_ask {
  std::string build;
  std::string step;     ///< a name or an index
  uint64_t attempt = 0; ///< 0: the one whose result stands, or the present one
  uint64_t offset = 0;
  std::optional<uint64_t> limit;
  std::optional<milliseconds> wait;
};

/// A log as it stands now.
struct log_view {
  attempt_id attempt; ///< number 0: there is no attempt yet
  uint64_t size = 0;  ///< stored
  bool complete = false;
};

expected<log_ask> ask_of(const api_call& call) {
  log_ask out;
  if (auto wrong = unknown_parameter(call.asked, {"attempt", "offset", "limit", "wait"}))
    return *wrong;
  out.build = call.captures[0];
  out.step = call.captures[1];
  auto attempt = number_parameter(call.asked, "attempt", 0, UINT32_MAX);
  auto offset = number_parameter(call.asked, "offset", 0, UINT64_MAX);
  auto limit = number_parameter(call.asked, "limit", 0, UINT64_MAX);
  auto wait = wait_parameter(call.asked);
  if (!attempt)
    return attempt.error();
  if (!offset)
    return offset.error();
  if (!limit)
    return limit.error();
  if (!wait)
    return wait.error();
  out.attempt = *attempt;
  out.offset = *offset;
  if (call.asked.parameter("limit"))
    out.limit = *limit;
  out.wait = *wait;
  return out;
}

/// The step that `text` names; a name goes before an index.
const step_record* find_step(const build_file& file, const std::string& text) {
  for (const auto& step : file.steps)
    if (step.name == text)
      return &step;
  for (const auto& step : file.steps)
    if (std::to_string(step.index.value) == text)
      return &step;
  return nullptr;
}

/// The attempt asked for; without a number the accepted one, else the last that counts, else the
/// last. Null: there is none.
const attempt_record* find_attempt(const step_record& step, uint64_t number) {
  const attempt_record* last = nullptr;
  const attempt_record* last_counting = nullptr;
  auto wanted = number != 0 ? number : step.accepted.value;
  for (const auto& attempt : step.attempts) {
    if (wanted != 0 && attempt.number.value == wanted)
      return &attempt;
    last = &attempt;
    if (attempt.role == attempt_role::counts)
      last_counting = &attempt;
  }
  if (number != 0)
    return nullptr;
  return last_counting ? last_counting : last;
}

expected<log_view> look(const api_context& api, const log_ask& asked) {
  auto file = find_build(api, asked.build);
  if (!file)
    return file.error();
  auto* step = find_step(*file, asked.step);
  if (!step)
    return failure{ec::not_found, "build " + to_string(file->build.id) + " has no step '"
                                    + printable(asked.step, 80) + "'"};
  auto* attempt = find_attempt(*step, asked.attempt);
  if (!attempt && asked.attempt != 0)
    return failure{ec::not_found, "step '" + step->name + "' of build " + to_string(file->build.id)
                                    + " has no attempt " + std::to_string(asked.attempt)};
  log_view out;
  out.attempt = {file->build.id, step->index, {}};
  if (!attempt) {
    out.complete =
      step->state == step_state::finished || file->build.state == build_state::finished;
    return out;
  }
  out.attempt.attempt = attempt->number;
  auto size = storage::log_size(*api.parts.store, out.attempt);
  if (!size)
    return size.error();
  out.size = *size;
  // Of a lost attempt more may still come, as evidence; nobody should wait for it.
  out.complete = attempt->state == attempt_state::lost
                 || (attempt->state == attempt_state::finished && out.size >= attempt->log_bytes);
  return out;
}

/// Lets time pass until the log may have grown above `asked.offset`, `patience` at most.
asio::awaitable<std::optional<failure>> wait_for_growth(api_context& api, const log_view& seen,
                                                        uint64_t offset, milliseconds patience) {
  if (seen.attempt.attempt.value == 0) { // there is nothing yet that could report growth
    asio::steady_timer pause{co_await asio::this_coro::executor, patience};
    co_await pause.async_wait(asio::use_awaitable);
    co_return std::nullopt;
  }
  log_wait query{seen.attempt, offset, patience};
  auto size = co_await ask<uint64_t>(api.parts.door, api.parts.log_sink,
                                     patience + limits::request_timeout, query);
  if (!size)
    co_return size.error();
  co_return std::nullopt;
}

/// Looks until there are bytes above the offset, the log is complete, or the wait is over.
asio::awaitable<expected<log_view>> await_log(api_context& api, const log_ask& asked) {
  auto until = steady_clock::now() + asked.wait.value_or(milliseconds{0});
  for (;;) {
    auto seen = look(api, asked);
    if (!seen || seen->size > asked.offset || seen->complete)
      co_return seen;
    auto left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now());
    if (left <= milliseconds{0})
      co_return seen;
    auto wrong =
      co_await wait_for_growth(api, *seen, asked.offset, std::min(left, limits::http_log_slice));
    if (wrong)
      co_return *wrong;
  }
}

response log_head(const log_view& seen, uint64_t offset) {
  response out;
  out.type = "application/octet-stream";
  out.fields.emplace_back("Drover-Log-Offset", std::to_string(offset));
  out.fields.emplace_back("Drover-Log-Size", std::to_string(seen.size));
  out.fields.emplace_back("Drover-Log-Complete", seen.complete ? "true" : "false");
  out.fields.emplace_back("Drover-Log-Attempt", std::to_string(seen.attempt.attempt.value));
  return out;
}

/// Everything from `offset` to what is stored now; the store is read as the client reads.
response stream_log(const api_context& api, const log_view& seen, uint64_t offset) {
  auto out = log_head(seen, offset);
  out.length = seen.size - offset;
  out.pieces = [store = api.parts.store, attempt = seen.attempt, at = offset,
                end = seen.size]() mutable -> expected<std::string> {
    if (at >= end)
      return std::string{};
    auto most = std::min<uint64_t>(limits::http_log_bytes_max, end - at);
    auto bytes = storage::read_log(*store, attempt, at, most);
    if (bytes && bytes->empty())
      return failure{ec::damaged, "log of " + to_string(attempt) + ": ends at " + std::to_string(at)
                                    + " instead of " + std::to_string(end)};
    if (bytes)
      at += bytes->size();
    return bytes;
  };
  return out;
}

} // namespace

answer get_log(api_call& call) {
  auto asked = ask_of(call);
  if (!asked)
    co_return failure_answer(asked.error());
  auto seen = co_await await_log(call.api, *asked);
  if (!seen)
    co_return failure_answer(seen.error());
  if (asked->offset > seen->size)
    co_return failure_answer({ec::bad_input, "offset " + std::to_string(asked->offset)
                                               + " lies behind the log's end at "
                                               + std::to_string(seen->size)});
  if (!asked->limit && !asked->wait)
    co_return stream_log(call.api, *seen, asked->offset);
  auto out = log_head(*seen, asked->offset);
  auto most = std::min<uint64_t>(asked->limit.value_or(limits::http_log_bytes_max),
                                 limits::http_log_bytes_max);
  most = std::min(most, seen->size - asked->offset);
  if (most > 0) {
    auto bytes = storage::read_log(*call.api.parts.store, seen->attempt, asked->offset, most);
    if (!bytes)
      co_return failure_answer(bytes.error());
    out.body = std::move(*bytes);
  }
  co_return out;
}

} // namespace drover::http
