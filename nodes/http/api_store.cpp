// The store in order: verification, backups, clean-up. And the document of this API.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/openapi.hpp"
#include "nodes/http/routes.hpp"
#include "schema/limits_api.hpp"
#include "schema/limits_retention.hpp"
#include "schema/names.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

namespace drover::http {

namespace {

/// Takes the keeper's place, or says that somebody else has it. The keeper gives it free.
std::optional<response> take_keeper(const api_call& call) {
  if (!call.api.parts.keeper.busy->exchange(true))
    return std::nullopt;
  return failure_answer(
    {ec::conflict, "the store is being verified, cleaned up or copied already; try again later"});
}

/// The journal's entry of what was done with the store; a failure is worth a line of the answer.
asio::awaitable<std::optional<failure>> note(api_context& api, std::string by, std::string text) {
  storage::write_batch batch;
  event_record event;
  event.kind = event_kind::store_kept;
  event.at = api.parts.clock();
  event.by = std::move(by);
  event.text = std::move(text);
  batch.events.push_back(std::move(event));
  co_return co_await record(api, std::move(batch));
}

json json_of(const storage::verify_report& report) {
  auto damaged = json::array();
  for (const auto& each : report.damaged)
    damaged.push_back({{"what", each.what}, {"why", each.why}});
  return {{"ok", report.damages == 0},
          {"checked",
           {{"records", report.records},
            {"log_segments", report.log_segments},
            {"blobs", report.blobs},
            {"bytes", report.bytes}}},
          {"damages", report.damages},
          {"damaged", damaged}};
}

std::string sentence_of(const storage::verify_report& report) {
  auto looked = std::to_string(report.records) + " records, " + std::to_string(report.log_segments)
                + " log segments, " + std::to_string(report.blobs) + " blobs";
  return "verified " + looked + ": "
         + (report.damages == 0 ? "all sound" : std::to_string(report.damages) + " damaged");
}

// -- verification, which may take hours ----------------------------------------------------------

/// A verification that runs while its answer says again and again that it does.
struct long_work {
  explicit long_work(const asio::any_io_executor& loop) : alarm{loop} {}
  asio::steady_timer alarm;
  std::optional<expected<storage::verify_report>> done;
  bool told = false;
};

asio::awaitable<void> run_verification(api_context& api, std::shared_ptr<long_work> work,
                                       std::string by) {
  auto report = co_await ask_for<storage::verify_report>(api.parts.door, api.parts.keeper.actor,
                                                         limits::store_work_max, verify_order{});
  if (report) {
    auto problem = co_await note(api, std::move(by), sentence_of(*report));
    work->done = problem ? expected<storage::verify_report>{*problem} : std::move(report);
  } else {
    work->done = std::move(report);
  }
  work->alarm.cancel();
}

/// Spaces while it works, which JSON may begin with; then the report.
asio::awaitable<expected<std::string>> next_of(std::shared_ptr<long_work> work) {
  if (work->told)
    co_return std::string{};
  if (!work->done) {
    work->alarm.expires_after(limits::store_work_alive);
    boost::system::error_code woken; // by the end of the work, or by the time
    co_await work->alarm.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
  if (!work->done)
    co_return std::string{" "};
  work->told = true;
  if (!*work->done)
    co_return work->done->error();
  co_return text_of(json_of(**work->done));
}

/// What retention takes, or would take, of which build and why.
void add_drops(json& out, const std::vector<core::artifact_drop>& drops) {
  uint64_t bytes = 0;
  auto rows = json::array();
  for (const auto& drop : drops) {
    bytes += drop.bytes;
    if (rows.size() < limits::retention_told_max)
      rows.push_back({{"build", drop.build.value},
                      {"builder", drop.builder},
                      {"bytes", drop.bytes},
                      {"reason", drop.why}});
  }
  out["artifact_builds"] = drops.size();
  out["artifact_bytes"] = bytes;
  out["artifacts"] = std::move(rows);
}

expected<backup_order> backup_of(const request& asked) {
  auto to = asked.parameter("to").value_or("");
  if (to.empty() || to[0] != '/')
    return failure{ec::bad_input,
                   "parameter 'to' must be an absolute path on the coordinator's machine"};
  if (to.size() > limits::value_bytes_max || printable(to, to.size() + 1) != to)
    return failure{ec::bad_input, "parameter 'to' is no usable path"};
  return backup_order{to};
}

} // namespace

answer post_verify(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"by", "reason"}))
    co_return failure_answer(*wrong);
  if (auto taken = take_keeper(call))
    co_return std::move(*taken);
  auto loop = co_await asio::this_coro::executor;
  auto work = std::make_shared<long_work>(loop);
  asio::co_spawn(loop, run_verification(call.api, work, by_of(call)), asio::detached);
  response out;
  out.flow = [work] { return next_of(work); };
  co_return out;
}

answer post_backup(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"by", "reason", "to"}))
    co_return failure_answer(*wrong);
  auto order = backup_of(call.asked);
  if (!order)
    co_return failure_answer(order.error());
  if (auto taken = take_keeper(call))
    co_return std::move(*taken);
  auto made = co_await ask_for<backup_report>(call.api.parts.door, call.api.parts.keeper.actor,
                                              limits::store_work_max, std::move(*order));
  if (!made)
    co_return failure_answer(made.error());
  auto text = with_reason(call, "backup to " + printable(made->path, 200));
  if (auto problem = co_await note(call.api, by_of(call), std::move(text)))
    co_return failure_answer(*problem);
  auto out = json::object();
  out["path"] = made->path;
  out["bytes"] = made->bytes;
  out["sequence"] = made->sequence;
  co_return json_answer(out, 201);
}

answer post_clean_up(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {"by", "reason", "older_than", "preview"}))
    co_return failure_answer(*wrong);
  auto age = number_parameter(call.asked, "older_than", 0, limits::token_seconds_max);
  auto preview = yes_parameter(call.asked, "preview", false);
  if (!age || !preview)
    co_return failure_answer(age ? preview.error() : age.error());
  if (auto taken = take_keeper(call))
    co_return std::move(*taken);
  clean_up_order order{std::nullopt, *preview};
  if (!call.asked.parameter("older_than").value_or("").empty())
    order.older_than = std::chrono::seconds{*age};
  auto cleaned = co_await ask_for<clean_up_answer>(call.api.parts.door, call.api.parts.keeper.actor,
                                                   limits::store_work_max, order);
  if (!cleaned)
    co_return failure_answer(cleaned.error());
  const auto* report = &cleaned->removed;
  if (!*preview) {
    auto text =
      with_reason(call, "removed " + std::to_string(report->builds) + " builds, "
                          + std::to_string(report->events) + " events, "
                          + std::to_string(report->blobs) + " blobs; dropped artifacts of "
                          + std::to_string(cleaned->dropped.size()) + " builds");
    if (auto problem = co_await note(call.api, by_of(call), std::move(text)))
      co_return failure_answer(*problem);
  }
  auto out = json::object();
  out["preview"] = *preview;
  out["builds"] = report->builds;
  out["campaigns"] = report->campaigns;
  out["events"] = report->events;
  out["blobs"] = report->blobs;
  out["bytes"] = report->bytes;
  add_drops(out, cleaned->dropped);
  co_return json_answer(out);
}

answer get_openapi(api_call& call) {
  if (auto wrong = unknown_parameter(call.asked, {}))
    co_return failure_answer(*wrong);
  response out;
  out.body = openapi_document();
  co_return out;
}

} // namespace drover::http
