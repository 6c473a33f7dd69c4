// notices, notice; admin notices retry, test.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_cli.hpp"
#include "schema/names.hpp"
#include "tools/drover/cmd_admin.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <thread>

namespace drover::cli {

namespace {

using std::chrono::steady_clock;

/// How long `test` waits for the answer of the other side.
constexpr std::chrono::seconds test_patience{20};

cell state_cell(const json& notice) {
  auto state = field_text(notice, "state", "-");
  auto shade = state == "failed"    ? colour::red
               : state == "waiting" ? colour::yellow
                                    : colour::green;
  return cell{state, shade};
}

std::string to_text(const json& notice) {
  std::string all;
  for (const auto& one : field_list(notice, "to"))
    all += (all.empty() ? "" : ", ") + (one.is_string() ? one.get<std::string>() : one.dump());
  return all;
}

std::string render_notices(const json& answer, const screen& out) {
  table rows{{"NOTICE", "REPORTER", "KIND", "STATE", "TRIES", "MADE", "TO", "SUBJECT", "PROBLEM"}};
  for (const auto& notice : field_list(answer, "notices")) {
    bool arrived = field_text(notice, "state", "") == "delivered";
    rows.add({field_text(notice, "id", "-"), field_text(notice, "reporter", "-"),
              field_text(notice, "kind", "-"), state_cell(notice), field_text(notice, "tries", ""),
              when_text(notice, "made_at", out), to_text(notice), field_text(notice, "subject", ""),
              arrived ? "" : field_text(notice, "last_error", "")});
  }
  return rows.empty() ? "no notices; `reporters` of farm.yaml says who hears of what\n"
                      : rows.text(out.colours, out.width);
}

/// The text as its reader gets it, line by line.
std::string clean_lines(const std::string& text) {
  std::string out;
  for (size_t at = 0, end = 0; at < text.size(); at = end + 1) {
    end = std::min(text.find('\n', at), text.size());
    out += printable(text.substr(at, end - at), limits::reason_bytes_max) + "\n";
  }
  return out;
}

std::string render_notice(const json& notice, const screen& out) {
  auto state = field_text(notice, "state", "-");
  std::string text = "notice " + field_text(notice, "id", "-") + " to "
                     + field_text(notice, "reporter", "-") + ", " + state;
  auto tries = field_text(notice, "tries", "0");
  text += ", " + tries + (tries == "1" ? " try" : " tries");
  auto error = field_text(notice, "last_error", "");
  if (!error.empty() && state != "delivered")
    text += ": " + error;
  auto next = field_text(notice, "next_try", "");
  if (state == "waiting" && !next.empty())
    text += "; tried again at " + short_time(next);
  text = printable(text, 2 * limits::reason_bytes_max) + "\n";
  if (auto to = to_text(notice); !to.empty())
    text += "To:      " + printable(to, limits::reason_bytes_max) + "\n";
  text +=
    "Made:    " + printable(when_text(notice, "made_at", out), limits::reason_bytes_max) + "\n";
  text +=
    "Subject: " + printable(field_text(notice, "subject", ""), limits::reason_bytes_max) + "\n";
  return text + "\n" + clean_lines(field_text(notice, "text", ""));
}

struct notices_options {
  query_options shown;
  std::string reporter, state, limit;
};

/// Waits for what becomes of it, and says so.
int follow(client& farm, const std::string& id) {
  auto until = steady_clock::now() + test_patience;
  for (;;) {
    auto notice = fetch(farm, route({"notices", id}));
    if (!notice)
      return complain(notice.error());
    auto state = field_text(*notice, "state", "");
    auto error = field_text(*notice, "last_error", "");
    if (state == "delivered") {
      put_out("notice " + id + " was delivered\n");
      return exits::green;
    }
    if (state == "failed" || !error.empty() || steady_clock::now() >= until) {
      put_out("notice " + id + " is " + printable(state, 40)
              + (error.empty() ? ", not tried yet" : ": " + printable(error, 400)) + "\n");
      return state == "failed" || !error.empty() ? exits::red : exits::timed_out;
    }
    std::this_thread::sleep_for(limits::client_look_interval);
  }
}

int test(const command_line& line, const std::string& reporter) {
  auto farm = open_farm(line);
  if (!farm)
    return complain(farm.error());
  auto target = with_params(route({"reporters", reporter, "test"}), {{"by", who()}});
  auto answer = read_answer(farm->post(target, ""));
  if (!answer)
    return complain(answer.error());
  return follow(*farm, field_text(*answer, "id", "0"));
}

struct retry_options {
  std::string id;
  bool failed = false;
};

} // namespace

void add_notices(CLI::App& app, command_line& line) {
  auto given = std::make_shared<notices_options>();
  auto* list =
    app.add_subcommand("notices", "What people were told, and what waits to be delivered")
      ->group(groups::look);
  list->footer("Example: drover notices --state failed");
  list->add_option("--reporter", given->reporter, "Only those of this reporter")->type_name("NAME");
  list->add_option("--state", given->state, "waiting, delivered or failed")
    ->check(CLI::IsMember({"waiting", "delivered", "failed"}));
  list->add_option("--limit", given->limit, "So many, the newest")->type_name("N");
  add_query_options(*list, given->shown, watchable::yes);
  list->callback([given, &line] {
    auto target = with_params(
      route({"notices"}),
      {{"reporter", given->reporter}, {"state", given->state}, {"limit", given->limit}});
    line.exit_code = run_query(line, given->shown, {target, render_notices});
  });
  auto shown = std::make_shared<query_options>();
  auto id = std::make_shared<std::string>();
  auto* one = app.add_subcommand("notice", "One notice with its whole text")->group(groups::look);
  one->footer("Example: drover notice 12");
  one->add_option("ID", *id, "Its number, as `drover notices` has it")->required();
  add_query_options(*one, *shown, watchable::no);
  one->callback([shown, id, &line] {
    line.exit_code = run_query(line, *shown, {route({"notices", *id}), render_notice});
  });
}

void add_notice_orders(CLI::App& admin, command_line& line) {
  auto* notices = admin.add_subcommand("notices", "Try notices again; see whether one arrives");
  notices->require_subcommand(1);
  notices->footer("Example: drover admin notices test people");
  auto given = std::make_shared<retry_options>();
  auto* again = notices->add_subcommand("retry", "Deliver a notice again, or all that failed");
  again->footer("Example: drover admin notices retry --failed");
  auto* id = again->add_option("ID", given->id, "Its number; also of one that was delivered");
  again->add_flag("--failed", given->failed, "All that failed")->excludes(id);
  again->callback([given, &line] {
    if (given->id.empty() && !given->failed)
      throw CLI::ValidationError("ID", "name a notice, or give --failed");
    auto target =
      given->failed ? route({"notices", "retry"}) : route({"notices", given->id, "retry"});
    line.exit_code = run_order(line, {with_params(target, {{"by", who()}})});
  });
  auto reporter = std::make_shared<std::string>();
  auto* tried = notices->add_subcommand(
    "test", "Send a notice that says nothing is wrong, and wait for what becomes of it");
  tried->footer("Example: drover admin notices test people");
  tried->add_option("REPORTER", *reporter, "A reporter of farm.yaml")->required();
  tried->callback([reporter, &line] { line.exit_code = test(line, *reporter); });
}

} // namespace drover::cli
