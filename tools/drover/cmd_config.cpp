// admin config, admin reload: the configurations that were in force, and the next one.
// SPDX-License-Identifier: Apache-2.0
#include "schema/names.hpp"
#include "tools/drover/cmd_admin.hpp"
#include "tools/drover/line_diff.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <set>

namespace drover::cli {

namespace {

/// Text of a file, line by line fit for a terminal.
std::string shown_file(const std::string& text) {
  std::string out;
  for (size_t from = 0; from < text.size();) {
    auto end = std::min(text.find('\n', from), text.size());
    out += printable(text.substr(from, end - from), end - from + 64) + "\n";
    from = end + 1;
  }
  return out;
}

std::string render_generations(const json& answer, const screen& out) {
  table rows{{"N", "IN FORCE SINCE", "BY", "WHAT CHANGED"}};
  for (const auto& each : field_list(answer, "generations"))
    rows.add({field_text(each, "generation", "-"), when_text(each, "at", out),
              field_text(each, "by", "-"), field_text(each, "summary", "")});
  return rows.empty() ? "no configurations\n" : rows.text(out.colours, out.width);
}

std::string render_config(const json& config, const screen&) {
  auto text = "# generation " + field_text(config, "generation", "?") + ", in force since "
              + short_time(field_text(config, "at", "?")) + "\n";
  const auto files = field_object(config, "files");
  for (const auto& [path, content] : files.items()) {
    text += "# " + printable(path, 400) + "\n";
    if (content.is_string())
      text += shown_file(content.get<std::string>());
  }
  return text;
}

std::string config_route(const std::string& generation) {
  return generation.empty() ? route({"config"}) : route({"config", "generations", generation});
}

/// What changed in one file, with its name above.
std::string file_diff(const std::string& path, const json& before, const json& after,
                      const screen& out) {
  auto changed = line_diff(field_text(before, path, ""), field_text(after, path, ""));
  if (changed.empty())
    return "";
  auto text = "--- " + printable(path, 400) + "\n";
  for (const auto& line : changed) {
    auto shade = line[0] == '+' ? colour::green : line[0] == '-' ? colour::red : colour::none;
    text += paint(printable(line, line.size() * 4), shade, out.colours) + "\n";
  }
  return text;
}

struct diff_options {
  std::string from, to;
  bool as_json = false;
};

/// Names of the two to be compared: the last one and the one before it, unless they were given.
expected<diff_options> settled(client& farm, diff_options given) {
  if (!given.from.empty())
    return given;
  auto answer = fetch(farm, route({"config"}));
  if (!answer)
    return answer.error();
  auto last = field_number(*answer, "generation", 0);
  if (last < 2)
    return failure{ec::not_found, "there is one configuration only; `drover admin config show`"
                                  " prints it"};
  given.from = std::to_string(last - 1);
  return given;
}

int diff(const command_line& line, const diff_options& asked) {
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto given = settled(*farm, asked);
  if (!given)
    return complain(given.error());
  auto before = fetch(*farm, config_route(given->from));
  auto after = before ? fetch(*farm, config_route(given->to)) : before;
  if (!after)
    return complain(after.error());
  auto old_files = field_object(*before, "files"), new_files = field_object(*after, "files");
  std::set<std::string> paths;
  for (const auto* files : {&old_files, &new_files})
    for (const auto& [path, content] : files->items())
      paths.insert(path);
  auto out = real_screen(line.colours);
  std::string text;
  auto changes = json::array();
  for (const auto& path : paths) {
    text += file_diff(path, old_files, new_files, out);
    auto lines = line_diff(field_text(old_files, path, ""), field_text(new_files, path, ""));
    if (!lines.empty())
      changes.push_back({{"path", path}, {"lines", lines}});
  }
  if (given->as_json)
    put_out(json_line({{"from", field_number(*before, "generation", 0)},
                       {"to", field_number(*after, "generation", 0)},
                       {"files", changes}}));
  else
    put_out(text.empty() ? "no difference\n" : text);
  return exits::green;
}

/// All mistakes, as `drover check` shows them.
int reload(const command_line& line, const std::string& reason, bool as_json) {
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto answer = farm->post(with_params(route({"config", "reload"}), {{"reason", reason}}), "");
  if (!answer)
    return complain(answer.error());
  if (!answer->ok()) {
    auto problem = json::parse(answer->body, nullptr, false);
    for (const auto& each : field_list(problem, "errors"))
      std::fprintf(
        stderr, "%s\n",
        printable(field_text(each, "file", "farm.yaml") + ":" + field_text(each, "line", "0") + ":"
                    + field_text(each, "column", "0") + ": " + field_text(each, "message", "?"),
                  2000)
          .c_str());
    return complain(failure_of(*answer));
  }
  auto read = read_answer(answer);
  if (!read)
    return complain(read.error());
  put_out(as_json ? json_line(*read) : printable(field_text(*read, "text", "done"), 1000) + "\n");
  return exits::green;
}

void add_reload(CLI::App& admin, command_line& line) {
  auto reason = std::make_shared<std::string>();
  auto as_json = std::make_shared<bool>(false);
  auto* command = admin.add_subcommand("reload", "Read farm.yaml anew, all or nothing; builds that"
                                                 " run keep what they began with");
  command->footer("Example: drover admin reload --reason 'a builder for zlib'");
  command->add_option("--reason", *reason, "Shown in the journal")->type_name("TEXT");
  command->add_flag("--json", *as_json, "Print the farm's answer as JSON, for scripts");
  command->callback([reason, as_json, &line] { line.exit_code = reload(line, *reason, *as_json); });
}

} // namespace

void add_config(CLI::App& admin, command_line& line) {
  auto* config = admin.add_subcommand("config", "The configurations that were in force: show, list,"
                                                " diff");
  config->require_subcommand(1);
  config->footer("Example: drover admin config list");

  auto shown = std::make_shared<query_options>();
  auto number = std::make_shared<std::string>();
  auto* show = config->add_subcommand("show", "One of them; without N the present one");
  show->footer("Example: drover admin config show 1");
  show->add_option("N", *number, "As `drover admin config list` has it");
  add_query_options(*show, *shown, watchable::no);
  show->callback([shown, number, &line] {
    line.exit_code = run_query(line, *shown, {config_route(*number), render_config});
  });

  auto* list =
    config->add_subcommand("list", "All that are kept: since when, by whom, what changed");
  list->footer("Example: drover admin config list");
  add_query_options(*list, *shown, watchable::no);
  list->callback([shown, &line] {
    line.exit_code =
      run_query(line, *shown, {route({"config", "generations"}), render_generations});
  });

  auto given = std::make_shared<diff_options>();
  auto* compared = config->add_subcommand("diff", "What changed from A to B; without B to the"
                                                  " present one, without A from the one before");
  compared->footer("Example: drover admin config diff 1");
  compared->add_option("A", given->from, "A number of `drover admin config list`");
  compared->add_option("B", given->to, "Another one");
  compared->add_flag("--json", given->as_json, "Print the changes as JSON, for scripts");
  compared->callback([given, &line] { line.exit_code = diff(line, *given); });
  add_reload(admin, line);
}

} // namespace drover::cli
