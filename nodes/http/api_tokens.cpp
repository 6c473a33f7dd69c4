// Keys to the API: made, listed, revoked. The token itself is shown once and not kept.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/routes.hpp"
#include "schema/limits_api.hpp"
#include "schema/limits_enrolment.hpp"
#include "schema/names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace drover::http {

namespace {

struct token_order {
  std::string name;
  role may = role::view;
  std::optional<uint64_t> seconds;
  bool is_join = false;
  uint32_t uses = 1;
  string_map labels;
};

failure wrong(const std::string& what) {
  return {ec::bad_input, "token: " + what};
}

/// A number from 1 to `most`.
expected<uint64_t> number_field(const json& value, const std::string& name, uint64_t most) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() == 0 || value.get<uint64_t>() > most)
    return wrong(name + " must be a number from 1 to " + std::to_string(most));
  return value.get<uint64_t>();
}

expected<string_map> labels_field(const json& value) {
  string_map out;
  if (!value.is_object() || value.size() > limits::entries_max)
    return wrong("labels must be an object of at most " + std::to_string(limits::entries_max)
                 + " texts, as {\"class\": \"fast\"}");
  for (const auto& [key, text] : value.items()) {
    if (!valid_name(key) || !text.is_string()
        || text.get<std::string>().size() > limits::value_bytes_max)
      return wrong("label '" + printable(key, 40) + "' must have a name and a text");
    out[key] = printable(text.get<std::string>(), limits::value_bytes_max);
  }
  return out;
}

std::optional<failure> take_field(token_order& into, const std::string& name, const json& value) {
  if (name == "expires_in") {
    auto seconds = number_field(value, name, limits::token_seconds_max);
    if (!seconds)
      return seconds.error();
    into.seconds = *seconds;
  } else if (name == "uses") {
    auto uses = number_field(value, name, limits::join_token_uses_max);
    if (!uses)
      return uses.error();
    into.uses = static_cast<uint32_t>(*uses);
  } else if (name == "labels") {
    auto labels = labels_field(value);
    if (!labels)
      return labels.error();
    into.labels = std::move(*labels);
  } else if (name != "name" && name != "role") {
    return wrong("unknown field '" + printable(name, 40)
                 + "'; there are name, role, expires_in, uses, labels");
  } else if (!value.is_string()) {
    return wrong(name + " must be a string");
  }
  return std::nullopt;
}

/// A key that makes hosts always ends, and soon.
std::optional<failure> complete(token_order& order, const std::string& role_text,
                                const json& object) {
  order.is_join = role_text == "join";
  if (!order.is_join) {
    auto may = parse_role(role_text);
    if (!may)
      return wrong("role must be one of view, force, admin, join");
    order.may = *may;
    if (object.contains("uses") || object.contains("labels"))
      return wrong("uses and labels go with the role join only");
    return std::nullopt;
  }
  if (!order.seconds)
    order.seconds = limits::join_token_seconds_default;
  if (*order.seconds > limits::join_token_seconds_max)
    return wrong("expires_in of the role join must be at most "
                 + std::to_string(limits::join_token_seconds_max));
  return std::nullopt;
}

expected<token_order> parse_token_order(const std::string& text) {
  auto object = json::parse(text, nullptr, false);
  if (!object.is_object())
    return wrong("no valid JSON object; as in {\"name\": \"ann\", \"role\": \"force\"}");
  token_order out;
  for (const auto& [name, value] : object.items())
    if (name != "expires_in" || !value.is_null())
      if (auto problem = take_field(out, name, value))
        return *problem;
  auto role_text = object.value("role", "");
  out.name = object.value("name", role_text == "join" ? "join" : "");
  if (auto problem = name_problem("token", out.name))
    return failure{ec::bad_input, *problem};
  if (auto problem = complete(out, role_text, object))
    return *problem;
  return out;
}

std::string described_token(const token_record& token) {
  return "token " + token.id + " of " + token.name + ", role " + token.role;
}

/// The record and the token that belongs to it.
struct made_token {
  token_record record;
  std::string token;
};

expected<made_token> make(const api_call& call, const token_order& order,
                          const std::vector<token_record>& others) {
  auto token = make_token();
  if (!token)
    return token.error();
  made_token out;
  out.token = std::move(*token);
  out.record.sha256 = digest_of_token(out.token);
  do {
    auto id = make_token_id();
    if (!id)
      return id.error();
    out.record.id = *id;
  } while (std::any_of(others.begin(), others.end(),
                       [&](const token_record& other) { return other.id == out.record.id; }));
  out.record.name = order.name;
  out.record.role = order.is_join ? "join" : std::string{to_string(order.may)};
  if (order.is_join) {
    out.record.uses_left = order.uses;
    out.record.labels = order.labels;
  }
  out.record.made_by = by_of(call);
  out.record.made_at = call.api.parts.clock();
  if (order.seconds)
    out.record.expires_at = {out.record.made_at.ms + static_cast<int64_t>(*order.seconds) * 1000};
  return out;
}

} // namespace

answer get_tokens(api_call& call) {
  if (auto problem = unknown_parameter(call.asked, {}))
    co_return failure_answer(*problem);
  auto tokens = storage::read_tokens(*call.api.parts.store);
  if (!tokens)
    co_return failure_answer(tokens.error());
  std::sort(tokens->begin(), tokens->end(), [](const token_record& a, const token_record& b) {
    return std::tie(a.made_at, a.id) < std::tie(b.made_at, b.id);
  });
  auto out = json::object();
  out["tokens"] = json::array();
  for (const auto& token : *tokens)
    out["tokens"].push_back(json_of(token));
  co_return json_answer(out);
}

answer post_tokens(api_call& call) {
  if (auto problem = unknown_parameter(call.asked, {"by", "reason"}))
    co_return failure_answer(*problem);
  auto text = co_await read_body(call, "the token's description");
  auto order = parse_token_order(text);
  if (!order)
    co_return failure_answer(order.error());
  const auto& desk = call.api.parts.enrolment;
  if (order->is_join && !desk.enroller)
    co_return failure_answer({ec::unavailable, "this coordinator takes no new hosts by token"});
  auto others = storage::read_tokens(*call.api.parts.store);
  if (!others)
    co_return failure_answer(others.error());
  if (others->size() >= limits::tokens_max)
    co_return failure_answer({ec::refused, "there are " + std::to_string(others->size())
                                             + " tokens, which is the most; revoke some first"});
  auto made = make(call, *order, *others);
  if (!made)
    co_return failure_answer(made.error());
  storage::write_batch batch;
  storage::put_token(batch, made->record);
  batch.events.push_back(
    caller_event(call, event_kind::token_changed, described_token(made->record) + ", was made"));
  if (auto problem = co_await record(call.api, std::move(batch)))
    co_return failure_answer(*problem);
  auto out = json_of(made->record);
  out["token"] = made->token + (order->is_join ? "." + desk.fingerprint : std::string{});
  if (order->is_join) {
    out["address"] = desk.address;
    out["fingerprint"] = desk.fingerprint;
  }
  co_return json_answer(out, 201);
}

answer delete_token(api_call& call) {
  if (auto problem = unknown_parameter(call.asked, {"by", "reason"}))
    co_return failure_answer(*problem);
  auto tokens = storage::read_tokens(*call.api.parts.store);
  if (!tokens)
    co_return failure_answer(tokens.error());
  auto found = std::find_if(tokens->begin(), tokens->end(), [&](const token_record& token) {
    return token.id == call.captures[0];
  });
  if (found == tokens->end())
    co_return failure_answer(
      {ec::not_found, "there is no token '" + printable(call.captures[0], 40) + "'"});
  auto gone =
    caller_event(call, event_kind::token_changed, described_token(*found) + ", was revoked");
  auto out = json::object();
  out["id"] = found->id;
  out["text"] = described_token(*found) + ", is revoked";
  if (found->role == "join" && call.api.parts.enrolment.enroller) {
    // Named: g++ 12 destroys an aggregate twice that is made inside an awaited expression.
    end_join_token order{*found, std::move(gone)};
    auto done = co_await ask_for<accepted>(call.api.parts.door, call.api.parts.enrolment.enroller,
                                           limits::request_timeout, std::move(order));
    if (!done)
      co_return failure_answer(done.error());
    co_return json_answer(out, 202);
  }
  storage::write_batch batch;
  storage::remove_token(batch, *found);
  // Streams wait for the journal: this entry wakes them, and they find their token gone.
  batch.events.push_back(std::move(gone));
  if (auto problem = co_await record(call.api, std::move(batch)))
    co_return failure_answer(*problem);
  co_return json_answer(out, 202);
}

} // namespace drover::http
