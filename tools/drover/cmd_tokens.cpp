// admin token: keys to the API.
// SPDX-License-Identifier: Apache-2.0
#include "config/values.hpp"
#include "schema/limits_enrolment.hpp"
#include "schema/names.hpp"
#include "tools/drover/cmd_admin.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace drover::cli {

namespace {

/// "join, 2 uses left" of a token for hosts.
std::string role_text(const json& token) {
  auto role = field_text(token, "role", "-");
  auto uses = field_number(token, "uses_left", 0);
  if (role != "join")
    return role;
  return role + ", " + std::to_string(uses) + (uses == 1 ? " use left" : " uses left");
}

std::string render_tokens(const json& answer, const screen& out) {
  table rows{{"ID", "NAME", "ROLE", "MADE BY", "MADE", "EXPIRES"}};
  for (const auto& token : field_list(answer, "tokens"))
    rows.add({field_text(token, "id", "-"), field_text(token, "name", "-"), role_text(token),
              field_text(token, "made_by", "-"), when_text(token, "made_at", out),
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

struct join_options {
  uint32_t uses = 1;
  std::string period = "1h", name = "join";
  std::vector<std::string> labels;
  bool as_json = false;
};

/// "class=fast" as a member of an object.
std::optional<failure> add_label(json& to, const std::string& text) {
  auto split = text.find('=');
  if (split == 0 || split == std::string::npos)
    return failure{ec::bad_input, "--labels '" + printable(text, 80)
                                    + "': write NAME=VALUE, several with commas between"};
  to[text.substr(0, split)] = text.substr(split + 1);
  return std::nullopt;
}

/// Makes a token for new hosts and prints the line to type there.
int invite(const command_line& line, const join_options& given) {
  auto duration = parse_duration(given.period);
  if (!duration)
    return complain({ec::bad_input,
                     "--expires '" + printable(given.period, 40) + "': write a time, as 1h or 2d"});
  auto wanted = json::object();
  wanted["role"] = "join";
  wanted["name"] = given.name;
  wanted["uses"] = given.uses;
  wanted["expires_in"] = duration->count() / 1000;
  wanted["labels"] = json::object();
  for (const auto& label : given.labels)
    if (auto problem = add_label(wanted["labels"], label))
      return complain(*problem);
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
  auto address = field_text(*answer, "address", "");
  std::fprintf(stderr,
               "token %s, shown this once; type on the new machine, as root or as the user "
               "that steps are to be:\n",
               printable(field_text(*answer, "id", "?"), 80).c_str());
  put_out("drover-host join " + printable(address, 300) + " "
          + printable(field_text(*answer, "token", ""), 1000) + "\n");
  if (address.starts_with("127.") || address.starts_with("localhost")
      || address.starts_with("0.0.0.0"))
    std::fprintf(stderr,
                 "%s is not reached from other machines: start drover-coordinator with "
                 "--listen 0.0.0.0:PORT and --public HOST:PORT\n",
                 printable(address, 300).c_str());
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
  auto* token =
    admin.add_subcommand("token", "Invite a new host; keys to the farm for people and programs that"
                                  " are not on its machine: create, list, revoke");
  token->require_subcommand(0, 1);
  token->footer("Example: drover admin token --uses 1 --expires 1h --labels class=fast");

  auto wanted = std::make_shared<join_options>();
  token
    ->add_option("--uses", wanted->uses,
                 "Without a command: invite so many new hosts (1 if not given)")
    ->check(CLI::Range(1u, limits::join_token_uses_max));
  token->add_option("--expires", wanted->period, "When the invitation ends (1h if not given)")
    ->type_name("TIME");
  token->add_option("--labels", wanted->labels, "What the farm knows these hosts by")
    ->type_name("NAME=VALUE,...")
    ->delimiter(',');
  token->add_option("--name", wanted->name, "What the token is called in lists")->type_name("NAME");
  token->add_flag("--json", wanted->as_json, "Print the farm's answer as JSON, for scripts");
  token->callback([token, wanted, &line] {
    if (token->get_subcommands().empty())
      line.exit_code = invite(line, *wanted);
  });

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

void add_revoke(CLI::App& admin, command_line& line) {
  struct options {
    std::string host, reason;
  };
  auto given = std::make_shared<options>();
  auto* revoked = admin.add_subcommand("revoke", "Take a host's certificates back: its connection"
                                                 " ends at once, and it joins again only by a new"
                                                 " token");
  revoked->footer("Example: drover admin revoke vega --reason 'its disk was stolen'");
  revoked->add_option("HOST", given->host, "Its name")->required();
  revoked->add_option("--reason", given->reason, "Why, for the journal")->type_name("TEXT");
  revoked->callback([given, &line] {
    auto farm = open_farm(line);
    if (!farm) {
      line.exit_code = complain(farm.error());
      return;
    }
    auto target = with_params(route({"hosts", given->host, "revoke"}), {{"reason", given->reason}});
    auto answer = read_answer(farm->post(target, ""));
    if (!answer) {
      line.exit_code = complain(answer.error());
      return;
    }
    put_out(printable(field_text(*answer, "text", "revoked"), 1000) + "\n");
    line.exit_code = exits::green;
  });
}

} // namespace drover::cli
