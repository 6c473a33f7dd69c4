// submit: uploads sources, forces builds, waits for them.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/request.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "tools/drover/command.hpp"
#include "tools/drover/source_choice.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

namespace drover::cli {

namespace {

using std::chrono::steady_clock;

struct submit_options {
  std::vector<std::string> builders, sources, params;
  std::string host, reason;
  bool wait = false;
  bool as_json = false;
  double timeout_seconds = 0;
};

/// Uploads a file; the answer is the source as submissions name it.
expected<json> upload_file(client& farm, const std::string& path) {
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
  auto answer = farm.upload(route({"sources"}) + "?name=" + http::percent_encode(name), size,
                            [&file]() -> expected<std::string> {
                              std::string piece(limits::blob_piece_bytes, '\0');
                              file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
                              piece.resize(static_cast<size_t>(file.gcount()));
                              return piece;
                            });
  return read_answer(answer);
}

/// One order a builder; each file is uploaded once.
expected<json> make_orders(client& farm, const submit_options& given) {
  auto chosen = choose_sources(given.builders, given.sources);
  if (!chosen)
    return chosen.error();
  std::map<std::string, json> uploaded;
  auto orders = json::array();
  for (const auto& builder : given.builders) {
    auto order = json::object();
    order["builder"] = builder;
    auto path = chosen->find(builder);
    if (path != chosen->end()) {
      if (!uploaded.count(path->second)) {
        auto source = upload_file(farm, path->second);
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

expected<json> make_submission(client& farm, const submit_options& given) {
  auto params = parse_pairs(given.params);
  if (!params)
    return params.error();
  auto orders = make_orders(farm, given);
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
  auto* user = ::getenv("USER");
  out["by"] = user && *user ? std::string{user} : "uid " + std::to_string(::getuid());
  return out;
}

/// Tells each end on standard error; the worst decides.
int wait_for(client& farm, const json& submitted, double timeout_seconds) {
  auto begun = steady_clock::now();
  auto left = [&] {
    if (timeout_seconds <= 0)
      return std::chrono::duration<double>(limits::http_wait_max).count();
    return timeout_seconds - std::chrono::duration<double>(steady_clock::now() - begun).count();
  };
  auto builds = submitted.value("builds", json::array());
  bool green = !builds.empty();
  for (const auto& id : builds) {
    auto target = route({"builds", id.dump()});
    for (;;) {
      auto seconds = std::max(0, static_cast<int>(std::min(left(), 20.0)));
      auto build = fetch_patiently(farm, target + "?wait=" + std::to_string(seconds));
      if (!build)
        return complain(build.error());
      if (field_text(*build, "state", "") == "finished") {
        green = green && is_green(*build);
        std::fprintf(
          stderr, "build %s of %s: %s%s\n", id.dump().c_str(),
          printable(field_text(*build, "builder", "?"), 80).c_str(),
          printable(field_text(*build, "result", "?"), 80).c_str(),
          printable(is_green(*build) ? "" : ": " + field_text(*build, "reason", ""), 1000).c_str());
        break;
      }
      if (left() <= 0) {
        complain({ec::conflict, "build " + id.dump() + " is not over after the time given"});
        return exits::timed_out;
      }
    }
  }
  return green ? exits::green : exits::red;
}

int submit(const command_line& line, const submit_options& given) {
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto wanted = make_submission(*farm, given);
  if (!wanted)
    return complain(wanted.error());
  auto text = wanted->dump(-1, ' ', false, json::error_handler_t::replace);
  auto answer = read_answer(farm->post(route({"builds"}), text));
  if (!answer)
    return complain(answer.error());
  put_out((given.as_json ? answer->dump() : printable(field_text(*answer, "id", "none"), 80))
          + "\n");
  return given.wait ? wait_for(*farm, *answer, given.timeout_seconds) : exits::green;
}

} // namespace

void add_submit(CLI::App& app, command_line& line) {
  auto given = std::make_shared<submit_options>();
  auto* command = app.add_subcommand("submit", "Build something now; prints the build's number,"
                                               " or the campaign's id when there are several");
  command->footer(
    "Example: drover submit check --source hello-2.12.tar.gz --wait\n"
    "         drover submit hello zlib --source hello=h.tar.gz --source zlib=z.tar.xz");
  command->add_option("BUILDER", given->builders, "One builder or several")->required();
  command->add_option("--source", given->sources, "FILE for all builders, or BUILDER=FILE for one")
    ->take_all()
    ->expected(1);
  command->add_option("--param", given->params, "NAME=VALUE, in the steps' environment")
    ->take_all()
    ->expected(1);
  command->add_option("--host", given->host, "Only on this host");
  command->add_option("--reason", given->reason, "Shown wherever the build is shown");
  auto* wait = command->add_flag("--wait", given->wait,
                                 "Return when all is over: 0 green, 1 red, 5 the time is over");
  command->add_option("--timeout", given->timeout_seconds, "Seconds that --wait waits at most")
    ->needs(wait)
    ->check(CLI::PositiveNumber);
  command->add_flag("--json", given->as_json, "Print the farm's answer as JSON, for scripts");
  command->callback([given, &line] { line.exit_code = submit(line, *given); });
}

} // namespace drover::cli
