// artifacts, get.
// SPDX-License-Identifier: Apache-2.0
#include "schema/names.hpp"
#include "tools/drover/command.hpp"
#include "tools/drover/download.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace drover::cli {

namespace {

std::string render_artifacts(const json& answer, const screen& out) {
  table rows{{"SIZE", "SHA-256", "PATH"}};
  for (const auto& each : answer.value("artifacts", json::array()))
    rows.add({field_text(each, "size", "-"), field_text(each, "sha256", "-").substr(0, 16),
              field_text(each, "path", "-")});
  return rows.empty() ? "no artifacts\n" : rows.text(out.colours);
}

/// The digest that the build's record has for `path`.
expected<std::string> digest_of(client& farm, const std::string& build, const std::string& path) {
  auto answer = fetch(farm, route({"builds", build, "artifacts"}));
  if (!answer)
    return answer.error();
  for (const auto& each : answer->value("artifacts", json::array()))
    if (field_text(each, "path", "") == path)
      return field_text(each, "sha256", "");
  return failure{ec::not_found, "build " + printable(build, 40) + " kept no artifact '"
                                  + printable(path, 200) + "'; `drover artifacts "
                                  + printable(build, 40) + "` has them all"};
}

/// "a/b" as segments of an address.
std::string content_route(const std::string& build, const std::string& path) {
  auto out = route({"builds", build, "artifacts"});
  for (size_t from = 0; from <= path.size();) {
    auto end = std::min(path.find('/', from), path.size());
    auto segment = path.substr(from, end - from);
    out += route({segment}).substr(route({}).size());
    from = end + 1;
  }
  return out;
}

expected<std::string> get_artifact(client& farm, const std::string& build, const std::string& path,
                                   const std::string& output) {
  auto name = local_name(path);
  if (!name)
    return name.error();
  auto target = output.empty() ? *name : output;
  auto digest = digest_of(farm, build, path);
  if (!digest)
    return digest.error();
  auto file = download::begin(target);
  if (!file)
    return file.error();
  std::optional<failure> wrong;
  auto answer = farm.get_to(content_route(build, path), [&](std::string_view bytes) {
    wrong = file->take(bytes);
    return !wrong;
  });
  if (wrong)
    return *wrong;
  if (!answer)
    return answer.error();
  if (!answer->ok())
    return failure_of(*answer);
  if (auto problem = file->finish(*digest))
    return *problem;
  return target;
}

} // namespace

void add_artifacts(CLI::App& app, command_line& line) {
  auto shown = std::make_shared<query_options>();
  auto id = std::make_shared<std::string>();
  auto* list = app.add_subcommand("artifacts", "The files that a build kept");
  list->footer("Example: drover artifacts 12");
  list->add_option("ID", *id, "The build's number")->required();
  add_query_options(*list, *shown, watchable::no);
  list->callback([shown, id, &line] {
    line.exit_code =
      run_query(line, *shown, {route({"builds", *id, "artifacts"}), render_artifacts, nullptr});
  });

  struct options {
    std::string build, path, output;
  };
  auto given = std::make_shared<options>();
  auto* get = app.add_subcommand("get", "Fetch a kept file, checked by its hash");
  get->footer("Example: drover get 12 out/hello.deb -o /tmp/hello.deb");
  get->add_option("ID", given->build, "The build's number")->required();
  get->add_option("PATH", given->path, "As `drover artifacts` shows it")->required();
  get->add_option("-o,--output", given->output,
                  "Write here; else to the file's name in this folder");
  get->callback([given, &line] {
    auto farm = open_farm(line);
    if (!farm) {
      line.exit_code = complain(farm.error());
      return;
    }
    auto done = get_artifact(*farm, given->build, given->path, given->output);
    if (done)
      put_out(printable(*done, 1000) + "\n");
    line.exit_code = done ? exits::green : complain(done.error());
  });
}

} // namespace drover::cli
