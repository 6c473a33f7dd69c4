#pragma once
// Who wants to hear of the end of which build. Pure; kept in memory only.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/irc/commands.hpp"
#include "schema/limits_irc.hpp"

#include <algorithm>

namespace drover::core::irc {

/// "ann: text" in a channel, "text" in private; one line each, cut where there are too many.
std::vector<std::string> as_reply(const asker& who, const std::vector<std::string>& lines);

class watches {
public:
  /// Empty, or why it can't be watched. What is watched already is not watched twice.
  std::string add(build_id build, const asker& who) {
    auto is_theirs = [&who](const entry& one) { return same_asker(one.who, who); };
    auto theirs = std::count_if(all_.begin(), all_.end(), is_theirs);
    for (const auto& one : all_)
      if (one.build == build && is_theirs(one))
        return {};
    if (all_.size() >= limits::irc_watches_max
        || static_cast<size_t>(theirs) >= limits::irc_watches_each_max)
      return "too much is watched already; wait until some of it is over";
    all_.push_back({build, who});
    return {};
  }

  /// Those who wait for this build; they wait no more.
  std::vector<asker> take(build_id build) {
    std::vector<asker> out;
    std::erase_if(all_, [&](const entry& one) {
      if (one.build != build)
        return false;
      out.push_back(one.who);
      return true;
    });
    return out;
  }

  size_t size() const { return all_.size(); }

private:
  struct entry {
    build_id build;
    asker who;
  };
  static bool same_asker(const asker& left, const asker& right) {
    return left.nick == right.nick && left.channel == right.channel;
  }
  std::vector<entry> all_;
};

} // namespace drover::core::irc
