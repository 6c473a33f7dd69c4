// admin user: accounts of people, for the web pages.
// SPDX-License-Identifier: Apache-2.0
#include "schema/names.hpp"
#include "tools/drover/cmd_admin.hpp"
#include "tools/drover/secret.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace drover::cli {

namespace {

std::string joined(const json& texts) {
  std::string out;
  for (const auto& each : texts)
    if (each.is_string())
      out += (out.empty() ? "" : ", ") + printable(each.get<std::string>(), 80);
  return out;
}

std::string render_users(const json& answer, const screen& out) {
  table rows{{"NAME", "ROLES", "BUILDERS", "ACCOUNT", "SESSIONS", "MAIL", "IRC"}};
  for (const auto& user : field_list(answer, "users")) {
    auto name = field_text(user, "name", "-");
    auto roles = joined(field_list(user, "roles"));
    auto builders = joined(field_list(user, "builders"));
    auto has = user.contains("account") && user["account"] == true;
    rows.add({name, roles.empty() ? "-" : roles, builders.empty() ? "all" : builders,
              has ? when_text(user, "made_at", out) : "-", field_text(user, "sessions", "0"),
              field_text(user, "mail", "-"), field_text(user, "irc", "-")});
  }
  return rows.empty() ? "no users: everybody may look, nobody may force on the web; farm.yaml's "
                        "`users` and `drover admin user add NAME` change that\n"
                      : rows.text(out.colours, out.width);
}

struct user_options {
  std::string name, reason;
  bool from_stdin = false;
  bool as_json = false;
};

expected<std::string> new_password(const user_options& given) {
  return given.from_stdin ? read_password_line()
                          : ask_new_password(printable(given.name, limits::name_bytes_max));
}

int add(const command_line& line, const user_options& given) {
  auto password = new_password(given);
  if (!password)
    return complain(password.error());
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto wanted = json::object();
  wanted["name"] = given.name;
  wanted["password"] = *password;
  auto target = with_params(route({"users"}), {{"reason", given.reason}});
  auto body = wanted.dump(-1, ' ', false, json::error_handler_t::replace);
  auto answer = read_answer(farm->post(target, body));
  if (!answer)
    return complain(answer.error());
  if (given.as_json) {
    put_out(json_line(*answer));
    return exits::green;
  }
  auto name = printable(given.name, limits::name_bytes_max);
  auto roles = joined(field_list(*answer, "roles"));
  put_out("account " + name + " is made; "
          + (roles.empty() ? "farm.yaml gives it no role yet: users: {" + name
                               + ": {roles: [force]}}, then `drover admin reload`"
                           : "its roles are " + roles)
          + "\n");
  return exits::green;
}

int change_password(const command_line& line, const user_options& given) {
  auto password = new_password(given);
  if (!password)
    return complain(password.error());
  auto wanted = json::object();
  wanted["password"] = *password;
  auto target = with_params(route({"users", given.name, "password"}), {{"reason", given.reason}});
  return run_order(
    line, {target, wanted.dump(-1, ' ', false, json::error_handler_t::replace), given.as_json});
}

int remove(const command_line& line, const user_options& given) {
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto target = with_params(route({"users", given.name}), {{"reason", given.reason}});
  auto answer = read_answer(farm->remove(target));
  if (!answer)
    return complain(answer.error());
  put_out(given.as_json ? json_line(*answer)
                        : printable(field_text(*answer, "text", "removed"), 1000) + "\n");
  return exits::green;
}

void add_common(CLI::App& command, const std::shared_ptr<user_options>& given) {
  command.add_option("NAME", given->name, "Of the account, as farm.yaml's users have it")
    ->required();
  command.add_option("--reason", given->reason, "Why; for the journal");
  command.add_flag("--json", given->as_json, "Print the farm's answer as JSON, for scripts");
}

void add_stdin(CLI::App& command, const std::shared_ptr<user_options>& given) {
  command.add_flag("--password-stdin", given->from_stdin,
                   "Read the password from standard input, one line; else it is asked for");
}

} // namespace

void add_users(CLI::App& admin, command_line& line) {
  auto* user = admin.add_subcommand("user", "Accounts of people, for the web pages: list, add,"
                                            " password, remove");
  user->require_subcommand(1);
  user->footer("Example: drover admin user list");

  auto shown = std::make_shared<query_options>();
  auto* list = user->add_subcommand("list", "Accounts, and what farm.yaml lets each do");
  list->footer("Example: drover admin user list");
  add_query_options(*list, *shown, watchable::no);
  list->callback([shown, &line] {
    line.exit_code = run_query(line, *shown, {route({"users"}), render_users});
  });

  auto given = std::make_shared<user_options>();
  auto* added = user->add_subcommand("add", "Make an account; its password is asked for");
  added->footer("Example: drover admin user add ann");
  add_common(*added, given);
  add_stdin(*added, given);
  added->callback([given, &line] { line.exit_code = add(line, *given); });

  auto* changed = user->add_subcommand("password", "Set an account's password and end all its"
                                                   " sessions");
  changed->footer("Example: drover admin user password ann");
  add_common(*changed, given);
  add_stdin(*changed, given);
  changed->callback([given, &line] { line.exit_code = change_password(line, *given); });

  auto* removed = user->add_subcommand("remove", "Remove an account and end all its sessions");
  removed->footer("Example: drover admin user remove ann");
  add_common(*removed, given);
  removed->callback([given, &line] { line.exit_code = remove(line, *given); });
}

} // namespace drover::cli
