// The page of a step: a window of its log, which the script moves and follows.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/explain/first_error.hpp"
#include "nodes/pages/log_lines.hpp"
#include "nodes/pages/page.hpp"
#include "schema/limits_explain.hpp"
#include "schema/limits_web.hpp"

#include <algorithm>
#include <charconv>

namespace drover::pages {

namespace {

/// A piece of a log with what the API said of the whole.
struct log_answer {
  http::response raw; ///< if it was refused
  std::string bytes;
  uint64_t offset = 0;
  uint64_t size = 0;
  bool complete = false;
  std::string attempt;
};

std::string field_of(const http::response& answer, std::string_view name) {
  for (const auto& [key, value] : answer.fields)
    if (key == name)
      return value;
  return "";
}

uint64_t whole_number(const std::string& text, uint64_t otherwise) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty() ? value
                                                                                   : otherwise;
}

asio::awaitable<log_answer> ask_log(const page_call& call, uint64_t offset, uint64_t limit,
                                    const std::string& wait = "") {
  parameters query{{"offset", std::to_string(offset)}, {"limit", std::to_string(limit)}};
  if (auto attempt = call.asked.parameter("attempt"); attempt && !attempt->empty())
    query["attempt"] = *attempt;
  if (!wait.empty())
    query["wait"] = wait;
  log_answer out;
  out.raw = co_await ask_raw(
    call, segments("builds", call.captures[0], "steps", call.captures[1], "log"), std::move(query));
  if (out.raw.status >= 300)
    co_return out;
  out.bytes = std::move(out.raw.body);
  out.offset = whole_number(field_of(out.raw, "Drover-Log-Offset"), offset);
  out.size = whole_number(field_of(out.raw, "Drover-Log-Size"), 0);
  out.complete = field_of(out.raw, "Drover-Log-Complete") == "true";
  out.attempt = field_of(out.raw, "Drover-Log-Attempt");
  co_return out;
}

bool ends_log(const log_answer& piece) {
  return piece.complete && piece.offset + piece.bytes.size() >= piece.size;
}

/// Drops what belongs to a line that began before, and what is too much for one page.
void align(log_answer& piece) {
  auto drop = piece.offset == 0 ? 0 : to_next_line(piece.bytes);
  if (drop == piece.bytes.size())
    drop = 0; // one endless line: shown as it is
  piece.bytes.erase(0, drop);
  piece.offset += drop;
  drop = to_last_lines(piece.bytes, limits::page_log_rows);
  piece.bytes.erase(0, drop);
  piece.offset += drop;
}

/// Where the most telling line begins, in a log that ended badly.
std::optional<uint64_t> find_cause(const log_answer& tail, std::string& line) {
  auto found = core::first_error(tail.bytes);
  if (found.line.empty())
    return std::nullopt;
  std::string_view rest = tail.bytes;
  while (!rest.empty()) {
    auto end = std::min(rest.find('\n'), rest.size());
    if (core::first_error(rest.substr(0, end)).line == found.line) {
      line = found.line;
      return tail.offset + static_cast<uint64_t>(rest.data() - tail.bytes.data());
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

const json* find_step(const json& build, const std::string& name) {
  for (const auto& step : list(build, "steps"))
    if (word(step, "name") == name)
      return &step;
  for (const auto& step : list(build, "steps"))
    if (word(step, "index") == name)
      return &step;
  return nullptr;
}

/// Links that move the window; they work without a script.
void write_moves(html& out, const page_call& call, const log_answer& piece, uint64_t next) {
  auto path = path_of({"builds", call.captures[0], "steps", call.captures[1]});
  auto attempt = call.asked.parameter("attempt").value_or("");
  auto tail = attempt.empty() ? "" : "&attempt=" + http::percent_encode(attempt);
  auto moves = out.in("p", {{"class", "moves"}, {"id", "moves"}});
  if (piece.offset > 0) {
    auto before = piece.offset - std::min(piece.offset, limits::page_log_bytes);
    out.link(path + "?at=0" + tail, "First page");
    out.link(path + "?at=" + std::to_string(before) + tail, "Earlier");
  }
  if (next < piece.size) {
    out.link(path + "?at=" + std::to_string(next) + tail, "Later");
    out.link(path + "?at=end" + tail, "Last page");
  }
  out.element("a", {{"href", path + "/log.txt" + (tail.empty() ? "" : "?" + tail.substr(1))}},
              "All of it as plain text (" + size_words(piece.size) + ")");
}

void write_log(html& out, const page_call& call, const log_answer& piece) {
  html lines;
  std::optional<uint64_t> first;
  if (piece.offset == 0)
    first = 1;
  auto path = path_of({"builds", call.captures[0], "steps", call.captures[1], "lines"});
  auto whole = ends_log(piece);
  auto written = write_lines(lines, {piece.bytes, piece.offset, first, whole});
  write_moves(out, call, piece, written.next);
  auto box = out.in("div", {{"class", "log"},
                            {"id", "log"},
                            {"role", "log"},
                            {"aria-live", "off"},
                            {"aria-label", "Output of the step"},
                            {"tabindex", "0"},
                            {"data-lines", path},
                            {"data-attempt", piece.attempt},
                            {"data-from", std::to_string(piece.offset)},
                            {"data-next", std::to_string(written.next)},
                            {"data-line", written.line ? std::to_string(*written.line) : ""},
                            {"data-size", std::to_string(piece.size)},
                            {"data-complete", piece.complete ? "true" : "false"}});
  out.append(std::move(lines));
}

/// A window that has the line at `where` in it, and some lines before.
asio::awaitable<log_answer> ask_around(const page_call& call, uint64_t where) {
  auto start = where - std::min(where, limits::page_cause_bytes_before);
  auto piece = co_await ask_log(call, start, limits::page_log_bytes);
  if (piece.raw.status >= 300 || piece.bytes.size() < where - start)
    co_return piece;
  auto before = std::string_view{piece.bytes}.substr(0, where - start);
  auto drop = start == 0 ? 0 : to_next_line(before);
  drop += to_last_lines(before.substr(drop), limits::page_log_rows / 2);
  piece.bytes.erase(0, drop);
  piece.offset += drop;
  co_return piece;
}

/// The window that was asked for; without a wish all of a short log, and the end of a long one.
asio::awaitable<log_answer> ask_window(const page_call& call) {
  if (auto near = call.asked.parameter("near"))
    co_return co_await ask_around(call, whole_number(*near, 0));
  auto wish = call.asked.parameter("at").value_or("");
  if (!wish.empty() && wish != "end")
    co_return co_await ask_log(call, whole_number(wish, 0), limits::page_log_bytes);
  auto piece = co_await ask_log(call, 0, limits::page_log_bytes);
  if (piece.raw.status >= 300)
    co_return piece;
  if (piece.size <= limits::page_log_bytes) {
    align(piece);
    co_return piece;
  }
  piece = co_await ask_log(call, piece.size - limits::page_log_bytes, limits::page_log_bytes);
  align(piece);
  co_return piece;
}

asio::awaitable<void> write_cause(html& out, const page_call& call, const json& step,
                                  uint64_t size) {
  if (!is_red(word(step, "result")) || size == 0)
    co_return;
  auto most = std::min<uint64_t>(limits::error_search_bytes_max, limits::http_log_bytes_max);
  auto tail = co_await ask_log(call, size - std::min(size, most), most);
  std::string line;
  auto at = find_cause(tail, line);
  if (!at)
    co_return;
  auto path = path_of({"builds", call.captures[0], "steps", call.captures[1]});
  auto attempt = call.asked.parameter("attempt").value_or("");
  auto address = path + "?near=" + std::to_string(*at)
                 + (attempt.empty() ? "" : "&attempt=" + http::percent_encode(attempt)) + "#o"
                 + std::to_string(*at);
  auto box = out.in("p", {{"class", "cause"}});
  out.element("span", "First error: ");
  auto link = out.in("a", {{"href", address}, {"id", "cause"}, {"data-at", std::to_string(*at)}});
  out.element("code", line);
}

} // namespace

page_answer show_step(page_call& call) {
  auto build = co_await ask_api(call, segments("builds", call.captures[0]));
  if (!build.ok())
    co_return refused_page(call, build);
  const auto* step = find_step(build.body, call.captures[1]);
  auto piece = co_await ask_window(call);
  if (step == nullptr || piece.raw.status >= 300)
    co_return refused_page(call, step == nullptr ? 404 : piece.raw.status,
                           step == nullptr
                             ? "this build has no such step"
                             : word(json::parse(piece.raw.body, nullptr, false), "detail"));
  auto name = word(*step, "name");
  auto id = word(build.body, "id");
  page made{call, place::builds, name + " of " + word(build.body, "builder") + " #" + id,
            "log build=" + id};
  auto& out = made.out;
  {
    auto crumb = out.in("p", {{"class", "crumbs"}});
    build_link(out, build.body);
    mark_build(out, build.body);
    out.text("on ");
    host_link(out, word(build.body, "host"));
  }
  {
    auto line = out.in("h1");
    out.text("step " + name);
    mark(out, word(*step, "state"), word(*step, "result"));
    const auto& attempts = list(*step, "attempts");
    auto time = out.in("span", {{"class", "quiet"}});
    if (!attempts.empty())
      span_of(out, attempts.back(), call.now);
  }
  why_not_good(out, *step);
  co_await write_cause(out, call, *step, piece.size);
  // Where the script puts what it can do with a log.
  out.element("div", {{"id", "logbar"}}, "");
  if (piece.size == 0 && piece.attempt == "0")
    nothing_here(out, "This step has not begun.");
  write_log(out, call, piece);
  co_return made.finish();
}

page_answer show_lines(page_call& call) {
  auto before = call.asked.parameter("before");
  auto at = whole_number(call.asked.parameter("at").value_or(""), 0);
  uint64_t limit = limits::page_log_bytes;
  if (before) {
    auto end = whole_number(*before, 0);
    at = end - std::min(end, limits::page_log_bytes);
    limit = end - at;
  }
  auto piece = co_await ask_log(call, at, limit, call.asked.parameter("wait").value_or(""));
  if (piece.raw.status >= 300)
    co_return piece.raw;
  if (before)
    align(piece);
  std::optional<uint64_t> line;
  if (auto given = whole_number(call.asked.parameter("line").value_or(""), 0); given > 0)
    line = given;
  if (piece.offset == 0)
    line = 1;
  html lines;
  auto written =
    write_lines(lines, {piece.bytes, piece.offset, line, ends_log(piece) || before.has_value()});
  http::response answer;
  answer.type = "text/html; charset=utf-8";
  answer.body = lines.finish();
  auto say = [&answer](const char* name, const std::string& value) {
    answer.fields.emplace_back(name, value);
  };
  say("Drover-Log-Offset", std::to_string(piece.offset));
  say("Drover-Log-Next", std::to_string(written.next));
  say("Drover-Log-Size", std::to_string(piece.size));
  say("Drover-Log-Complete", piece.complete ? "true" : "false");
  say("Drover-Log-Attempt", piece.attempt);
  say("Drover-Log-Line", written.line ? std::to_string(*written.line) : "");
  add_guards(answer, data_policy);
  co_return answer;
}

page_answer show_log_text(page_call& call) {
  parameters query;
  if (auto attempt = call.asked.parameter("attempt"); attempt && !attempt->empty())
    query["attempt"] = *attempt;
  auto answer = co_await ask_raw(
    call, segments("builds", call.captures[0], "steps", call.captures[1], "log"), std::move(query));
  if (answer.status < 300)
    answer.type = "text/plain; charset=utf-8"; // and `nosniff`: no browser takes it for a page
  add_guards(answer, data_policy);
  co_return answer;
}

} // namespace drover::pages
