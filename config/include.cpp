// SPDX-License-Identifier: Apache-2.0
#include "config/include.hpp"

#include "config/forms.hpp"
#include "config/values.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace drover {
namespace {

using yaml::mark;
using yaml::node;

constexpr size_t shown_bytes_max = 80; // of a path in a message
constexpr std::string_view wildcards = "*?";

std::string shown(std::string_view text) {
  return printable(text, shown_bytes_max);
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_section(std::string_view key) {
  constexpr std::array<std::string_view, 6> sections{"hosts",     "sources", "builders",
                                                     "reporters", "users",   "limits"};
  return std::find(sections.begin(), sections.end(), key) != sections.end();
}

/// "a/b/c.yaml" as "a/b" and "c.yaml".
std::pair<std::string, std::string> split(const std::string& path) {
  auto slash = path.rfind('/');
  if (slash == std::string::npos)
    return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

/// What an entry of `include` means: a path from the main file's folder, or why it is none.
struct resolved {
  std::string path;
  std::string problem;
};

resolved resolve(const std::string& including, std::string_view written) {
  if (bad_location(written) || written.find("://") != std::string_view::npos)
    return {{}, fmt::format("'{}' is no path of a file", shown(written))};
  if (written.front() == '/' || written.front() == '~')
    return {{},
            fmt::format("'{}' is absolute; name a file in the main file's folder or below it",
                        shown(written))};
  std::vector<std::string_view> parts;
  auto whole = split(including).first + "/" + std::string{written};
  for (std::string_view rest = whole; !rest.empty();) {
    auto slash = std::min(rest.find('/'), rest.size());
    auto part = rest.substr(0, slash);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    if (part == ".." && parts.empty())
      return {{}, fmt::format("'{}' leads out of the main file's folder", shown(written))};
    if (part == "..")
      parts.pop_back();
    else if (!part.empty() && part != ".")
      parts.push_back(part);
  }
  if (parts.empty() || !(ends_with(parts.back(), ".yaml") || ends_with(parts.back(), ".yml")))
    return {{}, fmt::format("'{}' must end in .yaml or .yml", shown(written))};
  for (size_t i = 0; i + 1 < parts.size(); ++i)
    if (parts[i].find_first_of(wildcards) != std::string_view::npos)
      return {{},
              fmt::format("'{}': '*' and '?' may stand only behind the last '/'", shown(written))};
  return {fmt::format("{}", fmt::join(parts, "/")), {}};
}

/// One run over one configuration.
class gatherer {
public:
  explicit gatherer(const config_files& from) : from_{from} {}

  gathered run(const std::string& main) {
    read(main, nullptr);
    return std::move(out_);
  }

private:
  /// Reads a file that `by`, an entry of `include`, names; nothing: the main file.
  void read(const std::string& path, const node* by) {
    auto text = fetch(path, by);
    if (!text)
      return;
    auto number = out_.names.size();
    out_.names.push_back(path);
    auto document = yaml::parse(*text, number);
    out_.texts.emplace(path, *std::move(text));
    out_.errors.insert(out_.errors.end(), document.errors.begin(), document.errors.end());
    if (!document.root || !in_budget(*document.root))
      return;
    if (document.root->what != yaml::kind::mapping && by != nullptr) {
      error(document.root->at, "an included file holds sections, e.g. builders: {...}, as the main "
                               "file does");
      return;
    }
    chain_.push_back(path);
    auto here = *std::move(document.root);
    take_over(here);
    for (const auto& entry : here.entries)
      if (entry.key.text == "include")
        follow(entry.value);
    chain_.pop_back();
  }

  std::optional<std::string> fetch(const std::string& path, const node* by) {
    if (out_.names.size() >= limits::config_files_max) {
      if (!std::exchange(full_, true))
        error(by->at, fmt::format("include: more than {} files; put some together",
                                  limits::config_files_max));
      return std::nullopt;
    }
    auto text = from_.read(path);
    if (!text && by == nullptr) {
      out_.errors.push_back({0, 0, text.error().text});
      return std::nullopt;
    }
    if (!text) {
      error(by->at,
            fmt::format("include: '{}' {}{}", shown(path), text.error().text, perhaps_meant(path)));
      return std::nullopt;
    }
    bytes_ += text->size();
    if (bytes_ > limits::config_bytes_max && by != nullptr) {
      error(by->at, fmt::format("include: with '{}' the files are larger than {} bytes together",
                                shown(path), limits::config_bytes_max));
      return std::nullopt;
    }
    return *std::move(text);
  }

  bool in_budget(const node& root) {
    nodes_ += root.nodes;
    text_bytes_ += root.text_bytes;
    if (nodes_ <= limits::yaml_nodes_max && text_bytes_ <= limits::yaml_text_bytes_max)
      return true;
    error(root.at, fmt::format("with this file there are more than {} values or {} bytes together, "
                               "aliases expanded",
                               limits::yaml_nodes_max, limits::yaml_text_bytes_max));
    return false;
  }

  /// Appends the file's sections to those of the files before it, without what these have.
  void take_over(const node& file) {
    if (!out_.root) {
      out_.root = file;
      out_.root->entries.clear();
      out_.root->items.clear();
    }
    for (auto entry : file.entries) {
      const auto& key = entry.key.text;
      if (key == "farm" && !first_here(key, entry.key, "'farm' is said"))
        continue;
      if (is_section(key) && entry.value.what == yaml::kind::mapping) {
        auto twice = [&](const yaml::entry& thing) {
          return !first_here(key + "/" + thing.key.text, thing.key,
                             fmt::format("'{}' is defined in {}", shown(thing.key.text), key));
        };
        std::erase_if(entry.value.entries, twice);
      }
      out_.root->entries.push_back(std::move(entry));
    }
  }

  bool first_here(const std::string& path, const node& key, const std::string& what) {
    auto [first, is_new] = defined_.try_emplace(path, key.at);
    if (is_new)
      return true;
    error(key.at, fmt::format("{} twice, first at {}:{}:{}", what, out_.names[first->second.file],
                              first->second.line, first->second.column));
    return false;
  }

  void follow(const node& value) {
    if (value.what == yaml::kind::mapping) {
      error(value.at, "include: expected a list, e.g. [hosts.yaml, \"builders/*.yaml\"], not a "
                      "mapping");
      return;
    }
    if (value.what == yaml::kind::scalar && !value.empty())
      follow_one(value);
    for (const auto& item : value.items)
      follow_one(item);
  }

  void follow_one(const node& item) {
    // A file's errors are bounded, but not what reading on would cost.
    if (full_ || out_.errors.size() > limits::config_errors_max)
      return;
    if (item.what != yaml::kind::scalar) {
      error(item.at, "include: expected the path of a file, e.g. hosts.yaml");
      return;
    }
    auto to = resolve(chain_.back(), item.text);
    if (!to.problem.empty())
      error(item.at, "include: " + to.problem);
    else if (to.path.find_first_of(wildcards) != std::string::npos)
      follow_pattern(item, to.path);
    else if (std::find(chain_.begin(), chain_.end(), to.path) != chain_.end())
      error(item.at, circle(to.path));
    else if (out_.texts.count(to.path) == 0)
      read(to.path, &item);
  }

  std::string circle(const std::string& back_to) const {
    auto first = std::find(chain_.begin(), chain_.end(), back_to);
    return fmt::format("include: goes in a circle, {} -> {}; take one out",
                       shown(fmt::format("{}", fmt::join(first, chain_.end(), " -> "))),
                       shown(back_to));
  }

  /// Files that are read already, or are being read, are no circle here: they fit by chance.
  void follow_pattern(const node& item, const std::string& path) {
    auto [folder, pattern] = split(path);
    auto names = from_.list(folder);
    if (!names) {
      error(item.at, fmt::format("include: '{}' {}", shown(folder.empty() ? "." : folder),
                                 names.error().text));
      return;
    }
    std::sort(names->begin(), names->end());
    bool any = false;
    for (const auto& name : *names) {
      if (!fits_pattern(name, pattern))
        continue;
      any = true;
      auto found = folder.empty() ? name : folder + "/" + name;
      if (out_.texts.count(found) == 0 && !full_ && out_.errors.size() <= limits::config_errors_max)
        read(found, &item);
    }
    if (!any)
      out_.warnings.push_back({item.at.line, item.at.column,
                               fmt::format("include: no file fits '{}'", shown(item.text)),
                               item.at.file});
  }

  std::string perhaps_meant(const std::string& path) const {
    auto [folder, name] = split(path);
    auto names = from_.list(folder);
    if (!names)
      return {};
    std::vector<std::string_view> there{names->begin(), names->end()};
    auto near = nearest(name, there);
    return near && *near != name ? fmt::format(" (did you mean '{}'?)", shown(*near)) : "";
  }

  void error(const mark& at, std::string message) {
    out_.errors.push_back({at.line, at.column, std::move(message), at.file});
  }

  const config_files& from_;
  gathered out_;
  std::vector<std::string> chain_; // the files that are being read, each included by the one before
  std::map<std::string, mark> defined_;
  bool full_ = false; // no further file may be read
  size_t bytes_ = 0;
  size_t nodes_ = 0;
  size_t text_bytes_ = 0;
};

} // namespace

bool fits_pattern(std::string_view name, std::string_view pattern) {
  if (!name.empty() && name.front() == '.' && (pattern.empty() || pattern.front() != '.'))
    return false;
  // fits[i]: the pattern so far fits the name's first i characters.
  std::vector<char> fits(name.size() + 1, 0);
  fits[0] = 1;
  for (char wanted : pattern) {
    char before = fits[0];
    fits[0] = static_cast<char>(wanted == '*' ? before : 0);
    for (size_t i = 1; i <= name.size(); ++i) {
      auto old = fits[i];
      if (wanted == '*')
        fits[i] = static_cast<char>(old != 0 || fits[i - 1] != 0);
      else
        fits[i] = static_cast<char>(before != 0 && (wanted == '?' || wanted == name[i - 1]));
      before = old;
    }
  }
  return fits[name.size()] != 0;
}

gathered gather(const std::string& main, const config_files& from) {
  return gatherer{from}.run(main);
}

} // namespace drover
