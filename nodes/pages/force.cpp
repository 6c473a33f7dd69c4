// The Force form: what a builder takes, made from its parameters, and where it would run.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/page.hpp"
#include "schema/limits_web.hpp"
#include "schema/names.hpp"

#include <algorithm>

namespace drover::pages {

namespace {

constexpr std::string_view param_prefix = "p."; // before a parameter's name in the form

std::string typed_or(const page_call& call, const std::string& name, const std::string& otherwise) {
  auto found = call.typed.find(name);
  return found == call.typed.end() ? otherwise : found->second;
}

/// As a field shows it: what comes back unchanged was not typed.
std::string as_shown(const std::string& value) {
  return printable(value, limits::page_text_bytes_max);
}

void option(html& out, std::string_view value, std::string_view words, const std::string& chosen) {
  // An empty attribute would be left out, and the words be the value.
  out.element("option",
              {{"value", value.empty() ? std::string_view{"-"} : value},
               {"selected", value == chosen || (value.empty() && chosen == "-") ? "selected" : ""}},
              words);
}

void param_input(html& out, const page_call& call, const json& param) {
  auto name = std::string{param_prefix} + word(param, "name");
  auto kind = word(param, "kind");
  auto value = typed_or(call, name, word(param, "default"));
  bool required = member(param, "required") == true;
  const auto& choices = list(param, "choices");
  if (kind == "yes_no" || !choices.empty()) {
    auto box = out.in("select", {{"name", name}, {"required", required ? "required" : ""}});
    if (required)
      out.element("option", {{"value", "-"}}, "choose");
    if (kind == "yes_no")
      for (auto each : {"yes", "no"})
        option(out, each, each, value);
    for (const auto& choice : choices) {
      auto text = choice.is_string() ? choice.get<std::string>() : choice.dump();
      option(out, text, text, value);
    }
    return;
  }
  out.single("input", {{"name", name},
                       {"value", value},
                       {"inputmode", kind == "number" ? "numeric" : ""},
                       {"pattern", kind == "number" ? "-?[0-9]{1,18}" : ""},
                       {"autocomplete", "off"},
                       {"required", required ? "required" : ""}});
}

void param_fields(html& out, const page_call& call, const json& builder) {
  for (const auto& param : list(builder, "params")) {
    auto label = out.in("label");
    {
      auto line = out.in("span");
      out.element("span", {{"class", "paramname"}}, word(param, "name"));
      if (member(param, "required") == true)
        out.element("span", {{"class", "quiet"}}, " needed");
    }
    param_input(out, call, param);
    if (auto about = word(param, "about"); !about.empty())
      out.element("span", {{"class", "quiet"}}, about);
  }
}

std::string change_words(const json& change) {
  auto ref = source_words(member(change, "ref"));
  auto branch = word(change, "branch");
  auto title = word(change, "title");
  return ref + (branch.empty() ? "" : " (" + branch + ")") + (title.empty() ? "" : ": " + title);
}

void source_field(html& out, const page_call& call, const std::vector<std::string>& sources,
                  const json& changes) {
  if (changes.empty()) {
    for (const auto& source : sources)
      out.element("p", {{"class", "quiet"}}, "Source " + source + " has brought nothing yet.");
    return;
  }
  auto label = out.in("label");
  out.text("Source");
  auto box = out.in("select", {{"name", "source"}});
  auto newest = sources.empty() ? std::string{} : word(changes.front(), "id");
  auto chosen = typed_or(call, "source", newest);
  if (sources.empty())
    option(out, "", "nothing", chosen);
  for (const auto& change : changes)
    option(out, word(change, "id"),
           (sources.size() > 1 ? word(change, "source") + ", " : "") + change_words(change),
           chosen);
}

void host_field(html& out, const page_call& call, const json& where) {
  const auto& hosts = list(where, "hosts");
  auto label = out.in("label");
  out.text("Host");
  auto box = out.in("select", {{"name", "host"}});
  auto chosen = typed_or(call, "host", "");
  auto on = word(where, "on");
  option(out, "",
         on == "each host"    ? "each that serves it"
         : on == "each class" ? "one of each class"
                              : "any that serves it",
         chosen);
  for (const auto& host : hosts) {
    const auto& slots = member(host, "slots");
    option(out, word(host, "name"),
           word(host, "name") + " (" + plain_words(word(host, "state")) + ", " + word(slots, "used")
             + " of " + word(slots, "total") + " slots in use)",
           chosen);
  }
}

/// Where it would run now, or what it would wait for.
void where_words(html& out, const json& where) {
  auto box = out.in("section", {{"class", "where"}, {"id", "where"}});
  out.element("h2", "Where it would run");
  auto host = word(where, "host");
  auto on = word(where, "on");
  const auto& hosts = list(where, "hosts");
  if (on != "any" && !hosts.empty()) {
    auto line = out.in("p");
    out.text(on == "each host" ? "On each host that serves it:" : "On one host of each class, of:");
  } else if (!host.empty()) {
    auto line = out.in("p");
    out.text("At once, on ");
    host_link(out, host);
    out.text(".");
  } else {
    out.element("p", {{"class", "why"}}, "It " + word(where, "reason") + ".");
    evidence_list(out, where);
  }
  if (hosts.empty())
    return;
  auto rows = out.in("ul", {{"class", "rows"}});
  for (const auto& each : hosts) {
    auto row = out.in("li");
    host_link(out, word(each, "name"));
    mark(out, word(each, "state"), "");
    const auto& slots = member(each, "slots");
    out.element("span", {{"class", "quiet end"}},
                word(slots, "used") + " of " + word(slots, "total") + " slots");
  }
}

/// The values that differ from the builder's own, as the API takes them.
json params_of(const page_call& call, const json& builder) {
  auto out = json::object();
  for (const auto& param : list(builder, "params")) {
    auto name = word(param, "name");
    auto sent = call.typed.find(std::string{param_prefix} + name);
    if (sent == call.typed.end())
      continue;
    bool is_own = sent->second == as_shown(word(param, "default"));
    bool is_open =
      (sent->second.empty() || sent->second == "-") && member(param, "required") == true;
    if (!is_own && !is_open)
      out[name] = sent->second;
  }
  return out;
}

/// The source that was chosen, as the API takes it; null: nothing. A failure says what is wrong.
asio::awaitable<expected<json>> source_of(const page_call& call) {
  auto chosen = http::field_of(call.typed, "source");
  if (chosen.empty() || chosen == "-")
    co_return json(nullptr);
  auto change = co_await ask_api(call, segments("changes", chosen));
  if (!change.ok())
    co_return failure{ec::bad_input, change.detail};
  co_return member(change.body, "ref");
}

/// What these sources brought last, newest first; of a builder without a source: all did.
asio::awaitable<json> changes_of(const page_call& call, std::vector<std::string> sources) {
  auto rows = std::to_string(limits::form_changes);
  if (sources.empty())
    sources.emplace_back();
  auto out = json::array();
  for (const auto& source : sources) {
    auto query = source.empty() ? with("limit", rows) : with("limit", rows, "source", source);
    auto some = co_await ask_api(call, segments("changes"), std::move(query));
    for (const auto& change : list(some.body, "changes"))
      out.push_back(change);
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const json& a, const json& b) { return number(a, "id") > number(b, "id"); });
  if (out.size() > limits::form_changes)
    out.erase(out.begin() + limits::form_changes, out.end());
  co_return out;
}

page_answer again(page_call& call, unsigned status, std::string why) {
  call.wrong = std::move(why);
  call.status = status;
  co_return co_await show_builder(call);
}

} // namespace

asio::awaitable<html> force_form(const page_call& call, json builder) {
  html out;
  if (!call.home.parts.desk)
    co_return out;
  auto name = word(builder, "name");
  auto where = co_await ask_api(call, segments("builders", name, "where"));
  auto sources = sources_of(builder);
  auto changes = co_await changes_of(call, sources);
  out.open("section", {{"class", "force"}, {"id", "force"}});
  if (may_force(call.who.who, name)) {
    auto part = out.in("section");
    out.element("h2", "Force a build");
    auto form = form_in(out, call, path_of({"builders", name, "force"}), "order tall");
    param_fields(out, call, builder);
    source_field(out, call, sources, changes);
    host_field(out, call, where.body);
    reason_field(out, call);
    submit_button(out, "Force", "main");
  } else {
    auto part = out.in("section");
    out.element("h2", "Force a build");
    no_right(out, call, "force a build of it");
  }
  if (where.ok())
    where_words(out, where.body);
  out.close();
  co_return out;
}

page_answer act_force(page_call& call) {
  const auto& name = call.captures[0];
  auto builder = co_await ask_api(call, segments("builders", name));
  if (!builder.ok())
    co_return refused_page(call, builder);
  auto reason = http::field_of(call.typed, "reason");
  if (reason.empty())
    co_return co_await again(call, 400,
                             "nothing was done: say why, for those who read the journal");
  auto source = co_await source_of(call);
  if (!source)
    co_return co_await again(call, 400, source.error().text);
  auto order = json::object();
  order["builder"] = name;
  if (source->is_object())
    order["source"] = *source;
  auto wanted = json::object();
  wanted["orders"] = json::array({order});
  wanted["params"] = params_of(call, builder.body);
  if (auto host = http::field_of(call.typed, "host"); !host.empty() && host != "-")
    wanted["host"] = host;
  wanted["reason"] = reason;
  auto body = wanted.dump(-1, ' ', false, json::error_handler_t::replace);
  auto made = co_await order_api(call, segments("builds"), {}, std::move(body));
  if (!made.ok())
    co_return co_await again(call, made.status, made.detail);
  auto campaign = word(made.body, "campaign");
  co_return go_to(campaign.empty() ? path_of({"builds", word(made.body, "id")})
                                   : path_of({"campaigns", campaign}));
}

} // namespace drover::pages
