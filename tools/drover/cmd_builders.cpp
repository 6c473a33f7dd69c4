// builders, builder.
// SPDX-License-Identifier: Apache-2.0
#include "schema/names.hpp"
#include "tools/drover/command.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace drover::cli {

namespace {

cell last_cell(const json& builder) {
  auto last = field_object(builder, "last");
  auto build = field_text(last, "build", "");
  if (build.empty())
    return {"-", colour::grey};
  auto word = field_text(last, "result", "running");
  return {word + " #" + build, colour_of(word)};
}

std::string on_text(const json& builder) {
  return field_text(builder, "on", "any");
}

/// "candidates, trunk": whose changes it builds.
std::string sources_text(const json& builder) {
  auto out = field_text(builder, "source", "");
  for (const auto& more : field_list(builder, "more_sources"))
    out += ", " + (more.is_string() ? more.get<std::string>() : more.dump());
  return out;
}

std::string render_builders(const json& answer, const screen& out) {
  table rows{{"BUILDER", "LAST", "ON", "SOURCE", "STEPS", "PARAMS", "REQUIRES"}};
  for (const auto& builder : field_list(answer, "builders")) {
    auto params = field_list(builder, "params").size();
    auto sources = sources_text(builder);
    rows.add({field_text(builder, "name", "-"), last_cell(builder), on_text(builder),
              sources.empty() ? "-" : sources, std::to_string(field_list(builder, "steps").size()),
              params == 0 ? "" : std::to_string(params), field_text(builder, "requires", "")});
  }
  return rows.empty() ? "no builders; farm.yaml has them\n" : rows.text(out.colours, out.width);
}

/// "yes", "no" or the default; what a submission may give, and what happens if it does not.
std::string default_text(const json& param) {
  auto required =
    param.contains("required") && param["required"].is_boolean() && param["required"].get<bool>();
  return required ? "required" : field_text(param, "default", "");
}

std::string choices_text(const json& param) {
  std::string out;
  for (const auto& choice : field_list(param, "choices"))
    out +=
      (out.empty() ? "" : ", ") + (choice.is_string() ? choice.get<std::string>() : choice.dump());
  auto about = field_text(param, "about", "");
  if (!out.empty() && !about.empty())
    return "one of " + out + ": " + about;
  return out.empty() ? about : "one of " + out;
}

std::string params_table(const json& builder, const screen& out) {
  table rows{{"PARAM", "KIND", "DEFAULT", "WHAT"}};
  for (const auto& param : field_list(builder, "params"))
    rows.add({field_text(param, "name", "-"), field_text(param, "kind", "text"),
              default_text(param), choices_text(param)});
  return rows.empty() ? "" : "\n" + rows.text(out.colours, out.width);
}

std::string steps_table(const json& builder, const screen& out) {
  table rows{{"STEP", "RUN", "TIMEOUT", "SILENCE"}};
  for (const auto& step : field_list(builder, "steps"))
    rows.add({step.is_string() ? step.get<std::string>() : field_text(step, "name", "-"),
              field_text(step, "run", field_text(step, "command", "")),
              field_text(step, "timeout", ""), field_text(step, "silence", "")});
  return rows.empty() ? "" : "\n" + rows.text(out.colours, out.width);
}

std::string render_builder(const json& builder, const screen& out) {
  auto name = printable(field_text(builder, "name", "?"), 80);
  auto last = last_cell(builder);
  auto text = "builder " + name
              + ", last: " + paint(printable(last.text, 80), last.shade, out.colours) + "\n";
  fact_sheet facts{9, out};
  facts.add("on", on_text(builder));
  facts.add("source", sources_text(builder));
  facts.add("requires", field_text(builder, "requires", ""));
  std::string globs;
  for (const auto& glob : field_list(builder, "artifacts"))
    globs += (globs.empty() ? "" : ", ") + (glob.is_string() ? glob.get<std::string>() : "");
  facts.add("artifacts", globs);
  return text + facts.text() + params_table(builder, out) + steps_table(builder, out);
}

} // namespace

void add_builders(CLI::App& app, command_line& line) {
  auto shown = std::make_shared<query_options>();
  auto* list = app.add_subcommand("builders", "What the farm can build, and how that went last")
                 ->group(groups::look);
  list->footer("Example: drover builders");
  add_query_options(*list, *shown, watchable::yes);
  list->callback([shown, &line] {
    line.exit_code = run_query(line, *shown, {route({"builders"}), render_builders});
  });

  auto one_shown = std::make_shared<query_options>();
  auto name = std::make_shared<std::string>();
  auto* one = app
                .add_subcommand("builder", "One builder: its steps, and the parameters that"
                                           " `submit --param` may give")
                ->group(groups::look);
  one->footer("Example: drover builder hello");
  one->add_option("BUILDER", *name, "The builder's name")->required();
  add_query_options(*one, *one_shown, watchable::no);
  one->callback([one_shown, name, &line] {
    line.exit_code =
      run_query(line, *one_shown,
                {route({"builders", *name}), render_builder, nullptr, nullptr, "builders", *name});
  });
}

} // namespace drover::cli
