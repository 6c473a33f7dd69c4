// Accounts: made, listed, given another password, removed. What they may do is the configuration's.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/rights.hpp"
#include "nodes/http/routes.hpp"
#include "schema/limits_access.hpp"
#include "schema/names.hpp"
#include "storage/users.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

namespace drover::http {

namespace {

failure wrong(const std::string& what) {
  return {ec::bad_input, "account: " + what};
}

/// The text fields of a body, each of which must be one of `known`.
expected<std::map<std::string, std::string>>
parse_fields(const std::string& text, std::initializer_list<std::string_view> known) {
  auto object = json::parse(text, nullptr, false);
  if (!object.is_object())
    return wrong("no valid JSON object");
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      return wrong("unknown field '" + printable(name, 40) + "'");
    if (!value.is_string())
      return wrong(name + " must be a string");
    out[name] = value.get<std::string>();
  }
  return out;
}

/// Takes all sessions of an account into the batch that ends them; how many they are.
expected<size_t> end_sessions(const storage::store& store, const std::string& user,
                              storage::write_batch& batch) {
  auto sessions = storage::read_sessions(store);
  if (!sessions)
    return sessions.error();
  size_t count = 0;
  for (const auto& session : *sessions)
    if (session.user == user) {
      storage::remove_session(batch, session);
      ++count;
    }
  return count;
}

std::string ended_words(size_t sessions) {
  if (sessions == 0)
    return "";
  return ", " + std::to_string(sessions) + (sessions == 1 ? " session" : " sessions") + " ended";
}

/// The account of this name, or `not_found`.
expected<user_record> known_user(const storage::store& store, const std::string& name) {
  auto found = storage::find_user(store, name);
  if (!found)
    return found.error();
  if (!*found)
    return failure{ec::not_found, "there is no account '" + printable(name, 80)
                                    + "'; `drover admin user list` has them all"};
  return std::move(**found);
}

asio::awaitable<expected<std::vector<user_spec>>> configured_users(api_context& api) {
  auto live = co_await ask_config(api.parts);
  if (!live)
    co_return live.error();
  co_return (*live)->config.users;
}

json json_of(const std::string& name, const user_record* account, size_t sessions,
             const std::vector<user_spec>& users) {
  auto spec = std::find_if(users.begin(), users.end(),
                           [&](const user_spec& each) { return each.name == name; });
  bool configured = spec != users.end();
  auto out = json::object();
  out["name"] = name;
  out["account"] = account != nullptr;
  out["roles"] = configured ? json(spec->roles) : json::array();
  out["builders"] = configured ? json(spec->builders) : json::array();
  out["mail"] = configured ? text_or_null(spec->mail) : json(nullptr);
  out["irc"] = configured ? text_or_null(spec->irc) : json(nullptr);
  out["sessions"] = sessions;
  out["made_by"] = account ? text_or_null(account->made_by) : json(nullptr);
  out["made_at"] = account ? time_or_null(account->made_at) : json(nullptr);
  out["changed_at"] = account ? time_or_null(account->changed_at) : json(nullptr);
  return out;
}

response user_answer(const std::string& name, const user_record* account, size_t sessions,
                     const std::vector<user_spec>& users, unsigned status) {
  return json_answer(json_of(name, account, sessions, users), status);
}

asio::awaitable<expected<std::string>> hash_of(api_call& call, const std::string& password) {
  if (auto problem = password_problem(password))
    co_return wrong(*problem);
  co_return co_await hash(call.api.parts.door, call.api.parts.passwords, password);
}

} // namespace

answer get_users(api_call& call) {
  if (auto problem = unknown_parameter(call.asked, {}))
    co_return failure_answer(*problem);
  auto users = co_await configured_users(call.api);
  auto accounts = storage::read_users(*call.api.parts.store);
  auto sessions = storage::read_sessions(*call.api.parts.store);
  if (!users || !accounts || !sessions)
    co_return failure_answer(!users      ? users.error()
                             : !accounts ? accounts.error()
                                         : sessions.error());
  std::map<std::string, const user_record*> names;
  for (const auto& user : *users)
    names.emplace(user.name, nullptr);
  for (const auto& account : *accounts)
    names[account.name] = &account;
  auto out = json::object();
  out["users"] = json::array();
  for (const auto& [name, account] : names) {
    auto of_it = [&name = name](const session_record& each) { return each.user == name; };
    auto count = std::count_if(sessions->begin(), sessions->end(), of_it);
    out["users"].push_back(json_of(name, account, static_cast<size_t>(count), *users));
  }
  co_return json_answer(out);
}

answer post_users(api_call& call) {
  if (auto problem = unknown_parameter(call.asked, {"by", "reason"}))
    co_return failure_answer(*problem);
  auto text = co_await read_body(call, "the account's description");
  auto fields = parse_fields(text, {"name", "password"});
  if (!fields)
    co_return failure_answer(fields.error());
  user_record made;
  made.name = (*fields)["name"];
  if (auto problem = name_problem("user", made.name))
    co_return failure_answer({ec::bad_input, *problem});
  if (made.name == core::anyone)
    co_return failure_answer(wrong("'anyone' stands for people who have not signed in"));
  auto users = co_await configured_users(call.api);
  if (!users)
    co_return failure_answer(users.error());
  auto password = co_await hash_of(call, (*fields)["password"]);
  if (!password)
    co_return failure_answer(password.error());
  auto others = storage::read_users(*call.api.parts.store);
  if (!others)
    co_return failure_answer(others.error());
  for (const auto& other : *others)
    if (other.name == made.name)
      co_return failure_answer({ec::conflict, "there is an account '" + made.name
                                                + "' already; `drover admin user password "
                                                + made.name + "` sets its password"});
  if (others->size() >= limits::users_max)
    co_return failure_answer({ec::refused, "there are " + std::to_string(others->size())
                                             + " accounts, which is the most; remove some first"});
  made.password = *password;
  made.made_by = by_of(call);
  made.made_at = made.changed_at = call.api.parts.clock();
  storage::write_batch batch;
  storage::put_user(batch, made);
  batch.events.push_back(
    caller_event(call, event_kind::user_changed, "account " + made.name + " was made"));
  if (auto problem = co_await record(call.api, std::move(batch)))
    co_return failure_answer(*problem);
  co_return user_answer(made.name, &made, 0, *users, 201);
}

answer post_user_password(api_call& call) {
  if (auto problem = unknown_parameter(call.asked, {"by", "reason"}))
    co_return failure_answer(*problem);
  auto text = co_await read_body(call, "the password");
  auto fields = parse_fields(text, {"password"});
  if (!fields)
    co_return failure_answer(fields.error());
  auto password = co_await hash_of(call, (*fields)["password"]);
  if (!password)
    co_return failure_answer(password.error());
  // Read last: an account that was removed meanwhile must not come back.
  auto user = known_user(*call.api.parts.store, call.captures[0]);
  if (!user)
    co_return failure_answer(user.error());
  user->password = *password;
  user->changed_at = call.api.parts.clock();
  storage::write_batch batch;
  auto ended = end_sessions(*call.api.parts.store, user->name, batch);
  if (!ended)
    co_return failure_answer(ended.error());
  storage::put_user(batch, *user);
  auto said = "the password of " + user->name + " was changed" + ended_words(*ended);
  batch.events.push_back(caller_event(call, event_kind::user_changed, said));
  if (auto problem = co_await record(call.api, std::move(batch)))
    co_return failure_answer(*problem);
  co_return accepted_answer(user->name, said);
}

answer delete_user(api_call& call) {
  if (auto problem = unknown_parameter(call.asked, {"by", "reason"}))
    co_return failure_answer(*problem);
  auto user = known_user(*call.api.parts.store, call.captures[0]);
  if (!user)
    co_return failure_answer(user.error());
  storage::write_batch batch;
  auto ended = end_sessions(*call.api.parts.store, user->name, batch);
  if (!ended)
    co_return failure_answer(ended.error());
  storage::remove_user(batch, user->name);
  auto said = "account " + user->name + " was removed" + ended_words(*ended);
  batch.events.push_back(caller_event(call, event_kind::user_changed, said));
  if (auto problem = co_await record(call.api, std::move(batch)))
    co_return failure_answer(*problem);
  co_return accepted_answer(user->name, said);
}

} // namespace drover::http
