// SPDX-License-Identifier: Apache-2.0
#include "actors/core/glob.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <string>

namespace drover {

namespace {

struct matcher {
  size_t steps_left = limits::glob_steps_max;

  bool spend() { return steps_left > 0 && --steps_left > 0; }

  /// Takes one character class from the front of `glob`, its '[' already seen.
  static bool take_class(std::string_view& glob, char c) {
    auto at = size_t{1};
    bool inverted = at < glob.size() && (glob[at] == '!' || glob[at] == '^');
    at += inverted ? 1 : 0;
    bool hit = false;
    for (auto first = at; at < glob.size() && (glob[at] != ']' || at == first); ++at) {
      if (at + 2 < glob.size() && glob[at + 1] == '-' && glob[at + 2] != ']') {
        hit = hit || (glob[at] <= c && c <= glob[at + 2]);
        at += 2;
      } else {
        hit = hit || glob[at] == c;
      }
    }
    if (at >= glob.size()) { // never closed: an ordinary bracket
      glob.remove_prefix(1);
      return c == '[';
    }
    glob.remove_prefix(at + 1);
    return hit != inverted;
  }

  /// One name against one part of the glob, neither with a slash.
  bool name(std::string_view glob, std::string_view text) {
    std::string_view star_glob, star_text;
    bool star = false;
    while (spend()) {
      if (glob.starts_with('*')) {
        glob.remove_prefix(1);
        star = true;
        star_glob = glob;
        star_text = text;
        continue;
      }
      if (text.empty() && glob.empty())
        return true;
      if (!text.empty() && one(glob, text.front())) {
        text.remove_prefix(1);
        continue;
      }
      if (!star || star_text.empty())
        return false;
      star_text.remove_prefix(1); // the last star takes one more
      glob = star_glob;
      text = star_text;
    }
    return false;
  }

  static bool one(std::string_view& glob, char c) {
    if (glob.empty())
      return false;
    if (glob.front() == '[')
      return take_class(glob, c);
    if (glob.front() == '\\' && glob.size() > 1)
      glob.remove_prefix(1);
    else if (glob.front() == '?') {
      glob.remove_prefix(1);
      return true;
    }
    bool hit = glob.front() == c;
    glob.remove_prefix(1);
    return hit;
  }

  bool path(std::string_view glob, std::string_view text) {
    if (!spend())
      return false;
    auto glob_end = glob.find('/');
    auto part = glob.substr(0, glob_end);
    bool last_part = glob_end == std::string_view::npos;
    auto text_end = text.find('/');
    bool last_name = text_end == std::string_view::npos;
    if (part == "**") {
      if (last_part)
        return true;
      return path(glob.substr(glob_end + 1), text)
             || (!last_name && path(glob, text.substr(text_end + 1)));
    }
    if (last_part != last_name || !name(part, text.substr(0, text_end)))
      return false;
    if (last_part)
      return true;
    return path(glob.substr(glob_end + 1), text.substr(text_end + 1));
  }
};

} // namespace

bool glob_matches(std::string_view glob, std::string_view path) {
  return matcher{}.path(glob, path);
}

std::optional<failure> glob_problem(std::string_view glob) {
  auto wrong = [&](const char* why) {
    return failure{ec::bad_input,
                   "artifacts: " + printable(glob, limits::name_bytes_max) + " " + why};
  };
  if (glob.empty() || glob.find('\0') != std::string_view::npos)
    return wrong("is no pattern");
  if (glob.starts_with('/'))
    return wrong("must be relative to the workspace");
  if (("/" + std::string{glob} + "/").find("/../") != std::string::npos)
    return wrong("must not leave the workspace by \"..\"");
  return std::nullopt;
}

} // namespace drover
