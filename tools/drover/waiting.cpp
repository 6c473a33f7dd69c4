// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/waiting.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"
#include "tools/drover/checks.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdio>

namespace drover::cli {

namespace {

using std::chrono::steady_clock;

/// The farm holds an answer this long where nobody watches the progress.
constexpr double quiet_look_seconds = 20;

class deadline {
public:
  explicit deadline(double seconds) : seconds_{seconds} {}
  double left() const {
    if (seconds_ <= 0)
      return std::chrono::duration<double>(limits::http_wait_max).count();
    return seconds_ - std::chrono::duration<double>(steady_clock::now() - begun_).count();
  }

private:
  double seconds_;
  steady_clock::time_point begun_ = steady_clock::now();
};

/// As the farm takes it: rounded up, so that the last second is waited for and not asked away.
int whole_seconds(double seconds) {
  return std::max(0, static_cast<int>(std::ceil(seconds)));
}

void tell_end(const std::string& id, const json& build) {
  auto why = is_green(build) ? "" : ": " + field_text(build, "reason", "");
  std::fprintf(stderr, "build %s of %s: %s%s\n", id.c_str(),
               printable(field_text(build, "builder", "?"), 80).c_str(),
               printable(field_text(build, "result", "?"), 80).c_str(),
               printable(why, 1000).c_str());
}

} // namespace

void add_wait_options(CLI::App& command, wait_options& options) {
  auto* wait = command.add_flag("--wait", options.wait,
                                "Return when all is over: 0 green, 1 red, 5 the time is over");
  command.add_option("--timeout", options.timeout_seconds, "Seconds that --wait waits at most")
    ->type_name("SECONDS")
    ->needs(wait)
    ->check(above_zero());
  command.add_flag("--json", options.as_json, "Print the farm's answer as JSON, for scripts");
}

int wait_for(const command_line& line, client& farm, const json& submitted,
             double timeout_seconds) {
  deadline end{timeout_seconds};
  progress so_far{line.progress};
  auto look_seconds = so_far.on() ? 1.0 : quiet_look_seconds;
  auto builds = field_list(submitted, "builds");
  bool green = !builds.empty();
  size_t number = 0;
  for (const auto& id : builds) {
    auto target = route({"builds", id.dump()});
    auto place = "[" + std::to_string(++number) + "/" + std::to_string(builds.size()) + "] ";
    for (bool first = so_far.on();;) { // on a terminal something shows at once
      auto seconds = first ? 0 : whole_seconds(std::min(end.left(), look_seconds));
      first = false;
      auto build = fetch_patiently(farm, target + "?wait=" + std::to_string(seconds));
      if (!build) {
        so_far.clear();
        return complain(build.error());
      }
      if (is_over(*build)) {
        so_far.clear();
        green = green && is_green(*build);
        tell_end(id.dump(), *build);
        break;
      }
      if (end.left() <= 0) {
        so_far.clear();
        complain({ec::conflict, "build " + id.dump()
                                  + " is not over after the time given; it goes on without you"});
        return exits::timed_out;
      }
      so_far.show((builds.size() > 1 ? place : "") + build_progress(*build));
    }
  }
  return green ? exits::green : exits::red;
}

} // namespace drover::cli
