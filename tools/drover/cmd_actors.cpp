// actors, actor.
// SPDX-License-Identifier: Apache-2.0
#include "schema/names.hpp"
#include "tools/drover/actor_tree.hpp"
#include "tools/drover/command.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace drover::cli {

namespace {

/// Whole units: an actor's age to the tenth of a second is no news.
std::string uptime_text(const json& actor, const screen& out) {
  auto ms = field_number(actor, "uptime_ms", -1);
  if (ms < 0)
    return "-";
  // Where it does not change by itself a watched list shows news only.
  if (!out.terminal && ms < 60'000)
    return "< 1 min";
  return out.terminal ? duration_text(ms / 1000 * 1000) : duration_text(ms / 60'000 * 60'000);
}

cell actor_state(const json& actor) {
  auto state = field_text(actor, "state", "-");
  return {state, state.find("blocked") == std::string::npos ? colour::none : colour::red};
}

std::string render_list(const json& answer, const screen& out) {
  table rows{{"NODE", "ACTOR", "KIND", "PARENT", "STATE", "RESTARTS", "UP", "ACTIVITY"}};
  for (const auto& actor : field_list(answer, "actors"))
    rows.add({field_text(actor, "node", "-"), field_text(actor, "name", "-"),
              field_text(actor, "kind", "-"), field_text(actor, "parent", "-"), actor_state(actor),
              field_text(actor, "restarts", "0"), uptime_text(actor, out),
              field_text(actor, "activity", "")});
  return rows.empty() ? "no actors\n" : rows.text(out.colours, out.width);
}

std::string render_tree(const json& answer, const screen& out) {
  std::vector<tree_node> nodes;
  std::vector<json> actors;
  for (const auto& actor : field_list(answer, "actors")) {
    nodes.push_back({field_text(actor, "node", "-"), field_text(actor, "name", "-"),
                     field_text(actor, "parent", "")});
    actors.push_back(actor);
  }
  table rows{{"ACTOR", "STATE", "RESTARTS", "UP", "ACTIVITY"}};
  std::string node;
  for (const auto& line : tree_lines(nodes)) {
    const auto& actor = actors[line.index];
    if (nodes[line.index].node != node || rows.empty()) {
      node = nodes[line.index].node;
      rows.add({cell{node, colour::blue}});
    }
    rows.add({line.prefix + nodes[line.index].name, actor_state(actor),
              field_text(actor, "restarts", "0"), uptime_text(actor, out),
              field_text(actor, "activity", "")});
  }
  return rows.empty() ? "no actors\n" : rows.text(out.colours, out.width);
}

/// The actors of one name: names are unique on their node only.
json only_named(const json& answer, const std::string& name) {
  auto rows = json::array();
  for (const auto& actor : field_list(answer, "actors"))
    if (field_text(actor, "name", "") == name
        || field_text(actor, "node", "") + "/" + field_text(actor, "name", "") == name)
      rows.push_back(actor);
  auto out = json::object();
  out["actors"] = std::move(rows);
  return out;
}

int show_actor(const command_line& line, const std::string& name, const query_options& shown) {
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto answer = fetch(*farm, route({"actors"}));
  if (!answer)
    return complain(answer.error());
  auto found = only_named(*answer, name);
  if (found["actors"].empty())
    return complain({ec::not_found, "there is no actor '" + printable(name, 80)
                                      + "'; `drover actors` has them all"});
  if (shown.as_json)
    put_out(json_line(found));
  else
    put_out(render_list(found, real_screen(line.colours)));
  return exits::green;
}

} // namespace

void add_actors(CLI::App& app, command_line& line) {
  struct options {
    query_options shown;
    std::string node;
    bool tree = false;
  };
  auto given = std::make_shared<options>();
  auto* list = app.add_subcommand("actors", "Every live actor on every machine, and what it does")
                 ->group(groups::herd);
  list->footer("Example: drover actors --tree --node coordinator");
  list->add_option("--node", given->node, "Only those of this node: coordinator, or a host's name")
    ->type_name("NODE");
  list->add_flag("--tree", given->tree, "Show who supervises whom");
  add_query_options(*list, given->shown, watchable::yes);
  list->callback([given, &line] {
    auto target = with_params(route({"actors"}), {{"node", given->node}});
    line.exit_code =
      run_query(line, given->shown, {target, given->tree ? render_tree : render_list, nullptr});
  });

  auto shown = std::make_shared<query_options>();
  auto name = std::make_shared<std::string>();
  auto* one =
    app.add_subcommand("actor", "One actor by its name, or by NODE/NAME")->group(groups::herd);
  one->footer("Example: drover actor recorder");
  one->add_option("NAME", *name, "The actor's name")->required();
  add_query_options(*one, *shown, watchable::no);
  one->callback([shown, name, &line] { line.exit_code = show_actor(line, *name, *shown); });
}

} // namespace drover::cli
