// What forms ask of builds, hosts and campaigns, passed to the API in the visitor's name.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/page.hpp"

namespace drover::pages {

void refuse(page_call& call, unsigned status, std::string why) {
  call.wrong = std::move(why);
  call.status = status;
}

void refuse(page_call& call, const api_reply& why) {
  refuse(call, why.status,
         why.detail.empty() ? "the farm answered with status " + std::to_string(why.status)
                            : why.detail);
}

namespace {

/// The reason that was typed; without one the call is refused.
std::string reason_of(page_call& call) {
  auto reason = http::field_of(call.typed, "reason");
  if (reason.empty())
    refuse(call, 400, "nothing was done: say why, for those who read the journal");
  return reason;
}

page_answer order_build(page_call& call, std::string action) {
  auto reason = reason_of(call);
  if (reason.empty())
    co_return co_await show_build(call);
  auto path = segments("builds", call.captures[0], action);
  auto done = co_await order_api(call, std::move(path), with("reason", reason));
  if (!done.ok()) {
    refuse(call, done);
    co_return co_await show_build(call);
  }
  auto made = word(done.body, "id");
  co_return go_to(
    path_of({"builds", action == "retry" && !made.empty() ? made : call.captures[0]}));
}

} // namespace

page_answer act_cancel(page_call& call) {
  return order_build(call, "cancel");
}

page_answer act_retry(page_call& call) {
  return order_build(call, "retry");
}

page_answer act_host(page_call& call) {
  auto reason = reason_of(call);
  if (reason.empty())
    co_return co_await show_host(call);
  auto action = http::field_of(call.typed, "action");
  auto path = segments("hosts", call.captures[0], action);
  auto done = co_await order_api(call, std::move(path), with("reason", reason));
  if (!done.ok()) {
    refuse(call, done);
    co_return co_await show_host(call);
  }
  co_return go_to(path_of({"hosts", call.captures[0]}));
}

page_answer act_look(page_call& call) {
  auto done = co_await order_api(call, segments("sources", call.captures[0], "look"));
  if (done.ok())
    co_return go_to("/changes");
  refuse(call, done);
  co_return co_await show_changes(call);
}

page_answer act_campaign_retry(page_call& call) {
  auto reason = reason_of(call);
  auto campaign = co_await ask_api(call, segments("campaigns", call.captures[0]));
  if (!campaign.ok())
    co_return refused_page(call, campaign);
  if (reason.empty())
    co_return co_await show_campaign(call);
  size_t made = 0;
  for (const auto& cell : list(campaign.body, "cells")) {
    auto builder = word(cell, "builder");
    if (!is_red(word(cell, "result")) || member(cell, "build").is_null()
        || !may_force(call.who.who, builder))
      continue;
    if (made == limits::form_retries_max)
      break;
    auto path = segments("builds", word(cell, "build"), "retry");
    auto done = co_await order_api(call, std::move(path), with("reason", reason));
    if (!done.ok()) {
      refuse(call, done.status,
             builder + " #" + word(cell, "build") + ": " + done.detail + "; before it "
               + count_words(made, "build was", "builds were") + " made");
      co_return co_await show_campaign(call);
    }
    ++made;
  }
  if (made == 0) {
    refuse(call, 409, "nothing was done: nothing red is left that you may repeat");
    co_return co_await show_campaign(call);
  }
  co_return go_to("/builds");
}

} // namespace drover::pages
