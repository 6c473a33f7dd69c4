// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/reference.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <string_view>
#include <vector>

namespace drover::cli {

namespace {

struct entry {
  std::string names; ///< "--limit N", or "BUILDER"
  std::string about;
};

/// One command that does something, as both formats need it.
struct command_text {
  std::string name; ///< "admin token create"
  std::string group;
  std::string usage; ///< behind the name
  std::string about;
  std::vector<entry> words, options;
  std::vector<std::string> footer;
};

std::string type_of(const CLI::Option& option) {
  auto type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

std::string names_of(const CLI::Option& option) {
  std::string out;
  auto add = [&](const std::string& name) { out += (out.empty() ? "" : ", ") + name; };
  for (const auto& name : option.get_snames())
    add("-" + name);
  for (const auto& name : option.get_lnames())
    add("--" + name);
  return option.get_expected_max() > 0 ? out + " " + type_of(option) : out;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (size_t from = 0; from < text.size();) {
    auto end = std::min(text.find('\n', from), text.size());
    out.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

/// "Example: x" and the lines aligned below it, without what aligns them.
std::vector<std::string> footer_of(const CLI::App& app) {
  constexpr std::string_view example = "Example: ";
  auto lines = lines_of(app.get_footer());
  bool aligned = false;
  for (auto& line : lines) {
    if (line.compare(0, example.size(), example) == 0) {
      line = line.substr(example.size());
      aligned = true;
    } else if (aligned && line.compare(0, example.size(), std::string(example.size(), ' ')) == 0) {
      line = line.substr(example.size());
    }
  }
  return lines;
}

void collect(const CLI::App& app, const std::string& above, const std::string& group,
             std::vector<command_text>& out) {
  for (const auto* each : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (each->get_group().empty())
      continue; // not for people
    auto name = above + each->get_name();
    auto where = group.empty() ? each->get_group() : group;
    auto inner = each->get_subcommands([](const CLI::App*) { return true; });
    if (!inner.empty()) {
      collect(*each, name + " ", where, out);
      continue;
    }
    command_text one{name, where, "", each->get_description(), {}, {}, footer_of(*each)};
    for (const auto* option : each->get_options()) {
      if (option->get_positional()) {
        auto word = option->get_name(true) + (option->get_expected_max() > 1 ? "..." : "");
        one.usage += option->get_required() ? " " + word : " [" + word + "]";
        one.words.push_back({option->get_name(true), option->get_description()});
      } else if (!option->check_name("--help")) {
        one.options.push_back({names_of(*option), option->get_description()});
      }
    }
    for (const auto* option : each->get_options())
      if (!option->get_positional() && option->get_required())
        one.usage += " " + names_of(*option);
    out.push_back(std::move(one));
  }
}

std::vector<command_text> all_commands(const CLI::App& app) {
  std::vector<command_text> out;
  collect(app, "", "", out);
  // Those of a group together, groups in the order of their first command.
  std::vector<std::string> groups;
  for (const auto& each : out)
    if (std::find(groups.begin(), groups.end(), each.group) == groups.end())
      groups.push_back(each.group);
  std::stable_sort(out.begin(), out.end(), [&](const auto& left, const auto& right) {
    return std::find(groups.begin(), groups.end(), left.group)
           < std::find(groups.begin(), groups.end(), right.group);
  });
  return out;
}

std::vector<entry> global_options(const CLI::App& app) {
  std::vector<entry> out;
  for (const auto* option : app.get_options())
    out.push_back({names_of(*option), option->get_description()});
  return out;
}

/// Signs that scdoc would take for its own.
std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (std::string_view{"\\*_[]|#~<>"}.find(c) != std::string_view::npos)
      out += '\\';
    out += c;
  }
  return out;
}

/// "--limit N" with the name bold and the value underlined.
std::string marked(const std::string& names) {
  auto blank = names.rfind(' ');
  bool value = blank != std::string::npos && names[blank + 1] != '-';
  auto head = names.substr(0, value ? blank : names.size());
  auto out = "*" + escaped(head) + "*";
  return value ? out + " _" + escaped(names.substr(blank + 1)) + "_" : out;
}

std::string entries_scdoc(const std::vector<entry>& entries, const std::string& indent) {
  std::string out;
  for (const auto& each : entries)
    out += indent + marked(each.names) + "\n" + indent + "\t" + escaped(each.about) + "\n\n";
  return out;
}

std::string entries_markdown(const std::vector<entry>& entries) {
  std::string out;
  for (const auto& each : entries)
    out += "- `" + each.names + "`: " + each.about + "\n";
  return out;
}

std::string block(const std::vector<std::string>& lines, const std::string& indent) {
  std::string out = indent + "```\n";
  for (const auto& line : lines)
    out += (line.empty() ? "" : indent + line) + "\n";
  return out + indent + "```\n";
}

} // namespace

std::string reference_markdown(const CLI::App& app) {
  std::string out = "Options of all commands:\n\n" + entries_markdown(global_options(app));
  std::string group;
  for (const auto& each : all_commands(app)) {
    if (each.group != group) {
      group = each.group;
      out += "\n### " + group + "\n";
    }
    out += "\n#### `drover " + each.name + each.usage + "`\n\n" + each.about + ".\n\n";
    auto entries = entries_markdown(each.words) + entries_markdown(each.options);
    out += entries + (entries.empty() ? "" : "\n") + block(each.footer, "");
  }
  return out;
}

std::string reference_scdoc(const CLI::App& app) {
  std::string out = "# OPTIONS OF ALL COMMANDS\n\n" + entries_scdoc(global_options(app), "");
  out += "# COMMANDS\n";
  std::string group;
  for (const auto& each : all_commands(app)) {
    if (each.group != group) {
      group = each.group;
      out += "\n## " + escaped(group) + "\n";
    }
    out += "\n*drover " + escaped(each.name) + "*" + escaped(each.usage) + "\n\t"
           + escaped(each.about) + ".\n\n";
    out += entries_scdoc(each.words, "\t") + entries_scdoc(each.options, "\t");
    out += block(each.footer, "\t");
  }
  return out;
}

} // namespace drover::cli
