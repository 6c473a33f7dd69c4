#pragma once
// A connection with a scripted server: lines in, lines out, time by hand.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/irc/connection.hpp"
#include "tests/catch.hpp"

namespace drover::core::irc {

struct script {
  explicit script(settings wanted) : link{std::move(wanted), 7} {}
  script() : script(plain_settings()) {}

  static settings plain_settings() {
    settings out;
    out.server = "irc.example.org:6667";
    out.channels = {"#builds"};
    return out;
  }

  std::vector<std::string> keep(actions done) {
    std::vector<std::string> lines;
    for (auto& each : done)
      if (auto* sent = std::get_if<send_line>(&each))
        lines.push_back(sent->line);
      else
        others.push_back(std::move(each));
    return lines;
  }
  std::vector<std::string> dialled() {
    keep(link.tick(now));
    return keep(link.connected(now));
  }
  std::vector<std::string> hears(std::string_view line) { return keep(link.received(line, now)); }
  std::vector<std::string> after(limits::milliseconds span) {
    now += span;
    return keep(link.tick(now));
  }
  /// Signed in and in its channel, at a server without capabilities.
  void settled() {
    dialled();
    hears(":s 001 drover :welcome");
    hears(":drover!d@h JOIN #builds");
    others.clear();
  }
  /// What the machine wants beside lines, of one kind.
  template <class Action>
  std::vector<Action> take() {
    std::vector<Action> out;
    for (const auto& each : others)
      if (const auto* one = std::get_if<Action>(&each))
        out.push_back(*one);
    others.clear();
    return out;
  }
  std::string state() const { return link.state(now); }

  connection link;
  moment now{1'000'000};
  actions others;
};

using sent = std::vector<std::string>;

} // namespace drover::core::irc
