// `sage -t`, today's and that of 2010: one test is one file, as in its list of failures.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/dialects/python_failure.hpp"
#include "actors/core/dialects/runs.hpp"
#include "actors/core/dialects/text.hpp"

#include <map>
#include <utility>

namespace drover::core::dialects {

namespace {

/// What is known of one file.
struct sage_file {
  std::optional<test_outcome> outcome;
  double seconds = -1;
  std::string reason;
  std::string first_failure;
};

/// A line "sage -t [options] FILE  # reason".
struct mention {
  std::string file; ///< empty: none
  std::string reason;
};

mention parse_mention(std::string_view text) {
  text = trimmed(text);
  if (!take(text, "sage -t ") && !take(text, "sage -tp ") && !take(text, "./sage -t "))
    return {};
  mention out;
  if (auto hash = text.find(" # "); hash != std::string_view::npos) {
    out.reason = trimmed(text.substr(hash + 3));
    text = text.substr(0, hash);
  }
  text = trimmed(text);
  if (text.ends_with('"') && text.size() > 1) {
    auto open = text.rfind('"', text.size() - 2);
    if (open != std::string_view::npos)
      out.file = text.substr(open + 1, text.size() - open - 2);
  } else {
    auto space = text.find_last_of(" \t");
    out.file = space == std::string_view::npos ? text : text.substr(space + 1);
  }
  if (out.file.starts_with('-'))
    out.file.clear();
  return out;
}

test_outcome outcome_of(std::string_view reason) {
  if (reason.find("[failed in baseline]") != std::string_view::npos)
    return test_outcome::expected_failure;
  bool counts = reason.find("doctest failed") != std::string_view::npos
                || reason.find("doctests failed") != std::string_view::npos;
  return counts || reason.empty() ? test_outcome::failed : test_outcome::error;
}

class sage_dialect final : public dialect {
public:
  explicit sage_dialect(keep_budget& budget) : runs_{"sage", budget} {}
  void line(std::string_view text, uint64_t number) override;
  void end() override { finish(false); }
  std::vector<test_run> runs() override { return runs_.take(); }

private:
  void mentioned(mention found);
  bool is_result(std::string_view text);
  void finish_failure();
  void finish(bool is_complete);

  run_recorder runs_;
  uint64_t number_ = 0;
  std::map<std::string, sage_file> files_;
  size_t bytes_ = 0;
  std::string current_;
  bool after_stars_ = false;
  bool in_failure_ = false;
  bool in_list_ = false;
  failure_block failure_;
  tool_summary said_;
};

void sage_dialect::line(std::string_view text, uint64_t number) {
  number_ = number;
  if (auto found = parse_mention(text); !found.file.empty()) {
    mentioned(std::move(found));
    return;
  }
  if (!runs_.is_open())
    return;
  bool after_stars = std::exchange(after_stars_, is_line_of(text, '*', 70));
  if (after_stars_ || is_line_of(text, '-', 50)) {
    finish_failure();
    return;
  }
  if (after_stars && !current_.empty() && failure_.begin(text)) {
    in_failure_ = true;
    return;
  }
  if (is_result(text))
    return;
  if (text.starts_with("The following tests failed:"))
    in_list_ = true;
  else if (text.starts_with("Total time for all tests:"))
    finish(true);
  else if (in_failure_)
    failure_.add(text);
}

void sage_dialect::mentioned(mention found) {
  runs_.touch(number_);
  finish_failure();
  bool is_new = files_.find(found.file) == files_.end();
  if (is_new) {
    bytes_ += found.file.size();
    if (files_.size() >= limits::tests_kept_max || bytes_ > limits::tests_bytes_max) {
      runs_.run().report.truncated = true;
      current_.clear();
      return;
    }
  }
  auto& file = files_[found.file];
  if (!found.reason.empty() || in_list_) {
    file.outcome = outcome_of(found.reason);
    file.reason = found.reason.substr(0, limits::test_name_bytes_max);
    return;
  }
  current_ = std::move(found.file);
}

bool sage_dialect::is_result(std::string_view text) {
  bool is_indented = text.starts_with(" ") || text.starts_with("\t");
  text = trimmed(text);
  if (!is_indented || current_.empty() || !take(text, "[") || !text.ends_with("]"))
    return false;
  text.remove_suffix(1);
  uint64_t failures = 0;
  auto rest = text;
  auto first = take_number(rest);
  if (first && (take(rest, " tests, ") || take(rest, " test, "))) {
    auto more = rest;
    auto second = take_number(more);
    if (second && (take(more, " failures, ") || take(more, " failure, "))) {
      failures = *second;
      rest = more;
    }
    said_.ran += *first;
    said_.failures += failures;
    text = rest;
  }
  if (text.ends_with(" wall"))
    text.remove_suffix(5);
  if (!text.ends_with("s"))
    return false;
  text.remove_suffix(1);
  auto& file = files_[current_];
  file.seconds = seconds_of(text);
  finish_failure();
  if (!file.outcome)
    file.outcome =
      failures > 0 || !file.first_failure.empty() ? test_outcome::failed : test_outcome::passed;
  current_.clear();
  runs_.touch(number_);
  return true;
}

void sage_dialect::finish_failure() {
  if (!std::exchange(in_failure_, false) || !failure_.is_confirmed())
    return;
  auto& file = files_[current_];
  if (!file.first_failure.empty() || bytes_ > limits::tests_bytes_max)
    return;
  excerpt text;
  text.add("line " + std::to_string(failure_.line()) + ": " + failure_.source());
  file.first_failure = text.text() + '\n' + failure_.message();
  bytes_ += file.first_failure.size();
}

void sage_dialect::finish(bool is_complete) {
  if (!runs_.is_open())
    return;
  finish_failure();
  if (is_complete)
    runs_.touch(number_);
  for (auto& [name, file] : files_) {
    // Named without a result: a command's echo, unless the output ends in it.
    if (!file.outcome && (is_complete || name != current_))
      continue;
    test_case test;
    test.name = name;
    test.file = name;
    test.seconds = file.seconds;
    test.outcome = file.outcome.value_or(test_outcome::error);
    if (!file.outcome)
      file.reason = "the output ends within this file";
    test.message = file.reason;
    if (!file.first_failure.empty())
      test.message += (test.message.empty() ? "" : "\n") + file.first_failure;
    runs_.add(std::move(test));
  }
  if (is_complete)
    runs_.set_summary(said_);
  else
    runs_.note("sage -t did not come to its end");
  runs_.note("sage -t: results are of files; " + std::to_string(said_.ran) + " doctests, "
             + std::to_string(said_.failures) + " failed");
  runs_.close();
  files_.clear();
  bytes_ = 0;
  current_.clear();
  in_list_ = false;
  said_ = {};
}

} // namespace

std::unique_ptr<dialect> make_sage(keep_budget& budget) {
  return std::make_unique<sage_dialect>(budget);
}

} // namespace drover::core::dialects
