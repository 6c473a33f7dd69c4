// submit: uploads sources, forces builds, waits for them.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "tools/drover/command.hpp"
#include "tools/drover/source_choice.hpp"
#include "tools/drover/waiting.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <map>

namespace drover::cli {

namespace {

struct submit_options {
  std::vector<std::string> builders, sources, params;
  std::string host, reason;
  wait_options waiting;
};

/// Uploads a file; the answer is the source as submissions name it.
expected<json> upload_file(client& farm, const std::string& path, progress& so_far) {
  auto shown = "source '" + printable(path, 200) + "': ";
  std::error_code error;
  auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status))
    return failure{ec::bad_input, shown + "there is no such file"};
  if (!std::filesystem::is_regular_file(status))
    return failure{ec::bad_input, shown + "is no file; pack it, as with `tar -czf`"};
  auto size = std::filesystem::file_size(path, error);
  std::ifstream file{path, std::ios::binary};
  if (error || !file)
    return failure{ec::bad_input,
                   shown + "can't be read: " + (error ? error.message() : "permission denied")};
  auto name = std::filesystem::path{path}.filename().string();
  uint64_t sent = 0;
  auto answer = farm.upload(
    with_params(route({"sources"}), {{"name", name}}), size, [&]() -> expected<std::string> {
      std::string piece(limits::blob_piece_bytes, '\0');
      file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
      piece.resize(static_cast<size_t>(file.gcount()));
      sent += piece.size();
      so_far.show(transfer_text("uploading " + printable(name, 200), sent, size));
      return piece;
    });
  so_far.clear();
  return read_answer(answer);
}

/// One order a builder; each file is uploaded once.
expected<json> make_orders(client& farm, const submit_options& given, progress_use use) {
  auto chosen = choose_sources(given.builders, given.sources);
  if (!chosen)
    return chosen.error();
  progress so_far{use};
  std::map<std::string, json> uploaded;
  auto orders = json::array();
  for (const auto& builder : given.builders) {
    auto order = json::object();
    order["builder"] = builder;
    auto path = chosen->find(builder);
    if (path != chosen->end()) {
      if (!uploaded.count(path->second)) {
        auto source = upload_file(farm, path->second, so_far);
        if (!source)
          return source.error();
        uploaded[path->second] = std::move(*source);
      }
      order["source"] = uploaded[path->second];
    }
    orders.push_back(std::move(order));
  }
  return orders;
}

expected<json> make_submission(client& farm, const submit_options& given, progress_use use) {
  auto params = parse_pairs(given.params);
  if (!params)
    return params.error();
  auto orders = make_orders(farm, given, use);
  if (!orders)
    return orders.error();
  auto out = json::object();
  out["orders"] = std::move(*orders);
  out["params"] = json::object();
  for (const auto& [name, value] : *params)
    out["params"][name] = value;
  if (!given.host.empty())
    out["host"] = given.host;
  if (!given.reason.empty())
    out["reason"] = given.reason;
  out["by"] = who();
  return out;
}

/// The names that were given and that the farm may not know: for "did you mean".
failure explained(client& farm, const failure& why, const submit_options& given) {
  if (why.text.find("host") != std::string::npos && !given.host.empty())
    return with_hint(farm, why, "hosts", given.host);
  for (const auto& builder : given.builders)
    if (why.text.find("'" + builder + "'") != std::string::npos)
      return with_hint(farm, why, "builders", builder);
  return why;
}

int submit(const command_line& line, const submit_options& given) {
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto wanted = make_submission(*farm, given, line.progress);
  if (!wanted)
    return complain(wanted.error());
  auto text = wanted->dump(-1, ' ', false, json::error_handler_t::replace);
  auto answer = read_answer(farm->post(route({"builds"}), text));
  if (!answer)
    return complain(explained(*farm, answer.error(), given));
  put_out(given.waiting.as_json ? json_line(*answer)
                                : printable(field_text(*answer, "id", "none"), 80) + "\n");
  return given.waiting.wait ? wait_for(line, *farm, *answer, given.waiting.timeout_seconds)
                            : exits::green;
}

} // namespace

void add_submit(CLI::App& app, command_line& line) {
  auto given = std::make_shared<submit_options>();
  auto* command = app
                    .add_subcommand("submit", "Build something now; prints the build's number, or"
                                              " the campaign's id when there are several")
                    ->group(groups::work);
  command->footer("Example: drover submit hello --source hello-2.12.tar.gz --wait\n"
                  "         drover submit hello --source hello=hello-2.12.tar.gz --host h1");
  command->add_option("BUILDER", given->builders, "One builder or several")->required();
  command->add_option("--source", given->sources, "FILE for all builders, or BUILDER=FILE for one")
    ->type_name("FILE")
    ->take_all()
    ->expected(1);
  command
    ->add_option("--param", given->params,
                 "NAME=VALUE, in the steps' environment; `drover builder NAME` has the names")
    ->type_name("NAME=VALUE")
    ->take_all()
    ->expected(1);
  command->add_option("--host", given->host, "Only on this host")->type_name("HOST");
  command->add_option("--reason", given->reason, "Shown wherever the build is shown")
    ->type_name("TEXT");
  add_wait_options(*command, given->waiting);
  command->callback([given, &line] { line.exit_code = submit(line, *given); });
}

} // namespace drover::cli
