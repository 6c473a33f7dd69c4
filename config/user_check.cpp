// SPDX-License-Identifier: Apache-2.0
#include "config/user_check.hpp"

#include "config/forms.hpp"
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

std::vector<user_mistake> user_mistakes(const user_spec& user,
                                        const std::function<bool(const std::string&)>& is_there) {
  std::vector<user_mistake> out;
  auto path = "users/" + user.name;
  if (user.name == anyone)
    check_anyone(user, path, is_there, out);
  else if (is_there(path + "/builders") && (has(user, "admin") || !has(user, "force")))
    out.push_back({path + "/builders#",
                   fmt::format("builders: bounds the role force alone, which this user {}",
                               has(user, "admin") ? "exceeds" : "has not"),
                   true});
  if (!user.mail.empty() && !mail_address_ok(user.mail))
    out.push_back({path + "/mail", fmt::format("mail: '{}' is no mail address",
                                               printable(user.mail, shown_bytes_max))});
  if (!user.irc.empty() && !nick_ok(user.irc))
    out.push_back({path + "/irc", fmt::format("irc: '{}' is no account on IRC",
                                              printable(user.irc, shown_bytes_max))});
  return out;
}

std::vector<std::string_view> builder_names(const farm_config& farm) {
  std::vector<std::string_view> out;
  for (const auto& builder : farm.builders)
    out.push_back(builder.name);
  return out;
}

} // namespace drover
