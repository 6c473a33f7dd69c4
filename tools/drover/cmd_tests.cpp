// tests: what a build's tests said.
// SPDX-License-Identifier: Apache-2.0
#include "schema/names.hpp"
#include "tools/drover/checks.hpp"
#include "tools/drover/command.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace drover::cli {

namespace {

/// What fits a table of a message of many lines: of a traceback its last line, which is the reason;
/// of anything else its lines one after the other.
std::string in_a_line(const std::string& message) {
  std::string all, last;
  for (size_t at = 0; at < message.size();) {
    auto end = std::min(message.find('\n', at), message.size());
    auto line = message.substr(at, end - at);
    line.erase(0, line.find_first_not_of(" \t\r"));
    if (!line.empty()) {
      all += (all.empty() ? "" : " ") + line;
      last = line;
    }
    at = end + 1;
  }
  return message.rfind("Traceback", 0) == 0 ? last : all;
}

cell outcome_cell(const json& test) {
  auto word = field_text(test, "outcome", "-");
  auto shade = word == "passed"                      ? colour::green
               : word == "failed" || word == "error" ? colour::red
                                                     : colour::grey;
  return {word, shade};
}

bool is_bad(const json& test) {
  auto word = field_text(test, "outcome", "");
  return word == "failed" || word == "error";
}

std::string seconds_text(const json& test) {
  if (!test.contains("seconds") || !test["seconds"].is_number())
    return "";
  return duration_text(static_cast<int64_t>(test["seconds"].get<double>() * 1000));
}

/// "120 passed, 2 failed" of the answer's counts.
std::string counts_text(const json& answer) {
  const auto counts = field_object(answer, "counts");
  std::string out;
  for (const auto& [name, value] : counts.items()) {
    if (!value.is_number() || value.get<int64_t>() == 0)
      continue;
    auto word = printable(name, 40);
    std::replace(word.begin(), word.end(), '_', ' ');
    out += (out.empty() ? "" : ", ") + std::to_string(value.get<int64_t>()) + " " + word;
  }
  if (!out.empty())
    return out;
  auto configured = answer.value("configured", true);
  return configured ? "no tests" : "no tests; none of its steps says `tests: auto`";
}

/// A test as a list of names has it: a text, or an object with a name.
std::string name_of(const json& entry) {
  if (entry.is_string())
    return entry.get<std::string>();
  auto suite = field_text(entry, "suite", "");
  return (suite.empty() ? "" : suite + " ") + field_text(entry, "name", "?");
}

std::string names_under(const json& answer, const char* field, const std::string& heading,
                        const screen& out) {
  std::string text;
  for (const auto& entry : field_list(answer, field))
    text += hang("  ", printable(name_of(entry), 400), out.width);
  return text.empty() ? "" : "\n" + heading + ":\n" + text;
}

std::string render_tests(const json& answer, const screen& out, bool all) {
  auto text = "build " + field_text(answer, "id", "?") + ": " + counts_text(answer) + "\n";
  text += names_under(answer, "new_failures", "failed for the first time", out);
  text += names_under(answer, "still_failing", "failed before, too", out);
  text += names_under(answer, "fixed", "fixed", out);
  text += names_under(answer, "missing", "were there before and are missing", out);
  table rows{{"OUTCOME", "TOOK", "SUITE", "TEST", "MESSAGE"}};
  for (const auto& test : field_list(answer, "tests"))
    if (all || is_bad(test))
      rows.add({outcome_cell(test), seconds_text(test), field_text(test, "suite", ""),
                field_text(test, "name", "-"), in_a_line(field_text(test, "message", ""))});
  if (!rows.empty())
    text += "\n" + rows.text(out.colours, out.width);
  for (const auto& note : field_list(answer, "notes"))
    text +=
      hang("note: ", printable(note.is_string() ? note.get<std::string>() : note.dump(), 1000),
           out.width);
  return text;
}

std::string render_history(const json& answer, const screen& out) {
  auto name = field_text(answer, "suite", "");
  name += (name.empty() ? "" : " ") + field_text(answer, "name", "?");
  auto text = hang("", printable(name + ": " + field_text(answer, "text", ""), 1000), out.width);
  table rows{{"BUILD", "BUILDER", "OUTCOME", "TOOK", "HOST", "WHEN", "SOURCE", "MESSAGE"}};
  for (const auto& run : field_list(answer, "runs")) {
    auto source = field_object(run, "source");
    rows.add({field_text(run, "build", "-"), field_text(run, "builder", "-"), outcome_cell(run),
              seconds_text(run), field_text(run, "host", "-"), when_text(run, "at", out),
              field_text(source, "revision", field_text(source, "id", "")).substr(0, 40),
              in_a_line(field_text(run, "message", ""))});
  }
  if (!rows.empty())
    text += "\n" + rows.text(out.colours, out.width);
  auto next = field_text(answer, "next", "");
  return text + field_text(answer, "looked_at", "0") + " builds were looked at"
         + (next.empty() ? ", all there are\n" : "; older ones: --before " + next + "\n");
}

struct tests_options {
  std::string id, history, builder, suite, before;
  unsigned limit = 0;
  bool as_json = false, all = false;
};

int show_tests(const command_line& line, const tests_options& given) {
  bool story = !given.history.empty();
  if (story != given.id.empty())
    return complain({ec::bad_input,
                     "name a build, as `drover tests 1`, or a test, as `drover tests "
                     "--history NAME`; one of both"});
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto limit = given.limit == 0 ? std::string{} : std::to_string(given.limit);
  auto target = story ? with_params(route({"tests"}), {{"name", given.history},
                                                       {"suite", given.suite},
                                                       {"builder", given.builder},
                                                       {"before", given.before},
                                                       {"limit", limit}})
                      : route({"builds", given.id, "tests"});
  auto answer = fetch(*farm, target);
  if (!answer)
    return complain(answer.error());
  auto out = real_screen(line.colours);
  put_out(given.as_json ? json_line(*answer)
          : story       ? render_history(*answer, out)
                        : render_tests(*answer, out, given.all));
  return exits::green;
}

} // namespace

void add_tests(CLI::App& app, command_line& line) {
  auto given = std::make_shared<tests_options>();
  auto* command = app
                    .add_subcommand("tests", "What a build's tests said: how many, which failed,"
                                             " what is new; or one test over many builds")
                    ->group(groups::look);
  command->footer("Example: drover tests 1 --all\n"
                  "         drover tests --history test_bad --builder check");
  command->add_option("ID", given->id, "The build's number");
  command->add_flag("--all", given->all, "Every test, not only those that went wrong");
  auto* history = command
                    ->add_option("--history", given->history,
                                 "This test in all builds, newest first: since when"
                                 " it fails, and whether it is flaky")
                    ->type_name("NAME");
  command->add_option("--suite", given->suite, "With --history: of this suite alone")
    ->type_name("SUITE")
    ->needs(history);
  command->add_option("--builder", given->builder, "With --history: in builds of this builder")
    ->type_name("BUILDER")
    ->needs(history);
  command->add_option("--before", given->before, "With --history: in builds older than this one")
    ->type_name("ID")
    ->needs(history);
  command->add_option("--limit", given->limit, "With --history: so many runs; else 50")
    ->type_name("N")
    ->needs(history)
    ->check(above_zero());
  command->add_flag("--json", given->as_json, "Print the farm's answer as JSON, for scripts");
  command->callback([given, &line] { line.exit_code = show_tests(line, *given); });
}

} // namespace drover::cli
