// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/sessions.hpp"

#include "actors/core/line_guard.hpp"
#include "actors/core/rights.hpp"
#include "actors/core/sign_in_guard.hpp"
#include "nodes/http/routes.hpp"
#include "schema/limits_access.hpp"
#include "schema/names.hpp"
#include "storage/users.hpp"

#include <algorithm>

namespace drover::http {

namespace {

wall_time now_of(const api_parts& parts) {
  return parts.clock ? parts.clock() : wall_time{};
}

bool is_over(const session_record& session, wall_time now) {
  return now >= session.expires_at
         || now.ms - session.last_seen.ms >= limits::session_idle_max.count();
}

/// The session and its account hold both, and the password is the one that was used.
expected<bool> holds(const api_parts& parts, const session_record& session) {
  if (is_over(session, now_of(parts)))
    return false;
  auto user = storage::find_user(*parts.store, session.user);
  if (!user)
    return user.error();
  return *user && session.made_at >= (*user)->changed_at;
}

role role_of(const core::rights& has) {
  if (has.admin)
    return role::admin;
  if (has.force)
    return role::force;
  return has.view ? role::view : role::anyone;
}

asio::awaitable<std::optional<failure>> commit(const api_parts& parts, storage::write_batch batch) {
  auto done =
    co_await ask<recorded>(parts.door, parts.recorder, limits::request_timeout, std::move(batch));
  if (!done)
    co_return done.error();
  co_return std::nullopt;
}

/// The session by its digest if it holds.
expected<std::optional<session_record>> find_holding(const api_parts& parts,
                                                     const std::string& sha256) {
  if (sha256.empty())
    return std::optional<session_record>{};
  auto found = storage::find_session(*parts.store, sha256);
  if (!found)
    return found.error();
  if (!*found)
    return std::optional<session_record>{};
  auto good = holds(parts, **found);
  if (!good)
    return good.error();
  return *good ? std::move(*found) : std::optional<session_record>{};
}

std::string session_of(const request& asked) {
  auto field = asked.fields.find("cookie");
  if (field == asked.fields.end())
    return "";
  auto cookie = cookie_of(field->second, cookie_name(asked));
  return cookie && !cookie->empty() ? digest_of_token(*cookie) : "";
}

/// Ends what is over, and the oldest sessions of one who has too many, but for `count` new ones.
expected<std::vector<session_record>> sessions_to_end(const api_parts& parts,
                                                      const std::string& user, size_t count) {
  auto all = storage::read_sessions(*parts.store);
  if (!all)
    return all.error();
  std::vector<session_record> out, mine;
  for (auto& session : *all) {
    if (is_over(session, now_of(parts)))
      out.push_back(std::move(session));
    else if (session.user == user)
      mine.push_back(std::move(session));
  }
  std::sort(mine.begin(), mine.end(),
            [](const auto& a, const auto& b) { return a.last_seen < b.last_seen; });
  while (mine.size() + count > limits::sessions_of_user_max && !mine.empty()) {
    out.push_back(std::move(mine.front()));
    mine.erase(mine.begin());
  }
  return out;
}

class desk : public front_desk {
public:
  explicit desk(api_parts parts) : parts_{std::move(parts)} {}

  asio::awaitable<expected<visitor>> visitor_of(const request& asked) override {
    auto seen = co_await http::visitor_of(parts_, session_of(asked));
    if (!seen || !seen->signed_in())
      co_return seen;
    if (auto problem = co_await note_seen(seen->who.session))
      co_return *problem;
    co_return seen;
  }

  asio::awaitable<sign_in_result> sign_in(const request& asked, std::string name,
                                          std::string password) override {
    auto way = way_of(asked);
    core::sign_in_try made{printable(name, limits::name_bytes_max), way.address, way.shared};
    auto pause = guard_.begin(made, now_of(parts_));
    if (pause > milliseconds{0})
      co_return wait_first(pause);
    auto began = now_of(parts_); // a password that is changed from now on ends what comes of this
    auto user = name_problem("user", name) || password.size() > limits::password_bytes_max
                  ? expected<std::optional<user_record>>{std::optional<user_record>{}}
                  : storage::find_user(*parts_.store, name);
    if (!user)
      co_return sign_in_result{500, user.error().text, "", milliseconds{0}};
    check_password question{std::move(password), *user ? (*user)->password : ""};
    auto right = co_await check(parts_.door, parts_.passwords, std::move(question));
    if (!right) {
      guard_.take_back(made);
      co_return sign_in_result{503, right.error().text, "", milliseconds{0}};
    }
    if (!*right)
      co_return co_await refuse(made, user->has_value());
    guard_.succeeded(made);
    co_return co_await admit(asked, **user, made, began);
  }

  asio::awaitable<std::optional<failure>> sign_out(visitor leaving) override {
    auto session = storage::find_session(*parts_.store, leaving.who.session);
    if (!session)
      co_return session.error();
    storage::write_batch batch;
    if (*session)
      storage::remove_session(batch, **session);
    // Streams wait for the journal: this entry wakes them, and they find their session gone.
    batch.events.push_back(told(leaving.who.name, leaving.who.name + " signed out"));
    co_return co_await commit(parts_, std::move(batch));
  }

private:
  event_record told(const std::string& by, std::string text) const {
    event_record event;
    event.kind = event_kind::signed_in;
    event.at = now_of(parts_);
    event.by = by;
    event.text = std::move(text);
    return event;
  }

  static sign_in_result wait_first(milliseconds pause) {
    auto seconds = (pause.count() + 999) / 1000;
    return {429, "too many wrong tries; wait " + std::to_string(seconds) + " s, then try again", "",
            pause};
  }

  /// The same for a wrong name and a wrong password.
  /// Everybody who may look reads the journal: what is no account's name may be a password that
  /// was typed into the wrong field, and is not told.
  asio::awaitable<sign_in_result> refuse(const core::sign_in_try& made, bool is_account) {
    auto moment = std::chrono::milliseconds{now_of(parts_).ms};
    if (told_.admits_at(moment)) {
      auto more = told_.take_left_out();
      storage::write_batch batch;
      batch.events.push_back(
        told("", "wrong name or password "
                   + (is_account ? "for '" + made.account + "'" : "for no account of this farm")
                   + " from " + made.address
                   + (more > 0 ? ", and " + std::to_string(more) + " more before" : "")));
      if (auto problem = co_await commit(parts_, std::move(batch)))
        co_return sign_in_result{503, problem->text, "", milliseconds{0}};
    }
    co_return sign_in_result{403, "wrong name or password", "", milliseconds{0}};
  }

  asio::awaitable<sign_in_result> admit(const request& asked, const user_record& user,
                                        const core::sign_in_try& made, wall_time began) {
    auto cookie = make_secret(limits::session_bytes);
    auto csrf = make_secret(limits::session_bytes);
    auto old = sessions_to_end(parts_, user.name, 1);
    auto before = find_holding(parts_, session_of(asked));
    for (const auto* problem : {cookie ? nullptr : &cookie.error(), csrf ? nullptr : &csrf.error(),
                                old ? nullptr : &old.error(), before ? nullptr : &before.error()})
      if (problem != nullptr)
        co_return sign_in_result{500, problem->text, "", milliseconds{0}};
    auto now = now_of(parts_);
    session_record session{digest_of_token(*cookie),
                           user.name,
                           *csrf,
                           began,
                           now,
                           {now.ms + limits::session_life_max.count()}};
    storage::write_batch batch;
    for (const auto& each : *old)
      storage::remove_session(batch, each);
    if (*before)
      storage::remove_session(batch, **before);
    storage::put_session(batch, session);
    batch.events.push_back(told(user.name, user.name + " signed in from " + made.address));
    if (auto problem = co_await commit(parts_, std::move(batch)))
      co_return sign_in_result{503, problem->text, "", milliseconds{0}};
    co_return sign_in_result{200, "", *cookie, milliseconds{0}};
  }

  /// That a session is in use; seldom, so that looking at pages writes next to nothing.
  asio::awaitable<std::optional<failure>> note_seen(const std::string& sha256) {
    auto session = find_holding(parts_, sha256);
    if (!session)
      co_return session.error();
    auto now = now_of(parts_);
    if (!*session || now.ms - (*session)->last_seen.ms < limits::session_seen_every.count())
      co_return std::nullopt;
    (*session)->last_seen = now;
    storage::write_batch batch;
    storage::put_session(batch, **session);
    co_return co_await commit(parts_, std::move(batch));
  }

  api_parts parts_;
  core::sign_in_guard guard_;
  line_guard told_{limits::sign_in_refusals_told, limits::sign_in_refusals_period};
};

} // namespace

asio::awaitable<expected<visitor>> visitor_of(const api_parts& parts, std::string session) {
  auto live = co_await ask_config(parts);
  if (!live)
    co_return live.error();
  auto found = find_holding(parts, session);
  if (!found)
    co_return found.error();
  visitor out;
  out.who.browser = true;
  out.who.name = "web";
  if (*found) {
    out.who.name = (*found)->user;
    out.who.session = (*found)->sha256;
    out.who.until = std::min((*found)->expires_at,
                             wall_time{(*found)->last_seen.ms + limits::session_idle_max.count()});
    out.csrf = (*found)->csrf;
  }
  auto has = core::rights_of((*live)->config.users, *found ? out.who.name : "");
  out.who.may = role_of(has);
  out.who.builders = std::move(has.builders);
  co_return out;
}

asio::awaitable<bool> still_holds(const api_parts& parts, const caller& who) {
  if (!who.browser)
    co_return still_holds(who, door_book{*parts.store, parts.owner, now_of(parts)});
  auto now = co_await visitor_of(parts, who.session);
  co_return now && now->who.name == who.name && now->who.may >= who.may;
}

std::unique_ptr<front_desk> make_front_desk(api_parts parts) {
  return std::make_unique<desk>(std::move(parts));
}

} // namespace drover::http
