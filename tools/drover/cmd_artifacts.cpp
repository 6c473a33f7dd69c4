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
  for (const auto& each : field_list(answer, "artifacts"))
    rows.add({size_text(static_cast<uint64_t>(field_number(each, "size", 0))),
              field_text(each, "sha256", "-").substr(0, 16), field_text(each, "path", "-")});
  auto problem = field_text(answer, "problem", "");
  auto note = problem.empty() ? "" : hang("", printable(problem, 1000), out.width);
  return (rows.empty() ? "no artifacts\n" : rows.text(out.colours, out.width)) + note;
}

/// What the build's record says of `path`.
expected<json> record_of(client& farm, const std::string& build, const std::string& path) {
  auto answer = fetch(farm, route({"builds", build, "artifacts"}));
  if (!answer)
    return answer.error();
  for (const auto& each : field_list(*answer, "artifacts"))
    if (field_text(each, "path", "") == path && !answer->value("dropped", false))
      return each;
    else if (field_text(each, "path", "") == path)
      return failure{ec::not_found, "artifact '" + printable(path, 200) + "' of build "
                                      + printable(build, 40) + " was "
                                      + field_text(*answer, "problem", "dropped")};
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

struct get_options {
  std::string build, path, output;
};

expected<std::string> get_artifact(client& farm, const get_options& given, progress_use use) {
  const auto& [build, path, output] = given;
  auto name = local_name(path);
  if (!name)
    return name.error();
  auto target = output.empty() ? *name : output;
  auto record = record_of(farm, build, path);
  if (!record)
    return record.error();
  auto file = download::begin(target);
  if (!file)
    return file.error();
  progress so_far{use};
  auto all = static_cast<uint64_t>(field_number(*record, "size", 0));
  uint64_t done = 0;
  std::optional<failure> wrong;
  auto answer = farm.get_to(content_route(build, path), [&](std::string_view bytes) {
    wrong = file->take(bytes);
    done += bytes.size();
    so_far.show(transfer_text("fetching " + printable(path, 200), done, all));
    return !wrong;
  });
  so_far.clear();
  if (wrong)
    return *wrong;
  if (!answer)
    return answer.error();
  if (!answer->ok())
    return failure_of(*answer);
  if (auto problem = file->finish(field_text(*record, "sha256", "")))
    return *problem;
  return target;
}

} // namespace

void add_artifacts(CLI::App& app, command_line& line) {
  auto shown = std::make_shared<query_options>();
  auto id = std::make_shared<std::string>();
  auto* list = app.add_subcommand("artifacts", "The files that a build kept")->group(groups::look);
  list->footer("Example: drover artifacts 1");
  list->add_option("ID", *id, "The build's number")->required();
  add_query_options(*list, *shown, watchable::no);
  list->callback([shown, id, &line] {
    line.exit_code =
      run_query(line, *shown, {route({"builds", *id, "artifacts"}), render_artifacts, nullptr});
  });

  auto given = std::make_shared<get_options>();
  auto* get =
    app.add_subcommand("get", "Fetch a kept file, checked by its hash")->group(groups::look);
  get->footer("Example: drover get 1 hello.txt -o copy.txt");
  get->add_option("ID", given->build, "The build's number")->required();
  get->add_option("PATH", given->path, "As `drover artifacts` shows it")->required();
  get
    ->add_option("-o,--output", given->output, "Write here; else to the file's name in this folder")
    ->type_name("FILE");
  get->callback([given, &line] {
    auto farm = open_farm(line);
    if (!farm) {
      line.exit_code = complain(farm.error());
      return;
    }
    auto done = get_artifact(*farm, *given, line.progress);
    if (done)
      put_out(printable(*done, 1000) + "\n");
    line.exit_code = done ? exits::green : complain(done.error());
  });
}

} // namespace drover::cli
