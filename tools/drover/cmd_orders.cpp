// cancel, retry.
// SPDX-License-Identifier: Apache-2.0
#include "schema/names.hpp"
#include "tools/drover/command.hpp"
#include "tools/drover/waiting.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace drover::cli {

namespace {

void add_cancel(CLI::App& app, command_line& line) {
  struct options {
    std::string id, reason;
    bool as_json = false;
  };
  auto given = std::make_shared<options>();
  auto* command =
    app.add_subcommand("cancel", "End a build: its step is stopped, the rest skipped")
      ->group(groups::work);
  command->footer("Example: drover cancel 2 --reason 'wrong tarball'");
  command->add_option("ID", given->id, "The build's number")->required();
  command->add_option("--reason", given->reason, "Shown wherever the build is shown")
    ->type_name("TEXT");
  command->add_flag("--json", given->as_json, "Print the farm's answer as JSON, for scripts");
  command->callback([given, &line] {
    auto target = with_params(route({"builds", given->id, "cancel"}),
                              {{"by", who()}, {"reason", given->reason}});
    line.exit_code = run_order(line, {target, "", given->as_json});
  });
}

int retry(const command_line& line, const std::string& id, const std::string& reason,
          const wait_options& waiting) {
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto target = with_params(route({"builds", id, "retry"}), {{"reason", reason}});
  auto answer = read_answer(farm->post(target, ""));
  if (!answer)
    return complain(answer.error());
  put_out(waiting.as_json ? json_line(*answer)
                          : printable(field_text(*answer, "id", "none"), 80) + "\n");
  return waiting.wait ? wait_for(line, *farm, *answer, waiting.timeout_seconds) : exits::green;
}

void add_retry(CLI::App& app, command_line& line) {
  struct options {
    std::string id, reason;
    wait_options waiting;
  };
  auto given = std::make_shared<options>();
  auto* command = app
                    .add_subcommand("retry", "Build the same once more: same source, same"
                                             " parameters; prints the new build's number")
                    ->group(groups::work);
  command->footer("Example: drover retry 1 --wait");
  command->add_option("ID", given->id, "The build's number")->required();
  command->add_option("--reason", given->reason, "Shown wherever the build is shown")
    ->type_name("TEXT");
  add_wait_options(*command, given->waiting);
  command->callback(
    [given, &line] { line.exit_code = retry(line, given->id, given->reason, given->waiting); });
}

} // namespace

void add_build_orders(CLI::App& app, command_line& line) {
  add_cancel(app, line);
  add_retry(app, line);
}

} // namespace drover::cli
