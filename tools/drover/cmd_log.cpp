// log: a step's output, live or stored.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "tools/drover/checks.hpp"
#include "tools/drover/command.hpp"
#include "tools/drover/log_text.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <thread>

namespace drover::cli {

namespace {

struct log_options {
  std::string build, step;
  bool follow = false;
  bool raw = false;
  uint32_t attempt = 0;
  screen out = {};
};

/// The steps to show: the one named; else of a red build the first that failed; else all. Raw bytes
/// of all steps in order, so that what a script reads doesn't depend on the result.
expected<std::vector<std::string>> choose_steps(const json& build, const log_options& given) {
  std::vector<std::string> all;
  std::string first_bad;
  for (const auto& step : field_list(build, "steps")) {
    auto name = field_text(step, "name", "");
    auto outcome = field_text(step, "result", "");
    if (!given.step.empty() && (name == given.step || field_text(step, "index", "") == given.step))
      return std::vector<std::string>{name};
    bool bad = outcome != "success" && outcome != "warnings" && outcome != "skipped";
    if (bad && first_bad.empty() && !field_list(step, "attempts").empty())
      first_bad = name;
    all.push_back(name);
  }
  if (!given.step.empty())
    return failure{ec::not_found, "build " + field_text(build, "id", "?") + " has no step '"
                                    + printable(given.step, 80) + "'; `drover build "
                                    + field_text(build, "id", "ID") + "` has them all"};
  bool red = is_over(build) && !is_green(build);
  if (red && !first_bad.empty() && !given.raw && !given.follow)
    return std::vector<std::string>{first_bad};
  return all;
}

/// Writes log bytes as the options say; false once nobody reads.
class log_writer {
public:
  explicit log_writer(const log_options& given)
      : raw_{given.raw}, text_{given.out.colours ? sgr::keep : sgr::drop} {}
  bool head(const std::string& step, const std::string& attempt) {
    if (raw_ || attempt == "0")
      return true;
    return show("--- step " + printable(step, 80) + ", attempt " + attempt + " ---\n");
  }
  bool take(std::string_view bytes) { return raw_ ? put_out(bytes) : show(text_.take(bytes)); }
  /// Ends a step's log; what follows begins on a line of its own.
  bool finish() {
    if (raw_)
      return true;
    auto rest = text_.finish();
    return show(rest) && (at_line_start_ || show("\n"));
  }

private:
  bool show(const std::string& text) {
    if (!text.empty())
      at_line_start_ = text.back() == '\n';
    return put_out(text);
  }
  bool raw_;
  bool at_line_start_ = true;
  log_text text_;
};

std::string log_route(const log_options& given, const std::string& step) {
  return route({"builds", given.build, "steps", step, "log"});
}

const json* find_step(const json& build, const std::string& name) {
  auto steps = build.find("steps");
  if (steps == build.end())
    return nullptr;
  for (const auto& step : *steps)
    if (field_text(step, "name", "") == name)
      return &step;
  return nullptr;
}

/// The number of the step's latest attempt; "0": it has none.
std::string latest_attempt(const json& step) {
  auto attempts = step.find("attempts");
  if (attempts == step.end() || attempts->empty())
    return "0";
  return field_text(attempts->back(), "number", "0");
}

/// What is stored of the steps' logs, streamed. Headers are for a log of several steps.
int show_stored(client& farm, const log_options& given, const json& build,
                const std::vector<std::string>& steps) {
  log_writer out{given};
  for (const auto& name : steps) {
    auto* step = find_step(build, name);
    if (!step || (steps.size() > 1 && latest_attempt(*step) == "0"))
      continue; // it never ran
    auto target = log_route(given, name);
    if (given.attempt != 0)
      target += "?attempt=" + std::to_string(given.attempt);
    if (steps.size() > 1)
      out.head(name, field_text(*step, "accepted", latest_attempt(*step)));
    bool read = true;
    auto answer = farm.get_to(target, [&](std::string_view bytes) {
      read = out.take(bytes);
      return read;
    });
    if (!answer)
      return complain(answer.error());
    if (!answer->ok())
      return complain(failure_of(*answer));
    if (!read || !out.finish())
      return exits::green;
  }
  return exits::green;
}

/// Where a followed log stands.
struct position {
  uint64_t attempt = 0; ///< 0: not known yet
  uint64_t offset = 0;
  bool complete = false;
};

uint64_t number_of(const std::string& text) {
  uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

/// One poll: shows what is new, moves `at`. A farm that is away is asked again, from the same byte.
std::optional<failure> poll(client& farm, const std::string& target, position& at, log_writer& out,
                            const std::string& step) {
  auto begun = std::chrono::steady_clock::now();
  auto asked = target + "?wait=10&offset=" + std::to_string(at.offset)
               + (at.attempt != 0 ? "&attempt=" + std::to_string(at.attempt) : "");
  for (;;) {
    auto answer = farm.get(asked);
    if (answer && answer->ok()) {
      auto attempt = number_of(answer->field("drover-log-attempt"));
      if (at.attempt == 0 && attempt != 0 && !out.head(step, std::to_string(attempt)))
        return failure{ec::io, "nobody reads the log any more"};
      at.attempt = attempt;
      at.offset += answer->body.size();
      auto size = number_of(answer->field("drover-log-size"));
      at.complete = answer->field("drover-log-complete") == "true" && at.offset >= size;
      if (!out.take(answer->body))
        return failure{ec::io, "nobody reads the log any more"};
      return std::nullopt;
    }
    auto why = answer ? failure_of(*answer) : answer.error();
    if (why.code != ec::unavailable
        || std::chrono::steady_clock::now() - begun > limits::client_reconnect)
      return why;
    std::this_thread::sleep_for(limits::client_look_interval);
  }
}

/// The step's next attempt after `ended`; 0: there will be none. Waits until one of them is sure.
expected<uint64_t> next_attempt(client& farm, const log_options& given, const std::string& step,
                                uint64_t ended) {
  for (;;) {
    auto build = fetch_patiently(farm, route({"builds", given.build}));
    if (!build)
      return build.error();
    auto* now = find_step(*build, step);
    if (!now || is_over(*now) || is_over(*build))
      return uint64_t{0};
    auto latest = number_of(latest_attempt(*now));
    if (latest > ended)
      return latest;
    std::this_thread::sleep_for(limits::client_look_interval);
  }
}

/// Shows one step until it is over, through as many attempts as it takes.
std::optional<failure> follow_step(client& farm, const log_options& given,
                                   const std::string& step) {
  log_writer out{given};
  uint64_t pinned = given.attempt;
  for (;;) {
    position at;
    at.attempt = pinned;
    if (pinned != 0)
      out.head(step, std::to_string(pinned));
    while (!at.complete)
      if (auto wrong = poll(farm, log_route(given, step), at, out, step))
        return wrong;
    out.finish();
    if (given.attempt != 0 || at.attempt == 0)
      return std::nullopt;
    auto next = next_attempt(farm, given, step, at.attempt);
    if (!next)
      return next.error();
    if (*next == 0)
      return std::nullopt;
    std::fprintf(stderr, "drover: attempt %s of step '%s' ended without a result; now attempt %s\n",
                 std::to_string(at.attempt).c_str(), printable(step, 80).c_str(),
                 std::to_string(*next).c_str());
    pinned = *next;
  }
}

int show_log(const command_line& line, const log_options& given) {
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto build = fetch(*farm, route({"builds", given.build}));
  if (!build)
    return complain(build.error());
  auto steps = choose_steps(*build, given);
  if (!steps)
    return complain(steps.error());
  if (!given.follow)
    return show_stored(*farm, given, *build, *steps);
  for (const auto& step : *steps)
    if (auto wrong = follow_step(*farm, given, step))
      return wrong->code == ec::io ? exits::green : complain(*wrong);
  return exits::green;
}

} // namespace

void add_log(CLI::App& app, command_line& line) {
  auto given = std::make_shared<log_options>();
  auto* command =
    app
      .add_subcommand("log",
                      "What steps printed: of a red build the first failed step, else all of them")
      ->group(groups::look);
  command->footer("Example: drover log 1 test --follow\n         drover log 1 --raw > log.txt");
  command->add_option("ID", given->build, "The build's number")->required();
  command->add_option("STEP", given->step, "A step's name, or its index from 0");
  command->add_flag("--follow", given->follow, "Go on showing until the step or build is over");
  command->add_flag("--raw", given->raw, "The very bytes, of one step or of all in order");
  command->add_option("--attempt", given->attempt, "This attempt instead of the accepted one")
    ->type_name("N")
    ->check(above_zero());
  command->callback([given, &line] {
    given->out = real_screen(line.colours);
    if (given->attempt != 0 && given->step.empty())
      line.exit_code =
        complain({ec::bad_input, "--attempt needs a STEP, as in `drover log 1 test --attempt 2`"});
    else
      line.exit_code = show_log(line, *given);
  });
}

} // namespace drover::cli
