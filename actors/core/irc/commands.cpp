// Finds the command and looks at rights; what each answers is in answers.cpp and orders.cpp.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/irc/commands.hpp"

#include "actors/core/irc/message.hpp"
#include "actors/core/irc/replies.hpp"
#include "actors/core/irc/watches.hpp"
#include "schema/names.hpp"

#include <algorithm>
#include <array>

namespace drover::core::irc {

namespace {

using serve = answer (*)(const request&);

struct entry {
  std::string_view name;
  std::string_view usage;
  std::string_view about;
  serve run;
};

answer help(const request& asked);

constexpr std::array<entry, 10> commands{{
  {"help", "help [COMMAND]", "what can be said to me", help},
  {"list", "list builders|hosts|changes", "what there is", list_things},
  {"status", "status [BUILDER]", "what runs, what waits, what is red", tell_status},
  {"last", "last [BUILDER]", "how the last builds ended", tell_last},
  {"watch", "watch BUILD|BUILDER", "I say when it is over", watch_build},
  {"why", "why BUILD|HOST", "why it stands where it stands", tell_why},
  {"host", "host NAME", "a host: what it is and does", tell_host},
  {"force", "force BUILDER [source=CHANGE] [host=HOST] [NAME=VALUE ...] REASON",
   "builds it now; the newest change, or the one that is named", force_build},
  {"stop", "stop BUILD REASON", "ends a build", stop_build},
  {"retry", "retry BUILD REASON", "the same build once more", retry_build},
}};

const entry* find(std::string_view name) {
  auto found = std::find_if(commands.begin(), commands.end(),
                            [name](const entry& one) { return one.name == name; });
  return found == commands.end() ? nullptr : &*found;
}

answer help(const request& asked) {
  if (asked.words.empty()) {
    std::string all;
    for (const auto& one : commands)
      all += (all.empty() ? "" : ", ") + std::string{one.name};
    return says("I know " + all + "; 'help COMMAND' tells more");
  }
  const auto* one = find(asked.words[0]);
  if (one == nullptr)
    return says("there is no command '" + printable(asked.words[0], 40) + "'; say 'help'");
  return says(std::string{one->usage} + ": " + std::string{one->about});
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    auto end = std::min(text.find(' '), text.size());
    if (end > 0)
      out.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

/// In private the whole network could ask: only who has an account of the farm is answered.
std::optional<answer> refused_in_private(const request& asked) {
  if (!asked.who.channel.empty())
    return std::nullopt;
  if (!asked.who.account)
    return needs_account();
  auto config = asked.farm.config();
  if (!config)
    return sorry(config.error());
  if (user_of(*config, *asked.who.account) != nullptr)
    return std::nullopt;
  return says(not_known(asked.who)
              + "; ask me in a channel, or have an account of IRC named "
                "with your user in the farm's configuration");
}

} // namespace

answer says(std::string text) {
  answer out;
  out.lines.push_back(std::move(text));
  return out;
}

answer needs_account() {
  answer out;
  out.needs_account = true;
  return out;
}

std::string usage_of(std::string_view command) {
  const auto* one = find(command);
  return one == nullptr ? std::string{} : "say: " + std::string{one->usage};
}

std::string not_known(const asker& who) {
  auto account = who.account.value_or("");
  return account.empty() ? "you are not signed in to an account here"
                         : "your account '" + printable(account, 40) + "' is no user of the farm's";
}

const user_spec* user_of(const farm_config& config, std::string_view account) {
  if (account.empty())
    return nullptr;
  for (const auto& user : config.users)
    if (!user.irc.empty() && same_name(user.irc, account))
      return &user;
  return nullptr;
}

std::vector<std::string> as_reply(const asker& who, const std::vector<std::string>& lines) {
  std::string all;
  for (const auto& line : lines)
    all += (all.empty() && !who.channel.empty() ? who.nick + ": " : "") + plain_text(line) + "\n";
  return as_lines(all, who.channel.empty() ? limits::irc_private_lines_max
                                           : limits::irc_answer_lines_max);
}

answer answer_to(std::string_view text, const asker& who, const farm_view& farm) {
  auto plain = plain_text(text);
  auto words = words_of(plain);
  if (words.empty())
    return says("yes? say 'help'");
  auto name = folded(words[0]);
  words.erase(words.begin());
  request asked{who, farm, std::move(words)};
  const auto* one = find(name);
  if (one == nullptr)
    return says("I don't know '" + printable(name, 40) + "'; say 'help'");
  if (one->run != help)
    if (auto refused = refused_in_private(asked))
      return *std::move(refused);
  return one->run(asked);
}

} // namespace drover::core::irc
