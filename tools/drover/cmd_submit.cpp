// submit: uploads sources, forces builds, waits for them.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits.hpp"
#include "schema/limits_cli.hpp"
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

/// The farm fetches it by itself, which may take as long as a clone.
expected<json> have_fetched(client& farm, const std::string& target, progress& so_far,
                            const std::string& what) {
  so_far.show("the farm fetches " + printable(what, 200) + " ...");
  farm.be_patient(limits::fetch_patience);
  auto answer = read_answer(farm.post(target, ""));
  farm.be_patient(limits::client_patience);
  so_far.clear();
  return answer;
}

/// What SOURCE means: an address, a file that is there, else a revision of the builder's source.
enum class source_form : uint8_t { address, file, revision };

source_form form_of(const std::string& source) {
  if (source.rfind("http://", 0) == 0 || source.rfind("https://", 0) == 0)
    return source_form::address;
  std::error_code ignored; // what can't be looked at is complained of when it is read
  bool there = std::filesystem::exists(std::filesystem::status(source, ignored));
  return there || source.find("://") != std::string::npos ? source_form::file
                                                          : source_form::revision;
}

/// The repository that the builder builds from; what is wrong if it has none.
expected<std::string> repository_of(client& farm, const std::string& builder,
                                    const std::string& source) {
  auto known = fetch(farm, route({"builders", builder}));
  if (!known)
    return known.error();
  auto sources = fetch(farm, route({"sources"}));
  if (!sources)
    return sources.error();
  std::vector<std::string> names{field_text(*known, "source", "")};
  for (const auto& more : known->value("more_sources", json::array()))
    names.push_back(more.get<std::string>());
  for (const auto& name : names)
    for (const auto& each : sources->value("sources", json::array())) {
      auto kind = field_text(each, "kind", "");
      if (field_text(each, "name", "") == name && kind != "tarball")
        return name; // what a timer or a repository has; the farm says what does not fit
    }
  return failure{ec::bad_input,
                 "source '" + printable(source, 200) + "': there is no such file, and builder '"
                   + printable(builder, 80) + "' has no source whose revision it could be"};
}

/// Sources that the farm has by now, by what was asked for.
using sources_made = std::map<std::string, json>;

expected<json> make_source(client& farm, const std::string& builder, const std::string& source,
                           progress& so_far, sources_made& made) {
  auto form = form_of(source);
  auto key = source;
  std::string repository;
  if (form == source_form::revision) {
    auto from = repository_of(farm, builder, source);
    if (!from)
      return from.error();
    repository = *from;
    key = repository + '\n' + source;
  }
  if (auto known = made.find(key); known != made.end())
    return known->second;
  auto target = form == source_form::address
                  ? with_params(route({"sources"}), {{"url", source}})
                  : with_params(route({"sources", repository, "revision"}), {{"revision", source}});
  auto answer = form == source_form::file ? upload_file(farm, source, so_far)
                                          : have_fetched(farm, target, so_far, source);
  if (answer)
    made[key] = *answer;
  return answer;
}

/// One order a builder; each source is uploaded or fetched once.
expected<json> make_orders(client& farm, const submit_options& given, progress_use use) {
  auto chosen = choose_sources(given.builders, given.sources);
  if (!chosen)
    return chosen.error();
  progress so_far{use};
  sources_made made;
  auto orders = json::array();
  for (const auto& builder : given.builders) {
    auto order = json::object();
    order["builder"] = builder;
    if (auto wanted = chosen->find(builder); wanted != chosen->end()) {
      auto source = make_source(farm, builder, wanted->second, so_far, made);
      if (!source)
        return source.error();
      order["source"] = *source;
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
  command
    ->add_option("--source", given->sources,
                 "A file, an http(s) address, or a branch, tag or"
                 " revision of the builder's repository; BUILDER=SOURCE: for one builder alone")
    ->type_name("SOURCE")
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
