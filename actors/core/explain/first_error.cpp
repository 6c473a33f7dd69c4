// SPDX-License-Identifier: Apache-2.0
#include "actors/core/explain/first_error.hpp"

#include "schema/limits_explain.hpp"
#include "schema/names.hpp"

#include <algorithm>
#include <bitset>
#include <cctype>

namespace drover::core {

namespace {

/// How much a line tells, from nothing to the cause itself. A line that only follows from others
/// (make's "Error 1") is better than none.
enum class weight : uint8_t {
  nothing,
  follows,  ///< make: *** [all] Error 2
  mentions, ///< something says "error" or "failed"
  summary,  ///< 3 failed, 12 passed
  names,    ///< FAIL: test_x
  cause,    ///< file.c:3:1: error: ...
  machine,  ///< no space left, killed, a crash: whatever else is said follows from it
};

bool has(std::string_view line, std::string_view part) {
  return line.find(part) != std::string_view::npos;
}

/// A line in small letters that is asked for dozens of parts. Which letters follow upon each other
/// is noted once, so that most parts need not be looked for.
class small_letters {
public:
  explicit small_letters(std::string text) : text_{std::move(text)} {
    for (size_t i = 1; i < text_.size(); ++i)
      pairs_.set(pair_of(text_, i));
  }
  const std::string& text() const { return text_; }
  bool has(std::string_view part) const {
    bool may = part.size() < 2
               || (pairs_.test(pair_of(part, 1)) && pairs_.test(pair_of(part, part.size() - 1)));
    return may && text_.find(part) != std::string::npos;
  }

private:
  static constexpr unsigned bits = 5; ///< of each letter: several share a place, which is no harm
  static size_t pair_of(std::string_view text, size_t second) {
    constexpr unsigned most = (1u << bits) - 1;
    auto a = static_cast<unsigned char>(text[second - 1]);
    auto b = static_cast<unsigned char>(text[second]);
    return (a & most) << bits | (b & most);
  }

  std::string text_;
  std::bitset<size_t{1} << 2 * bits> pairs_;
};

bool begins(std::string_view line, std::string_view start) {
  return line.substr(0, start.size()) == start;
}

bool has_any(const small_letters& line, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](auto part) { return line.has(part); });
}

bool begins_any(std::string_view line, std::initializer_list<std::string_view> starts) {
  return std::any_of(starts.begin(), starts.end(), [&](auto start) { return begins(line, start); });
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

/// "error" as a word of its own, not as in "-Werror", "error.o" or "0 errors".
bool has_word(const small_letters& letters, std::string_view word) {
  if (!letters.has(word))
    return false;
  const auto& line = letters.text();
  auto is_part = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.'
           || c == '/';
  };
  for (size_t at = line.find(word); at != std::string_view::npos; at = line.find(word, at + 1)) {
    auto end = at + word.size();
    bool free_before = at == 0 || !is_part(line[at - 1]);
    bool free_after = end == line.size() || !is_part(line[end]);
    if (free_before && free_after)
      return true;
  }
  return false;
}

/// "ValueError: ..." at the start of a line: the last line of a Python traceback.
bool is_python_exception(std::string_view line) {
  auto colon = line.find(':');
  auto name = line.substr(0, colon);
  if (name.empty() || std::isupper(static_cast<unsigned char>(name.front())) == 0) {
    auto dot = name.rfind('.');
    if (dot == std::string_view::npos || dot + 1 >= name.size()
        || std::isupper(static_cast<unsigned char>(name[dot + 1])) == 0)
      return false;
  }
  bool is_name = std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
  });
  return is_name
         && (name.ends_with("Error") || name.ends_with("Exception") || name.ends_with("Interrupt")
             || name.ends_with("Exit") || name.ends_with("Warning"));
}

/// "make: *** [Makefile:3: all] Error 2" and ninja's "FAILED: x.o": the command before it said why.
bool is_make(std::string_view line) {
  auto stars = line.find(": *** ");
  return stars != std::string_view::npos && stars < 40 && has(line.substr(0, stars), "make");
}

bool is_machine(const small_letters& letters) {
  const auto& low = letters.text();
  return has_any(letters, {"no space left on device", "disk quota exceeded", "out of memory",
                           "cannot allocate memory", "oom-kill", "read-only file system",
                           "too many open files", "input/output error"})
         || has_any(letters,
                    {"segmentation fault", "bus error (core", "illegal instruction",
                     "floating point exception", "aborted (core", "stack smashing detected",
                     "addresssanitizer:", "double free or corruption", "fatal signal"})
         || low == "killed" || low == "aborted" || low == "bus error" || low.ends_with(" killed")
         || letters.has("internal compiler error");
}

bool is_cause(std::string_view line, const small_letters& low) {
  if (has_any(low, {": error:", ": fatal error:", "undefined reference to", "cannot find -l",
                    "multiple definition of", "undefined symbols for", "symbol lookup error",
                    "error while loading shared libraries"}))
    return true;
  if (has_any(low, {"command not found", ": not found", "permission denied",
                    "no such file or directory", "syntax error", "assertion `", "assertion failed",
                    "no rule to make target", "missing separator", "could not resolve host",
                    "connection refused", "unbound variable"}))
    return true;
  return begins_any(low.text(), {"configure: error:", "cmake error", "fatal:", "error:", "error["})
         || is_python_exception(line) || begins(line, "E   ");
}

/// "0 failed", but not "10 failed": a summary of what went well.
bool counts_none(const small_letters& letters) {
  if (has_any(letters, {"no errors", "no failures"}))
    return true;
  const auto& low = letters.text();
  for (std::string_view none : {"0 failed", "0 failures", "0 errors", "0 tests failed"})
    if (auto at = low.find(none); at != std::string_view::npos)
      if (at == 0 || std::isdigit(static_cast<unsigned char>(low[at - 1])) == 0)
        return true;
  return false;
}

weight weigh(std::string_view line) {
  if (line.empty())
    return weight::nothing;
  small_letters low{lower(line)};
  if (is_machine(low))
    return weight::machine;
  // Make's own complaints are causes, its report that a command failed is not.
  if (is_make(line) && !has_any(low, {"no rule to make", "missing separator", "stop."}))
    return weight::follows;
  if (is_cause(line, low))
    return weight::cause;
  if (begins_any(line, {"FAIL:", "FAIL ", "FAILED ", "ERROR:", "not ok ", "[  FAILED  ]"})
      || has(line, "***Failed") || low.has("doctest failed"))
    return weight::names;
  if (counts_none(low))
    return weight::nothing;
  if (has_any(low, {" failed, ", " tests failed", "failures=", "errors=", "test failed"}))
    return weight::summary;
  bool mentions = has_word(low, "error") || has_word(low, "failed") || has_word(low, "failure")
                  || has_word(low, "cannot") || has_word(low, "can't") || has_word(low, "fatal")
                  || has_word(low, "error:") || has_word(low, "panic");
  return mentions ? weight::mentions : weight::nothing;
}

/// The bytes without terminal escapes, tabs as blanks, and of a line that was drawn over again by
/// carriage returns what was left to see.
std::string cleaned(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t'))
    line.remove_suffix(1);
  if (auto again = line.rfind('\r'); again != std::string_view::npos)
    line.remove_prefix(again + 1);
  std::string out;
  for (size_t i = 0; i < line.size() && out.size() <= limits::error_line_bytes_max; ++i) {
    if (line[i] == '\x1b' && i + 1 < line.size() && line[i + 1] == '[') {
      for (i += 2; i < line.size() && (line[i] < '@' || line[i] > '~');)
        ++i;
      continue;
    }
    out += line[i] == '\t' ? ' ' : line[i];
  }
  return out;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

} // namespace

error_in_log first_error(std::string_view log_tail) {
  if (log_tail.size() > limits::error_search_bytes_max)
    log_tail.remove_prefix(log_tail.size() - limits::error_search_bytes_max);
  auto lines = lines_of(log_tail);
  auto best = weight::nothing;
  size_t at = 0;
  bool in_traceback = false;
  for (size_t i = 0; i < lines.size(); ++i) {
    auto line = cleaned(lines[i]);
    if (begins(line, "Traceback (most recent call last)"))
      in_traceback = true;
    auto found = weigh(line);
    // An exception within a traceback that is the best so far replaces what it was raised from.
    bool ends_traceback = in_traceback && is_python_exception(line);
    if (found > best
        || (ends_traceback && found == best && is_python_exception(cleaned(lines[at]))))
      best = found, at = i;
    in_traceback = in_traceback && !ends_traceback;
  }
  error_in_log out;
  if (best == weight::nothing)
    return out;
  auto shown = [&](size_t i) { return printable(cleaned(lines[i]), limits::error_line_bytes_max); };
  out.line = shown(at);
  out.line.erase(0, out.line.find_first_not_of(' '));
  auto first = at - std::min(at, limits::error_lines_before);
  auto last = std::min(lines.size(), at + limits::error_lines_after + 1);
  for (auto i = first; i < last; ++i)
    out.context.push_back(shown(i));
  return out;
}

} // namespace drover::core
