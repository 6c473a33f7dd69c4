// Pieces of forms, and the buttons of builds, hosts and campaigns. Only who may press one sees it.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/page.hpp"

#include <algorithm>

namespace drover::pages {

namespace {

bool may_admin(const page_call& call) {
  return call.who.who.may >= http::role::admin;
}

/// One button with its reason, as a section of its own: the live page takes it away as a whole.
struct one_order {
  literal id;
  std::string path, words;
  std::string_view css = "main";
};
void order_section(html& out, const page_call& call, const one_order& order) {
  auto part = out.in("section", {{"id", order.id.text()}, {"class", "orders"}});
  auto form = form_in(out, call, order.path);
  reason_field(out, call);
  submit_button(out, order.words, order.css);
}

} // namespace

html::scope form_in(html& out, const page_call& call, std::string_view path, std::string_view css) {
  auto scope = out.in("form", {{"method", "post"}, {"action", path}, {"class", css}});
  if (call.who.signed_in())
    out.single("input", {{"type", "hidden"}, {"name", "csrf"}, {"value", call.who.csrf}});
  return scope;
}

void field_in(html& out, const page_call& call, const text_field& field) {
  auto label = out.in("label");
  out.text(field.label);
  auto typed = call.typed.find(std::string{field.name.text()});
  auto value = typed == call.typed.end() ? std::string{field.value} : typed->second;
  out.single("input", {{"name", field.name.text()},
                       {"value", value},
                       {"maxlength", std::to_string(limits::reason_bytes_max)},
                       {"required", field.required ? "required" : ""}});
}

void reason_field(html& out, const page_call& call) {
  field_in(out, call, {"reason", "Reason", {}, true});
}

void submit_button(html& out, std::string_view words, std::string_view css) {
  out.element("button", {{"type", "submit"}, {"class", css}}, words);
}

std::string sign_in_path(const page_call& call) {
  if (call.asked.method == "POST" || (!call.asked.path.empty() && call.asked.path[0] == "login"))
    return "/login";
  return "/login?next=" + http::percent_encode(call.asked.target);
}

void no_right(html& out, const page_call& call, std::string_view what) {
  if (!call.home.parts.desk)
    return;
  auto line = out.in("p", {{"class", "quiet noright"}});
  if (call.who.signed_in()) {
    out.text("Your account may not " + std::string{what} + ".");
    return;
  }
  out.link(sign_in_path(call), "Sign in");
  out.text(" to " + std::string{what} + ".");
}

void build_orders(html& out, const page_call& call, const json& build) {
  auto over = word(build, "state") == "finished";
  if (!may_force(call.who.who, word(build, "builder")))
    return no_right(out, call, over ? "repeat it" : "cancel it");
  auto id = word(build, "id");
  if (over)
    order_section(out, call, {"retry", path_of({"builds", id, "retry"}), "Retry"});
  else if (!build.contains("cancel_requested") || build["cancel_requested"] != true)
    order_section(out, call, {"cancel", path_of({"builds", id, "cancel"}), "Cancel", "danger"});
}

void host_orders(html& out, const page_call& call, const json& host) {
  if (!may_admin(call))
    return no_right(out, call, "drain, pause or restart it");
  auto name = word(host, "name");
  auto held = member(host, "hold").is_object();
  auto part = out.in("section", {{"id", held ? "held" : "free"}, {"class", "orders"}});
  // One form, so that one reason does for all; each button is an address of its own.
  auto form = form_in(out, call, path_of({"hosts", name, "order"}));
  reason_field(out, call);
  struct button {
    literal value, words, about;
  };
  constexpr button free_ones[] = {{"drain", "Drain", "nothing new; what runs goes on to its end"},
                                  {"pause", "Pause", "nothing new; builds wait between two steps"}};
  constexpr button held_ones[] = {{"resume", "Resume", "takes work again"}};
  constexpr button always[] = {{"restart", "Restart the agent", "steps run on"}};
  auto write = [&out](const button& each) {
    out.element("button",
                {{"type", "submit"},
                 {"name", "action"},
                 {"value", each.value.text()},
                 {"title", each.about.text()}},
                each.words.text());
  };
  if (held)
    std::for_each(std::begin(held_ones), std::end(held_ones), write);
  else
    std::for_each(std::begin(free_ones), std::end(free_ones), write);
  std::for_each(std::begin(always), std::end(always), write);
}

void campaign_orders(html& out, const page_call& call, const json& campaign) {
  const auto& cells = list(campaign, "cells");
  auto red = std::count_if(cells.begin(), cells.end(), [&](const json& cell) {
    return is_red(word(cell, "result")) && !member(cell, "build").is_null()
           && may_force(call.who.who, word(cell, "builder"));
  });
  auto any = std::any_of(cells.begin(), cells.end(),
                         [](const json& cell) { return is_red(word(cell, "result")); });
  if (!any)
    return;
  if (red == 0)
    return no_right(out, call, "repeat what is red");
  auto words = count_words(static_cast<size_t>(red), "red build", "red builds");
  order_section(out, call,
                {"retry", path_of({"campaigns", word(campaign, "id"), "retry"}), "Retry " + words});
}

} // namespace drover::pages
