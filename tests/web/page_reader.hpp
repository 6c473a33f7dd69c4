#pragma once
// Reads a page as strictly as no browser does: what is not ours in it is a mistake.
// SPDX-License-Identifier: Apache-2.0

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace drover::pages::test {

/// All that can be wrong with a page's markup, in words; empty: nothing is.
class page_reader {
public:
  explicit page_reader(std::string_view page) : rest_{page} {
    static constexpr std::string_view doctype = "<!doctype html>\n";
    if (rest_.substr(0, doctype.size()) == doctype)
      rest_.remove_prefix(doctype.size());
    while (!rest_.empty() && problem.empty())
      take();
    if (problem.empty() && !open_.empty())
      problem = "not closed: " + open_.back();
  }

  std::string problem;
  std::string text; ///< what a reader sees, still escaped
  std::vector<std::string> addresses;

private:
  void take() {
    auto at = std::min(rest_.find('<'), rest_.size());
    auto words = rest_.substr(0, at);
    for (char bad : {'>', '"'})
      if (words.find(bad) != std::string_view::npos)
        problem = "raw " + std::string{bad} + " in text: " + std::string{words.substr(0, 80)};
    text += words;
    rest_.remove_prefix(at);
    if (rest_.empty())
      return;
    auto end = rest_.find('>');
    if (end == std::string_view::npos) {
      problem = "an element without end";
      return;
    }
    auto inside = std::string{rest_.substr(1, end - 1)};
    rest_.remove_prefix(end + 1);
    if (inside.empty())
      problem = "an empty element";
    else if (inside[0] == '/')
      closes(inside.substr(1));
    else
      opens(inside);
  }

  void closes(const std::string& name) {
    if (open_.empty() || open_.back() != name) {
      problem = "closes " + name + (open_.empty() ? "" : " within " + open_.back());
      return;
    }
    open_.pop_back();
  }

  void opens(std::string inside) {
    bool alone = inside.back() == '/';
    if (alone)
      inside.pop_back();
    auto name_end = std::min(inside.find(' '), inside.size());
    auto name = inside.substr(0, name_end);
    static const std::set<std::string> known{
      "html",   "head",   "meta",   "title",  "link", "script",  "body", "a",      "header",
      "nav",    "div",    "main",   "footer", "code", "h1",      "h2",   "p",      "section",
      "ul",     "ol",     "li",     "span",   "time", "svg",     "path", "circle", "table",
      "thead",  "tbody",  "tr",     "th",     "td",   "caption", "form", "label",  "input",
      "select", "option", "button", "dl",     "dt",   "dd",      "pre"};
    if (known.count(name) == 0) {
      problem = "an element of nobody's: " + name;
      return;
    }
    attributes_of(inside.substr(name_end));
    static const std::set<std::string> single{"meta", "link", "input"};
    if (!alone && single.count(name) == 0)
      open_.push_back(name);
  }

  void attributes_of(std::string_view text_of_them) {
    auto more = text_of_them;
    while (!more.empty() && problem.empty()) {
      if (more[0] != ' ') {
        problem = "attributes run together: " + std::string{text_of_them};
        return;
      }
      more.remove_prefix(1);
      auto equals = more.find("=\"");
      auto end = equals == std::string_view::npos ? equals : more.find('"', equals + 2);
      if (end == std::string_view::npos) {
        if (!more.empty() && more != " ")
          problem = "an attribute without quotes: " + std::string{more};
        return;
      }
      judge(std::string{more.substr(0, equals)},
            std::string{more.substr(equals + 2, end - equals - 2)});
      more.remove_prefix(end + 1);
    }
  }

  void judge(const std::string& name, const std::string& value) {
    for (char c : name)
      if ((c < 'a' || c > 'z') && c != '-' && c != 'B') // viewBox
        problem = "an attribute of nobody's: " + name;
    if (name.substr(0, 2) == "on" || name == "style" || name == "srcdoc")
      problem = "an attribute that runs: " + name;
    if (name != "href" && name != "src" && name != "action")
      return;
    addresses.push_back(value);
    bool here = !value.empty() && (value[0] == '#' || value[0] == '?' || value[0] == '/')
                && value.substr(0, 2) != "//" && value.find(':') == std::string::npos;
    if (!here)
      problem = "an address that leads elsewhere: " + value;
  }

  std::string_view rest_;
  std::vector<std::string> open_;
};

} // namespace drover::pages::test
