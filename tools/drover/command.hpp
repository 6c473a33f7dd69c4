#pragma once
// What all commands share: exit codes, errors, asking the farm, queries.
// SPDX-License-Identifier: Apache-2.0

#include "tools/drover/answers.hpp"
#include "tools/drover/client.hpp"
#include "tools/drover/table.hpp"
#include "tools/drover/terminal.hpp"

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace drover::cli {

/// CONTRACT.md: every command ends with one of these.
namespace exits {
inline constexpr int green = 0, red = 1, usage = 2, unreachable = 3, refused = 4, timed_out = 5;
} // namespace exits

/// What the commands of one run share. Outlives the parser.
struct command_line {
  std::string farm;                             ///< --farm
  colour_use colours = colour_use::automatic;   ///< --color
  progress_use progress = progress_use::wanted; ///< --quiet
  int exit_code = 0;
};

/// The groups in which `--help` lists the commands.
namespace groups {
inline constexpr const char *work = "Give work", *look = "Look", *herd = "The herd",
                            *farm = "Run a farm", *shell = "Your shell";
} // namespace groups

/// Prints "drover: TEXT" to standard error; returns the exit code that belongs to the failure.
int complain(const failure& why);

expected<client> open_farm(const command_line& line);
/// A path below /api/v1 from its parts, each escaped.
std::string route(std::initializer_list<std::string> parts);
/// `target` with these parameters behind '?', escaped; those without a value are left out.
std::string with_params(std::string target,
                        const std::vector<std::pair<const char*, std::string>>& params);
/// The failure that a reply stands for: the detail of its problem, made printable.
failure failure_of(const reply& answer);
/// The reply's body as JSON; a reply that is no success, or no JSON, is a failure.
expected<json> read_answer(const expected<reply>& answer);
expected<json> fetch(client& farm, const std::string& target);
/// `fetch` that bears a farm which is away for limits::client_reconnect.
expected<json> fetch_patiently(client& farm, const std::string& target);
/// Who the orders of this user are from, unless the farm knows better.
std::string who();
/// One line of JSON, as every `--json` prints it.
std::string json_line(const json& answer);

/// `why`, and if nothing of that name was found, the name that was probably meant: one of those in
/// the farm's list `list`, as "hosts" or "builders".
failure with_hint(client& farm, failure why, const char* list, const std::string& given);

// -- queries -------------------------------------------------------------------------------------

struct query_options {
  bool as_json = false;
  bool watch = false;
  bool wait = false;
  double timeout_seconds = 0; ///< 0: for ever
};

enum class watchable : uint8_t { no, yes };
/// Adds --json and, where it makes sense, --watch.
void add_query_options(CLI::App& command, query_options& options, watchable may);
/// Adds --wait and --timeout.
void add_wait_options(CLI::App& command, query_options& options);

struct query {
  std::string target;
  std::function<std::string(const json& answer, const screen& out)> render;
  /// Whether there is nothing more to see; empty: watching ends with Ctrl-C only.
  std::function<bool(const json& answer)> over = nullptr;
  /// What --wait shows meanwhile, in one line.
  std::function<std::string(const json& answer)> progress = nullptr;
  /// The farm's list that has the name which was asked for, for "did you mean".
  const char* list = nullptr;
  std::string given = "";
};

/// Fetches and shows; with --watch again and again, with --wait once it is over. The exit code.
int run_query(const command_line& line, const query_options& options, const query& what);

/// Posts an order and prints the farm's `text`, or with --json its answer. The exit code.
struct order {
  std::string target;
  std::string body = "";
  bool as_json = false;
  const char* list = nullptr; ///< as in `query`
  std::string given = "";
};
int run_order(const command_line& line, const order& what);

// -- builds, as several commands show them -------------------------------------------------------

/// "build 12 of hello: step test (2 of 3) on h1, 1 min 3 s".
std::string build_progress(const json& build);
/// "campaign c3: 4 of 9 builds over, 1 red".
std::string campaign_progress(const json& campaign);

// -- the commands, each in its own file ----------------------------------------------------------

void add_check(CLI::App& app, command_line& line);
void add_submit(CLI::App& app, command_line& line);
void add_campaigns(CLI::App& app, command_line& line);
void add_builds(CLI::App& app, command_line& line);
void add_build_orders(CLI::App& app, command_line& line);
void add_log(CLI::App& app, command_line& line);
void add_tests(CLI::App& app, command_line& line);
void add_builders(CLI::App& app, command_line& line);
void add_sources(CLI::App& app, command_line& line);
void add_hosts(CLI::App& app, command_line& line);
void add_actors(CLI::App& app, command_line& line);
void add_artifacts(CLI::App& app, command_line& line);
void add_events(CLI::App& app, command_line& line);
void add_notices(CLI::App& app, command_line& line);
void add_admin(CLI::App& app, command_line& line);

} // namespace drover::cli
