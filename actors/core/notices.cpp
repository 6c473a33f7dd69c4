// Who hears a notice, and when it is tried.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/notices.hpp"

#include "actors/core/authors.hpp"
#include "actors/core/backoff.hpp"
#include "actors/core/explain/words.hpp"
#include "actors/core/glob.hpp"
#include "schema/limits_notices.hpp"
#include "schema/names.hpp"

#include <algorithm>
#include <set>

namespace drover::core {

namespace {

bool contains(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

bool is_letter_or_digit(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
         || (byte >= '0' && byte <= '9');
}

bool is_local_part(std::string_view text) {
  constexpr std::string_view others = "!#$%&'*+-/=?^_`{|}~.";
  constexpr size_t local_bytes_max = 64;
  return !text.empty() && text.size() <= local_bytes_max && text.front() != '.'
         && text.front() != '-' && text.back() != '.' && text.find("..") == std::string_view::npos
         && std::all_of(text.begin(), text.end(), [&](char byte) {
              return is_letter_or_digit(byte) || others.find(byte) != std::string_view::npos;
            });
}

bool is_domain(std::string_view text) {
  return !text.empty() && is_letter_or_digit(text.front()) && is_letter_or_digit(text.back())
         && text.find("..") == std::string_view::npos
         && std::all_of(text.begin(), text.end(), [](char byte) {
              return is_letter_or_digit(byte) || byte == '-' || byte == '.';
            });
}

/// What a reporter that does not say tells of.
const std::vector<std::string> usual_kinds{"problem", "recovery", "quarantined"};

} // namespace

bool wants(const reporter_spec& reporter, notice_kind kind,
           const std::vector<std::string>& builders) {
  const auto& kinds = reporter.on.empty() ? usual_kinds : reporter.on;
  if (kind != notice_kind::test && !contains(kinds, to_string(kind)))
    return false;
  if (reporter.builders.empty() || builders.empty())
    return true;
  for (const auto& glob : reporter.builders)
    for (const auto& builder : builders)
      if (glob_matches(glob, builder))
        return true;
  return false;
}

std::string base_of(const reporter_spec& reporter) {
  auto found = reporter.settings.find("url");
  if (found == reporter.settings.end())
    return {};
  auto base = found->second;
  while (!base.empty() && base.back() == '/')
    base.pop_back();
  return base;
}

std::string page_of(const std::string& base, const notice_record& notice) {
  if (base.empty())
    return {};
  if (notice.build.value != 0)
    return base + "/builds/" + to_string(notice.build);
  if (notice.campaign.value != 0)
    return base + "/campaigns/" + to_string(notice.campaign);
  return base + (notice.host.value.empty() ? "/" : "/hosts/" + notice.host.value);
}

bool is_plain_address(std::string_view address) {
  auto at = address.rfind('@');
  return at != std::string_view::npos && address.size() <= limits::mail_address_bytes_max
         && is_local_part(address.substr(0, at)) && is_domain(address.substr(at + 1));
}

std::optional<std::string> author_address(const std::string& author,
                                          const std::vector<user_spec>& users) {
  auto open = author.rfind('<');
  auto close = author.rfind('>');
  bool in_brackets = open != std::string::npos && close != std::string::npos && open < close;
  auto address = in_brackets ? author.substr(open + 1, close - open - 1) : author;
  auto name = in_brackets ? author.substr(0, open) : author;
  while (!name.empty() && name.back() == ' ')
    name.pop_back();
  for (const auto& user : users)
    if (!user.mail.empty() && (user.mail == address || user.name == name)
        && is_plain_address(user.mail))
      return user.mail;
  return is_plain_address(address) ? std::optional{address} : std::nullopt;
}

std::string author_name(const std::string& authors) {
  std::string out;
  for (const auto& author : each_author(authors)) {
    auto open = author.rfind('<');
    auto end = author.find_last_not_of(' ', open - 1); // npos - 1 is beyond all
    bool only_address = open == 0 || end == std::string::npos;
    out += (out.empty() ? "" : ", ") + (only_address ? author : author.substr(0, end + 1));
  }
  return out;
}

std::vector<std::string> authors_of(const std::vector<change_record>& changes,
                                    const std::vector<user_spec>& users) {
  std::vector<std::string> out;
  for (const auto& change : changes)
    for (const auto& author : each_author(change.author))
      if (auto address = author_address(author, users);
          address && !contains(out, *address) && out.size() < limits::notice_authors_max)
        out.push_back(*address);
  return out;
}

std::vector<notice_record> addressed(const reporter_spec& reporter, const notice_record& common,
                                     const std::vector<std::string>& authors) {
  auto notice = common;
  notice.reporter = reporter.name;
  if (reporter.kind != "mail") {
    notice.to = reporter.to;
    return {notice};
  }
  std::vector<std::string> addresses;
  auto add = [&](const std::string& address) {
    if (!contains(addresses, address))
      addresses.push_back(address);
  };
  for (const auto& address : reporter.to)
    if (address != authors_word)
      add(address);
  if (contains(reporter.to, authors_word))
    for (const auto& address : authors)
      add(address);
  std::vector<notice_record> out;
  for (const auto& address : addresses) {
    notice.to = {address};
    out.push_back(notice);
  }
  return out;
}

// -- delivery ------------------------------------------------------------------------------------

delivery_choice choose_delivery(const std::vector<notice_record>& waiting, wall_time now) {
  std::set<std::pair<std::string, std::vector<std::string>>> begun;
  delivery_choice out;
  for (size_t i = 0; i < waiting.size(); ++i) {
    const auto& notice = waiting[i];
    if (!begun.insert({notice.thread, notice.to}).second)
      continue; // what came before it in its thread has not arrived yet
    milliseconds left{notice.next_try.ms - now.ms};
    // A wall clock that was set back must not keep it waiting.
    if (left.count() <= 0 || left > limits::notice_retry_max) {
      out.notice = i;
      out.wait.reset();
      return out;
    }
    out.wait = std::min(out.wait.value_or(left), left);
  }
  return out;
}

notice_record after_try(notice_record notice, tried how, const std::string& problem, wall_time now,
                        uint64_t random) {
  ++notice.tries;
  notice.last_error = one_line(problem);
  milliseconds age{now.ms - notice.made_at.ms};
  bool too_old = age > limits::notice_age_max && notice.tries >= limits::notice_tries_min;
  if (how == tried::later && !too_old) {
    auto wait = backoff(notice.tries, limits::notice_retry_first, limits::notice_retry_max, random);
    notice.next_try = {now.ms + wait.count()};
    return notice;
  }
  if (how == tried::later)
    notice.last_error =
      one_line("given up after " + std::to_string(notice.tries) + " tries" + ": " + problem);
  notice.state = how == tried::delivered ? notice_state::delivered : notice_state::failed;
  notice.next_try = {};
  notice.done_at = now;
  return notice;
}

} // namespace drover::core
