#pragma once
// What all commands share: exit codes, errors, answers of the farm, output.
// SPDX-License-Identifier: Apache-2.0

#include "tools/drover/client.hpp"
#include "tools/drover/table.hpp"

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace drover::cli {

using json = nlohmann::ordered_json;

/// CONTRACT.md: every command ends with one of these.
namespace exits {
inline constexpr int green = 0, red = 1, usage = 2, unreachable = 3, refused = 4, timed_out = 5;
} // namespace exits

/// What the commands of one run share. Outlives the parser.
struct command_line {
  std::string farm; ///< --farm
  int exit_code = 0;
};

/// Prints "drover: TEXT" to standard error; returns the exit code that belongs to the failure.
int complain(const failure& why);

expected<client> open_farm(const command_line& line);
/// A path below /api/v1 from its parts, each escaped.
std::string route(std::initializer_list<std::string> parts);
/// The failure that a reply stands for: the detail of its problem, made printable.
failure failure_of(const reply& answer);
/// The reply's body as JSON; a reply that is no success, or no JSON, is a failure.
expected<json> read_answer(const expected<reply>& answer);
expected<json> fetch(client& farm, const std::string& target);
/// `fetch` that bears a farm which is away for limits::client_reconnect.
expected<json> fetch_patiently(client& farm, const std::string& target);

/// Standard output as it is now.
struct screen {
  bool terminal = false;
  bool colours = false; ///< a terminal without NO_COLOR
};
screen real_screen();
/// Writes all of it to standard output and flushes; false if nobody reads there any more.
bool put_out(std::string_view bytes);

// -- reading answers -----------------------------------------------------------------------------

/// A field as text: strings as they are, numbers written out, null or absent: `otherwise`.
std::string field_text(const json& object, const std::string& name, const std::string& otherwise);
/// "3.2 s" between two RFC 3339 times of an answer; `to` null: empty.
std::string time_between(const json& object, const std::string& from, const std::string& to);
/// "2026-01-31 12:00:00" of an RFC 3339 time.
std::string short_time(const std::string& rfc3339);
/// Whether a finished build's or campaign's result is good.
bool is_green(const json& finished);

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
  std::function<bool(const json& answer)> over;
};

/// Fetches and shows; with --watch again and again, with --wait once it is over. The exit code.
int run_query(const command_line& line, const query_options& options, const query& what);

// -- the commands, each in its own file ----------------------------------------------------------

void add_check(CLI::App& app, command_line& line);
void add_submit(CLI::App& app, command_line& line);
void add_campaigns(CLI::App& app, command_line& line);
void add_builds(CLI::App& app, command_line& line);
void add_log(CLI::App& app, command_line& line);
void add_hosts(CLI::App& app, command_line& line);
void add_actors(CLI::App& app, command_line& line);
void add_artifacts(CLI::App& app, command_line& line);

} // namespace drover::cli
