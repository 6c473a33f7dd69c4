// SPDX-License-Identifier: Apache-2.0
#include "config/user_check.hpp"

#include "config/forms.hpp"
#include "config/values.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace drover {

namespace {

constexpr std::string_view anyone = "anyone"; // who has not signed in
constexpr size_t shown_bytes_max = 60;        // of a value in a message

bool has(const user_spec& user, std::string_view role) {
  return std::find(user.roles.begin(), user.roles.end(), role) != user.roles.end();
}

const std::vector<std::string_view> user_roles{"view", "force", "admin"};

std::string shown(std::string_view text) {
  return printable(text, shown_bytes_max);
}

std::string unknown_word(std::string_view what, std::string_view word,
                         const std::vector<std::string_view>& all) {
  if (auto near = nearest(word, all))
    return fmt::format("{} '{}' is not known (did you mean '{}'?)", what, shown(word), *near);
  return fmt::format("{} '{}' is not known; there {}", what, shown(word),
                     all.empty() ? "is none" : fmt::format("are: {}", fmt::join(all, ", ")));
}

void check_roles(const user_spec& user, const std::string& path, std::vector<user_mistake>& out) {
  for (size_t i = 0; i < user.roles.size(); ++i)
    if (std::find(user_roles.begin(), user_roles.end(), user.roles[i]) == user_roles.end())
      out.push_back(
        {fmt::format("{}/roles/{}", path, i), unknown_word("role", user.roles[i], user_roles)});
}

void check_builders(const user_spec& user, const farm_config& farm, const std::string& path,
                    std::vector<user_mistake>& out) {
  std::vector<std::string_view> names;
  for (const auto& builder : farm.builders)
    names.push_back(builder.name);
  for (size_t i = 0; i < user.builders.size(); ++i) {
    const auto& name = user.builders[i];
    auto here = fmt::format("{}/builders/{}", path, i);
    if (auto problem = glob_problem(name); !problem.empty())
      out.push_back({here, fmt::format("builders: {}", problem)});
    else if (name.find_first_of("*?[\\") == std::string::npos
             && std::find(names.begin(), names.end(), name) == names.end())
      out.push_back({here, unknown_word("builder", name, names)});
  }
}

/// People who have not signed in have no name that an order could bear.
void check_anyone(const user_spec& user, const std::string& path,
                  const std::function<bool(const std::string&)>& is_there,
                  std::vector<user_mistake>& out) {
  for (size_t i = 0; i < user.roles.size(); ++i)
    if (user.roles[i] == "force" || user.roles[i] == "admin")
      out.push_back(
        {fmt::format("{}/roles/{}", path, i),
         fmt::format("anyone: whoever has not signed in may view alone; give '{}' to users",
                     user.roles[i])});
  for (const auto* key : {"builders", "mail", "irc"})
    if (is_there(path + "/" + key))
      out.push_back({path + "/" + key + "#",
                     fmt::format("{}: 'anyone' stands for people who have not signed in, it has "
                                 "roles alone",
                                 key)});
}

} // namespace

std::vector<user_mistake> user_mistakes(const user_spec& user, const farm_config& farm,
                                        const std::function<bool(const std::string&)>& is_there) {
  std::vector<user_mistake> out;
  auto path = "users/" + user.name;
  check_roles(user, path, out);
  check_builders(user, farm, path, out);
  if (user.name == anyone)
    check_anyone(user, path, is_there, out);
  else if (is_there(path + "/builders") && (has(user, "admin") || !has(user, "force")))
    out.push_back({path + "/builders#",
                   fmt::format("builders: bounds the role force alone, which this user {}",
                               has(user, "admin") ? "exceeds" : "has not"),
                   true});
  if (!user.mail.empty() && !mail_address_ok(user.mail))
    out.push_back({path + "/mail", fmt::format("mail: '{}' is no mail address", shown(user.mail))});
  if (!user.irc.empty() && !nick_ok(user.irc))
    out.push_back({path + "/irc", fmt::format("irc: '{}' is no account on IRC", shown(user.irc))});
  return out;
}

} // namespace drover
