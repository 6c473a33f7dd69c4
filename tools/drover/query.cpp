// Queries: shown once, watched, or waited for.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits.hpp"
#include "tools/drover/checks.hpp"
#include "tools/drover/command.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <set>
#include <thread>

namespace drover::cli {

namespace {

using std::chrono::steady_clock;

std::string rendered(const json& answer, const query_options& options, const query& what,
                     const screen& out) {
  return options.as_json ? json_line(answer) : what.render(answer, out);
}

/// Looks until it is over or the time is; the last answer.
expected<json> fetch_until_over(const command_line& line, client& farm,
                                const query_options& options, const query& what) {
  auto begun = steady_clock::now();
  progress so_far{line.progress};
  for (;;) {
    auto answer = fetch_patiently(farm, what.target);
    if (!answer || what.over(*answer))
      return answer;
    auto spent = std::chrono::duration<double>(steady_clock::now() - begun).count();
    if (options.timeout_seconds > 0 && spent >= options.timeout_seconds)
      return answer;
    if (what.progress)
      so_far.show(what.progress(*answer));
    std::this_thread::sleep_for(limits::client_look_interval);
  }
}

/// The line with each run of blanks as one: columns that grow are no news.
std::string without_padding(const std::string& line) {
  std::string out;
  for (char c : line)
    if (c != ' ' || out.empty() || out.back() != ' ')
      out += c;
  return out;
}

/// Shows what changed since the last look, a line a change; the first look shows all.
class change_printer {
public:
  bool show(const std::string& text) {
    std::set<std::string> now;
    std::string news;
    for (size_t from = 0; from < text.size();) {
      auto end = std::min(text.find('\n', from), text.size());
      auto line = text.substr(from, end - from);
      auto key = without_padding(line);
      if (!before_.count(key))
        news += line + "\n";
      now.insert(std::move(key));
      from = end + 1;
    }
    before_ = std::move(now);
    return news.empty() || put_out(news);
  }

private:
  std::set<std::string> before_;
};

int watch(const command_line& line, client& farm, const query_options& options, const query& what) {
  bool repaints = real_screen(line.colours).terminal && !options.as_json;
  std::optional<painter> painted;
  change_printer printed;
  for (;;) {
    auto answer = fetch_patiently(farm, what.target);
    if (!answer) {
      painted.reset();
      return complain(with_hint(farm, answer.error(), what.list, what.given));
    }
    if (repaints && !painted)
      painted.emplace();
    auto out = real_screen(line.colours); // anew each time: windows change their size
    auto text = rendered(*answer, options, what, out);
    if (!(painted ? painted->show(text, out) : printed.show(text)))
      return exits::green;
    if (what.over && what.over(*answer))
      return is_green(*answer) ? exits::green : exits::red;
    std::this_thread::sleep_for(limits::client_look_interval);
  }
}

} // namespace

void add_query_options(CLI::App& command, query_options& options, watchable may) {
  command.add_flag("--json", options.as_json, "Print the farm's answer as JSON, for scripts");
  if (may == watchable::yes)
    command.add_flag(
      "--watch", options.watch,
      "Go on showing it until Ctrl-C: repainted on a terminal, else a line a change");
}

void add_wait_options(CLI::App& command, query_options& options) {
  auto* wait = command.add_flag("--wait", options.wait,
                                "Return when it is over: 0 green, 1 red, 5 the time is over");
  command.add_option("--timeout", options.timeout_seconds, "Seconds that --wait waits at most")
    ->type_name("SECONDS")
    ->needs(wait)
    ->check(above_zero());
}

int run_query(const command_line& line, const query_options& options, const query& what) {
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  if (options.watch)
    return watch(line, *farm, options, what);
  auto answer = options.wait && what.over ? fetch_until_over(line, *farm, options, what)
                                          : fetch(*farm, what.target);
  if (!answer)
    return complain(with_hint(*farm, answer.error(), what.list, what.given));
  put_out(rendered(*answer, options, what, real_screen(line.colours)));
  if (!options.wait || !what.over)
    return exits::green;
  if (!what.over(*answer)) {
    complain({ec::conflict, "not over after the time given; it goes on without you"});
    return exits::timed_out;
  }
  return is_green(*answer) ? exits::green : exits::red;
}

} // namespace drover::cli
