// What an IRC server, and anybody through it, may send: lines from any bytes.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/irc/connection.hpp"
#include "schema/limits_irc.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace drover;
using namespace drover::core::irc;

bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos;
}

void check_message(std::string_view line) {
  auto read = parse(line);
  if (!read)
    return;
  fuzz::require(read->params.size() <= limits::irc_params_max, "parameters are bounded");
  auto written = core::irc::format(read->command, read->params); // std has one, too
  fuzz::require(is_one_line(written), "a line has no line ends");
  fuzz::require(written.size() + 2 <= limits::irc_line_bytes_max, "a line is short enough");
}

void check_text(std::string_view text) {
  auto plain = plain_text(text);
  for (char c : plain)
    fuzz::require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "controls are taken out");
  fuzz::require(plain_text(plain) == plain, "plain text stays as it is");
  for (const auto& line : as_lines(text, 3))
    fuzz::require(line.size() <= limits::irc_text_bytes_max && is_one_line(line),
                  "lines are bounded");
  fuzz::require(as_lines(text, 3).size() <= 3, "their number too");
}

void check_actions(const actions& all) {
  for (const auto& each : all)
    if (const auto* sent = std::get_if<send_line>(&each)) {
      fuzz::require(is_one_line(sent->line), "what is sent is one line");
      fuzz::require(sent->line.size() + 2 <= limits::irc_line_bytes_max, "and short enough");
      fuzz::require(sent->line.find("hush") == std::string::npos, "no password in the clear");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto bytes = fuzz::text_of(data, size);
  check_message(bytes);
  check_text(bytes);
  settings wanted;
  wanted.server = "irc.example.org:6667";
  wanted.channels = {"#builds"};
  wanted.account = "drover";
  wanted.password = "hush";
  wanted.nickserv = "NickServ";
  for (bool welcome_first : {false, true}) {
    connection link{wanted, 1};
    moment now{0};
    check_actions(link.tick(now));
    check_actions(link.connected(now));
    if (welcome_first)
      check_actions(link.received(":s 001 drover :hi", now));
    line_splitter splitter;
    for (const auto& line : splitter.take(bytes)) {
      now += moment{700};
      check_actions(link.received(line, now));
      check_actions(link.tick(now));
      check_actions(link.say(1, {"#builds"}, as_lines(line, 2), now));
    }
    check_actions(link.closed("end", now));
    fuzz::require(is_one_line(link.state(now)), "the state is one line");
  }
  return 0;
}
