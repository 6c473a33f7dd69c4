// Signing in and out.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/pages/page.hpp"

namespace drover::pages {

namespace {

std::string next_of(const page_call& call) {
  auto typed = http::field_of(call.typed, "next");
  return http::safe_next(typed.empty() ? call.asked.parameter("next").value_or("/") : typed);
}

void set_cookie(http::response& answer, const page_call& call, const std::string& value,
                milliseconds life) {
  answer.fields.emplace_back("Set-Cookie",
                             http::cookie_field(call.asked, value, life / std::chrono::seconds{1}));
}

} // namespace

page_answer show_sign_in(page_call& call) {
  if (!call.home.parts.desk)
    co_return refused_page(call, 404, "nobody signs in here");
  if (call.who.signed_in() && call.wrong.empty())
    co_return go_to(next_of(call));
  page made{call, place::none, "Sign in", ""};
  auto& out = made.out;
  out.element("h1", "Sign in");
  {
    auto form =
      out.in("form", {{"method", "post"}, {"action", "/login"}, {"class", "order signin"}});
    auto next = next_of(call);
    if (next != "/")
      out.single("input", {{"type", "hidden"}, {"name", "next"}, {"value", next}});
    {
      auto label = out.in("label");
      out.text("Name");
      out.single("input", {{"name", "name"},
                           {"value", http::field_of(call.typed, "name")},
                           {"autocomplete", "username"},
                           {"autocapitalize", "none"},
                           {"autofocus", "autofocus"},
                           {"required", "required"}});
    }
    {
      auto label = out.in("label");
      out.text("Password");
      out.single("input", {{"name", "password"},
                           {"type", "password"},
                           {"autocomplete", "current-password"},
                           {"required", "required"}});
    }
    submit_button(out, "Sign in", "main");
  }
  out.element("p", {{"class", "quiet"}},
              "Accounts are made by who runs this farm: drover admin user add NAME");
  co_return made.finish();
}

page_answer act_sign_in(page_call& call) {
  auto name = http::field_of(call.typed, "name");
  auto password = call.typed["password"];
  call.typed.erase("password");
  if (name.empty() || password.empty()) {
    call.wrong = "both a name and a password are needed";
    call.status = 400;
    co_return co_await show_sign_in(call);
  }
  auto done = co_await call.home.parts.desk->sign_in(call.asked, name, std::move(password));
  if (done.status != 200) {
    call.wrong = done.text;
    call.status = done.status;
    auto answer = co_await show_sign_in(call);
    if (done.pause > milliseconds{0})
      answer.fields.emplace_back("Retry-After", std::to_string((done.pause.count() + 999) / 1000));
    co_return answer;
  }
  auto answer = go_to(next_of(call));
  set_cookie(answer, call, done.cookie, limits::session_life_max);
  co_return answer;
}

page_answer act_sign_out(page_call& call) {
  if (auto problem = co_await call.home.parts.desk->sign_out(call.who))
    co_return refused_page(call, 503, problem->text);
  auto answer = go_to("/");
  set_cookie(answer, call, "", milliseconds{0});
  co_return answer;
}

} // namespace drover::pages
