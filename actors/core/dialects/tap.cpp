// The Test Anything Protocol, 12 to 14. Subtests count as the one line of their parent, as for
// `prove`.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/runs.hpp"
#include "actors/core/dialects/text.hpp"

#include <algorithm>
#include <utility>

namespace drover::core::dialects {

namespace {

struct tap_line {
  test_case test;
  std::optional<uint64_t> number;
  bool is_bare = false; ///< neither number nor description
};

/// In two pieces: it is TAP's word and not a note of ours (tools/tidy.py).
constexpr std::string_view known_to_fail = "TO"
                                           "DO";

/// Where the directive of `text` begins: an unescaped " #", or its end.
size_t directive_at(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '#' && (i == 0 || text[i - 1] == ' '))
      return i;
  }
  return text.size();
}

bool take_word(std::string_view& text, std::string_view upper) {
  if (text.size() < upper.size())
    return false;
  for (size_t i = 0; i < upper.size(); ++i)
    if (text[i] != upper[i] && text[i] - 'a' + 'A' != upper[i])
      return false;
  text.remove_prefix(upper.size());
  return true;
}

void apply_directive(test_case& test, std::string_view directive) {
  take(directive, "#");
  directive = trimmed(directive);
  if (take_word(directive, known_to_fail)) {
    bool passed = test.outcome == test_outcome::passed;
    test.outcome = passed ? test_outcome::passed : test_outcome::expected_failure;
    test.message = trimmed(directive);
    if (passed)
      test.message = "passed, but was expected to fail";
  } else if (take_word(directive, "SKIP")) {
    test.outcome = test_outcome::skipped;
    directive = directive.substr(std::min(directive.find_first_of(" \t"), directive.size()));
    test.message = trimmed(directive);
  } else if (take_word(directive, "TIME=")) { // what some harnesses add
    auto end = directive.find_first_not_of("0123456789.");
    double value = seconds_of(directive.substr(0, end));
    bool is_ms = end != std::string_view::npos && directive.substr(end).starts_with("ms");
    test.seconds = is_ms && value >= 0 ? value / 1000 : value;
  }
}

std::optional<tap_line> parse_result(std::string_view text) {
  tap_line out;
  if (take(text, "not ok"))
    out.test.outcome = test_outcome::failed;
  else if (!take(text, "ok"))
    return std::nullopt;
  if (!text.empty() && text[0] != ' ')
    return std::nullopt;
  text = trimmed(text);
  out.number = take_number(text);
  text = trimmed(text);
  if (take(text, "- ") || text == "-")
    text = trimmed(text == "-" ? "" : text);
  auto at = directive_at(text);
  out.test.name = trimmed(text.substr(0, at));
  out.is_bare = !out.number && out.test.name.empty();
  apply_directive(out.test, text.substr(at));
  return out;
}

class tap_dialect final : public dialect {
public:
  explicit tap_dialect(keep_budget& budget) : runs_{"tap", budget} {}
  void line(std::string_view text, uint64_t number) override;
  void end() override;
  std::vector<test_run> runs() override { return runs_.take(); }

private:
  bool is_plan(std::string_view text);
  bool is_result(std::string_view text);
  bool is_detail(std::string_view text);
  void flush();
  /// Opens a run if none is open.
  void touch();

  run_recorder runs_;
  uint64_t number_ = 0;
  std::string script_; ///< as `prove -v` names it
  std::string next_script_;
  std::optional<uint64_t> planned_;
  bool has_version_ = false;
  bool in_yaml_ = false;
  uint64_t seen_ = 0;
  std::optional<test_case> last_;
  excerpt details_;
};

void tap_dialect::line(std::string_view text, uint64_t number) {
  number_ = number;
  if (is_detail(text))
    return;
  if (text.starts_with("TAP version ")) {
    end();
    has_version_ = true;
    touch();
    return;
  }
  if (is_plan(text) || is_result(text))
    return;
  if (take(text, "Bail out!")) {
    if (!runs_.is_open())
      return;
    flush();
    runs_.touch(number);
    runs_.note("Bail out! " + std::string{trimmed(text)});
    return;
  }
  if (auto blank = text.find(" .."); blank != std::string_view::npos && blank > 0) {
    auto name = text.substr(0, blank);
    bool is_script = text.find_first_not_of(". ", blank) == std::string_view::npos
                     && name.find(' ') == std::string_view::npos;
    if (is_script)
      next_script_ = name.substr(0, limits::test_name_bytes_max);
  }
}

void tap_dialect::touch() {
  if (!runs_.is_open())
    script_ = std::exchange(next_script_, {});
  runs_.touch(number_);
}

/// "1..5", "1..0 # SKIP reason"
bool tap_dialect::is_plan(std::string_view text) {
  if (!take(text, "1.."))
    return false;
  auto count = take_number(text);
  auto rest = trimmed(text);
  if (!count || (!rest.empty() && !take(rest, "#")))
    return false;
  if (runs_.is_open() && planned_)
    end(); // another script's
  touch();
  planned_ = count;
  if (*count == 0 && !rest.empty())
    runs_.note("TAP: nothing was run: " + std::string{trimmed(rest)});
  return true;
}

bool tap_dialect::is_result(std::string_view text) {
  auto found = parse_result(text);
  if (!found)
    return false;
  bool is_complete = planned_ && seen_ >= *planned_;
  if (found->is_bare && (!runs_.is_open() || !planned_ || is_complete))
    return false; // "ok" alone is the word of many
  bool is_next_script = found->number == 1u && seen_ > 0;
  if (is_next_script)
    end();
  if (!runs_.is_open() && found->number != 1u)
    return false;
  flush();
  touch();
  ++seen_;
  if (found->test.name.empty())
    found->test.name = "test " + std::to_string(found->number.value_or(seen_));
  found->test.suite = script_;
  last_ = std::move(found->test);
  return true;
}

/// YAML blocks and comments behind a result.
bool tap_dialect::is_detail(std::string_view text) {
  if (!last_)
    return false;
  auto inner = trimmed(text);
  if (in_yaml_) {
    if (inner == "..." && text.starts_with(" "))
      in_yaml_ = false;
    else
      details_.add(text);
    return true;
  }
  if (inner == "---" && text.starts_with(" ") && !text.starts_with("    ")) {
    in_yaml_ = true;
    return true;
  }
  if (!text.starts_with("#"))
    return false;
  details_.add(trimmed(text.substr(1)));
  return true;
}

void tap_dialect::flush() {
  in_yaml_ = false;
  if (last_) {
    auto test = *std::exchange(last_, std::nullopt);
    if (is_failure(test.outcome) && !details_.empty())
      test.message = details_.text();
    runs_.add(std::move(test));
  }
  details_.clear();
}

void tap_dialect::end() {
  flush();
  if (runs_.is_open()) {
    bool is_bare_plan = planned_.value_or(0) > 0 && seen_ == 0;
    if (!has_version_ && (!planned_ || is_bare_plan))
      runs_.drop(); // somebody else's "ok 1", or "1..5"
    else if (!planned_)
      runs_.note("TAP: the plan is missing, " + std::to_string(seen_) + " tests were seen");
    else if (*planned_ != seen_)
      runs_.note("TAP: 1.." + std::to_string(*planned_) + " was planned, " + std::to_string(seen_)
                 + " tests were seen");
    if (runs_.is_open() && planned_) {
      tool_summary summary;
      summary.ran = *planned_;
      summary.failures = runs_.counts()[test_outcome::failed];
      summary.skipped = runs_.counts()[test_outcome::skipped];
      runs_.set_summary(std::move(summary));
    }
  }
  runs_.close();
  planned_.reset();
  has_version_ = false;
  seen_ = 0;
  script_.clear();
}

} // namespace

std::unique_ptr<dialect> make_tap(keep_budget& budget) {
  return std::make_unique<tap_dialect>(budget);
}

} // namespace drover::core::dialects
