// admin token: keys to the API.
// SPDX-License-Identifier: Apache-2.0
#include "config/values.hpp"
#include "schema/names.hpp"
#include "tools/drover/cmd_admin.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace drover::cli {

namespace {

std::string render_tokens(const json& answer, const screen& out) {
  table rows{{"ID", "NAME", "ROLE", "MADE BY", "MADE", "EXPIRES"}};
  for (const auto& token : field_list(answer, "tokens"))
    rows.add({field_text(token, "id", "-"), field_text(token, "name", "-"),
              field_text(token, "role", "-"), field_text(token, "made_by", "-"),
              when_text(token, "made_at", out),
              short_time(field_text(token, "expires_at", "never"))});
  return rows.empty() ? "no tokens; `drover admin token create NAME` makes one\n"
                      : rows.text(out.colours, out.width);
}

struct token_options {
  std::string name, role = "force", period, id;
  bool as_json = false;
};

int create(const command_line& line, const token_options& given) {
  auto wanted = json::object();
  wanted["name"] = given.name;
  wanted["role"] = given.role;
  if (!given.period.empty()) {
    auto duration = parse_duration(given.period);
    if (!duration)
      return complain({ec::bad_input, "--expires-in '" + printable(given.period, 40)
                                        + "': write a time, as 12h or 30d"});
    wanted["expires_in"] = duration->count() / 1000;
  }
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto answer = read_answer(farm->post(route({"tokens"}), wanted.dump()));
  if (!answer)
    return complain(answer.error());
  if (given.as_json) {
    put_out(json_line(*answer));
    return exits::green;
  }
  // The key alone goes to standard output, so that a script can put it where it belongs.
  std::fprintf(stderr, "token %s for %s, role %s; it is shown this once:\n",
               printable(field_text(*answer, "id", "?"), 80).c_str(),
               printable(given.name, 80).c_str(), printable(given.role, 80).c_str());
  put_out(printable(field_text(*answer, "token", ""), 1000) + "\n");
  return exits::green;
}

/// The id of the token that is meant by its id, or by its name if only one has that.
expected<std::string> id_of(client& farm, const std::string& meant) {
  auto answer = fetch(farm, route({"tokens"}));
  if (!answer)
    return answer.error();
  std::vector<std::string> ids;
  for (const auto& token : field_list(*answer, "tokens")) {
    auto id = field_text(token, "id", "");
    if (id == meant)
      return id;
    if (field_text(token, "name", "") == meant)
      ids.push_back(id);
  }
  if (ids.size() == 1)
    return ids.front();
  auto shown = "'" + printable(meant, 80) + "'";
  return ids.empty()
           ? failure{ec::not_found,
                     "there is no token " + shown + "; `drover admin token list` has them all"}
           : failure{ec::bad_input, std::to_string(ids.size()) + " tokens have the name " + shown
                                      + "; name one by its id, as `drover admin"
                                        " token list` has it"};
}

int revoke(const command_line& line, const std::string& meant) {
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto id = id_of(*farm, meant);
  if (!id)
    return complain(id.error());
  auto answer = read_answer(farm->remove(route({"tokens", *id})));
  if (!answer)
    return complain(answer.error());
  put_out(printable(field_text(*answer, "text", "revoked"), 1000) + "\n");
  return exits::green;
}

} // namespace

void add_tokens(CLI::App& admin, command_line& line) {
  auto* token = admin.add_subcommand("token", "Keys to the farm for people and programs that are"
                                              " not on its machine: create, list, revoke");
  token->require_subcommand(1);
  token->footer("Example: drover admin token list");

  auto given = std::make_shared<token_options>();
  auto* made = token->add_subcommand("create", "Make a key; it is printed this once");
  made->footer("Example: drover admin token create ann --role force --expires-in 90d");
  made->add_option("NAME", given->name, "Who or what it is for; shown with all that is done by it")
    ->required();
  made
    ->add_option("--role", given->role,
                 "view: look; force: also submit, cancel, retry; admin:"
                 " all (force if not given)")
    ->type_name("ROLE")
    ->check(CLI::IsMember({"view", "force", "admin"}));
  made->add_option("--expires-in", given->period, "As 12h or 90d; else it does not expire")
    ->type_name("TIME");
  made->add_flag("--json", given->as_json, "Print the farm's answer as JSON, for scripts");
  made->callback([given, &line] { line.exit_code = create(line, *given); });

  auto shown = std::make_shared<query_options>();
  auto* list = token->add_subcommand("list", "The keys that there are; not their secrets");
  list->footer("Example: drover admin token list");
  add_query_options(*list, *shown, watchable::no);
  list->callback([shown, &line] {
    line.exit_code = run_query(line, *shown, {route({"tokens"}), render_tokens});
  });

  auto* revoked = token->add_subcommand("revoke", "End a key at once, for open connections too");
  revoked->footer("Example: drover admin token revoke ann");
  revoked->add_option("TOKEN", given->id, "Its id, or its name if only one has that")->required();
  revoked->callback([given, &line] { line.exit_code = revoke(line, given->id); });
}

} // namespace drover::cli
