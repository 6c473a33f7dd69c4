// What people may have done: only with an account that is a user's, and with a reason.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/explain/words.hpp"
#include "actors/core/irc/replies.hpp"
#include "actors/core/rights.hpp"
#include "schema/limits_irc.hpp"
#include "schema/names.hpp"

#include <algorithm>

namespace drover::core::irc {

namespace {

constexpr size_t revision_digits_min = 4;

std::string rest_of(const std::vector<std::string>& words, size_t from) {
  std::string out;
  for (size_t i = from; i < words.size(); ++i)
    out += (out.empty() ? "" : " ") + words[i];
  return printable(out, limits::reason_bytes_max);
}

/// Who orders it, or the answer to one who may not.
std::variant<std::string, answer> who_orders(const request& asked, const farm_config& config,
                                             const std::string& builder) {
  if (!asked.who.account)
    return needs_account();
  const auto* user = user_of(config, *asked.who.account);
  if (user == nullptr)
    return says(not_known(asked.who) + "; orders need one");
  if (!may_force(rights_of(config.users, user->name), builder))
    return says("you (" + user->name + ") may not order builds of " + in_quotes(builder)
                + ": ask for the role force");
  return "irc:" + user->name;
}

bool is_named(const change_record& change, const std::string& name) {
  bool by_digits =
    name.size() >= revision_digits_min && change.ref.revision.compare(0, name.size(), name) == 0;
  return std::to_string(change.id.value) == name || change.ref.id == name || change.identity == name
         || by_digits;
}

expected<source_ref> find_source(const request& asked, const builder_spec& builder,
                                 const std::string& name) {
  auto changes = asked.farm.changes(builder.source, limits::irc_changes_searched);
  if (!changes)
    return changes.error();
  auto found = std::find_if(changes->begin(), changes->end(),
                            [&name](const auto& change) { return is_named(change, name); });
  if (found == changes->end())
    return failure{ec::not_found, "no change " + in_quotes(name) + " among the newest "
                                    + std::to_string(changes->size())
                                    + "; 'list changes' shows the last"};
  return found->ref;
}

/// Reads NAME=VALUE words up to the reason; an empty text, or what is wrong with them.
std::string read_settings(const request& asked, const builder_spec& builder, force_order& out,
                          size_t& next) {
  for (; next < asked.words.size(); ++next) {
    const auto& word = asked.words[next];
    auto equals = word.find('=');
    if (equals == std::string::npos || !valid_name(word.substr(0, equals)))
      break;
    auto name = word.substr(0, equals);
    auto value = word.substr(equals + 1);
    if (name == "source") {
      auto found = find_source(asked, builder, value);
      if (!found)
        return found.error().text;
      out.source = *std::move(found);
    } else if (name == "host") {
      if (auto wrong = name_problem("host", value))
        return *wrong;
      out.host = value;
    } else {
      out.params[name] = value;
    }
  }
  return {};
}

/// An order about a build that there is: `make` gets its id.
template <class Make>
answer order_about_build(const request& asked, std::string_view command, Make make) {
  if (asked.words.empty())
    return says(usage_of(command));
  auto id = parse_build_id(asked.words[0]);
  if (!id)
    return says(in_quotes(asked.words[0]) + " is no build's number; " + usage_of(command));
  auto build = asked.farm.build(*id);
  if (!build)
    return sorry(build.error());
  if (!*build)
    return says("there is no build " + to_string(*id));
  auto config = asked.farm.config();
  if (!config)
    return sorry(config.error());
  auto who = who_orders(asked, *config, (*build)->builder);
  if (auto* refused = std::get_if<answer>(&who))
    return std::move(*refused);
  auto reason = rest_of(asked.words, 1);
  if (reason.empty())
    return says("please say why: " + std::string{usage_of(command)});
  answer out;
  out.asked = order{make(*id), std::get<std::string>(who), reason};
  return out;
}

} // namespace

answer force_build(const request& asked) {
  if (asked.words.empty())
    return says(usage_of("force"));
  auto config = asked.farm.config();
  if (!config)
    return sorry(config.error());
  const auto* builder = find_builder(*config, asked.words[0]);
  if (builder == nullptr)
    return says(no_builder(*config, asked.words[0]));
  auto who = who_orders(asked, *config, builder->name);
  if (auto* refused = std::get_if<answer>(&who))
    return std::move(*refused);
  force_order wanted;
  wanted.builder = builder->name;
  size_t next = 1;
  if (auto wrong = read_settings(asked, *builder, wanted, next); !wrong.empty())
    return says(wrong);
  auto reason = rest_of(asked.words, next);
  if (reason.empty())
    return says("please say why; " + usage_of("force"));
  answer out;
  out.asked = order{std::move(wanted), std::get<std::string>(who), reason};
  return out;
}

answer stop_build(const request& asked) {
  return order_about_build(asked, "stop", [](build_id id) { return stop_order{id}; });
}

answer retry_build(const request& asked) {
  return order_about_build(asked, "retry", [](build_id id) { return again_order{id}; });
}

answer watch_build(const request& asked) {
  if (asked.words.empty())
    return says(usage_of("watch"));
  std::optional<build_record> found;
  if (auto id = parse_build_id(asked.words[0])) {
    auto build = asked.farm.build(*id);
    if (!build)
      return sorry(build.error());
    if (!*build)
      return says("there is no build " + to_string(*id));
    found = **build;
  } else {
    auto config = asked.farm.config();
    if (!config)
      return sorry(config.error());
    if (find_builder(*config, asked.words[0]) == nullptr)
      return says(no_builder(*config, asked.words[0]));
    auto builds = asked.farm.builds(asked.words[0], limits::irc_builds_searched);
    if (!builds)
      return sorry(builds.error());
    for (const auto& build : *builds)
      if (build.state != build_state::finished)
        found = build; // the oldest that is not over: it ends first
    if (!found && !builds->empty())
      found = builds->front();
  }
  if (!found)
    return says(asked.words[0] + " was not built yet");
  if (found->state == build_state::finished)
    return says("it is over: " + build_sentence(*found));
  answer out;
  out.lines.push_back("watching: " + build_sentence(*found));
  out.watch = watch_request{found->id};
  return out;
}

} // namespace drover::core::irc
