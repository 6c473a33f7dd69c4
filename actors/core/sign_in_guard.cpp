// SPDX-License-Identifier: Apache-2.0
#include "actors/core/sign_in_guard.hpp"

#include "actors/core/explain/words.hpp"
#include "schema/limits_access.hpp"

#include <algorithm>
#include <sstream>
#include <vector>

namespace drover::core {

namespace {

constexpr size_t address_groups = 8, network_groups = 4; // of 16 bits each

std::vector<std::string> groups_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream list{text};
  for (std::string group; std::getline(list, group, ':');)
    out.push_back(group);
  return out;
}

bool is_forgotten(wall_time last, wall_time now) {
  return now.ms - last.ms >= limits::sign_in_forget_after.count();
}

std::string pair_of(const sign_in_try& made) {
  return made.account + "\n" + network_of(made.address);
}

milliseconds most_of(const sign_in_try& made) {
  return made.shared ? limits::sign_in_account_pause_max : limits::sign_in_address_pause_max;
}

/// Makes room for one more: the one that is forgotten soonest goes.
template <class Table, class Older>
void make_room(Table& in, const Older& older) {
  if (in.size() >= limits::sign_in_remembered_max)
    in.erase(std::min_element(in.begin(), in.end(), older));
}

} // namespace

milliseconds sign_in_pause(uint32_t wrong, milliseconds most) {
  if (wrong < limits::sign_in_free_tries)
    return milliseconds{0};
  auto pause = limits::sign_in_pause_first;
  for (auto more = wrong - limits::sign_in_free_tries; more > 0 && pause < most; --more)
    pause *= 2;
  return std::min(pause, most);
}

std::string network_of(const std::string& address) {
  if (address.find(':') == std::string::npos || address.rfind("::ffff:", 0) == 0)
    return address;
  // "::" stands at most once, for the groups of zeros that are missing there.
  auto gap = address.find("::");
  auto groups = groups_of(address.substr(0, gap));
  if (gap != std::string::npos) {
    auto low = groups_of(address.substr(gap + 2));
    groups.resize(std::max(groups.size(), address_groups - std::min(low.size(), address_groups)),
                  "0");
    groups.insert(groups.end(), low.begin(), low.end());
  }
  groups.resize(network_groups, "0");
  return joined(groups, ":") + "::";
}

milliseconds sign_in_guard::pause_of(const table& from, const std::string& key, milliseconds most,
                                     wall_time now) {
  auto found = from.find(key);
  if (found == from.end() || is_forgotten(found->second.last, now))
    return milliseconds{0};
  auto until = found->second.last.ms + sign_in_pause(found->second.wrong, most).count();
  return milliseconds{std::max<int64_t>(0, until - now.ms)};
}

void sign_in_guard::count(table& into, const std::string& key, wall_time now) {
  auto found = into.find(key);
  if (found == into.end()) {
    make_room(into, [](const auto& a, const auto& b) { return a.second.last < b.second.last; });
    found = into.emplace(key, tries{}).first;
  }
  if (is_forgotten(found->second.last, now))
    found->second.wrong = 0;
  ++found->second.wrong;
  found->second.last = now;
}

void sign_in_guard::uncount(table& from, const std::string& key) {
  auto found = from.find(key);
  if (found == from.end())
    return;
  if (found->second.wrong <= 1)
    from.erase(found);
  else
    --found->second.wrong;
}

bool sign_in_guard::is_known(const sign_in_try& made) const {
  return known_.count(pair_of(made)) > 0;
}

milliseconds sign_in_guard::begin(const sign_in_try& made, wall_time now) {
  auto network = network_of(made.address);
  auto pause = pause_of(addresses_, network, most_of(made), now);
  if (!is_known(made))
    pause =
      std::max(pause, pause_of(accounts_, made.account, limits::sign_in_account_pause_max, now));
  if (pause > milliseconds{0})
    return pause;
  count(addresses_, network, now);
  if (!is_known(made))
    count(accounts_, made.account, now);
  return milliseconds{0};
}

void sign_in_guard::succeeded(const sign_in_try& made) {
  accounts_.erase(made.account);
  // Not all of them: else one's own account would pay for tries at others'.
  uncount(addresses_, network_of(made.address));
  if (made.shared)
    return; // says nothing of who comes from there
  if (!is_known(made))
    make_room(known_, [](const auto& a, const auto& b) { return a.second < b.second; });
  known_[pair_of(made)] = ++successes_;
}

void sign_in_guard::take_back(const sign_in_try& made) {
  uncount(addresses_, network_of(made.address));
  if (!is_known(made))
    uncount(accounts_, made.account);
}

} // namespace drover::core
