// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_irc.hpp"
#include "tests/core/irc/script.hpp"

using namespace drover;
using namespace drover::core::irc;

namespace {

settings with_account() {
  auto out = script::plain_settings();
  out.encrypted = true;
  out.account = "drover";
  out.password = "hush";
  return out;
}

} // namespace

TEST_CASE("irc sign-in: a server without capabilities welcomes us") {
  script irc;
  CHECK(irc.dialled() == sent{"CAP LS 302", "NICK drover", "USER drover 0 * Drover"});
  CHECK(irc.state() == "signing in at irc.example.org:6667");
  CHECK(irc.hears(":s 421 * CAP :Unknown command").empty());
  CHECK(irc.hears(":s 001 drover :welcome") == sent{"JOIN #builds"});
  irc.hears(":drover!d@h JOIN #builds");
  CHECK(irc.state() == "connected to irc.example.org:6667, in #builds");
}

TEST_CASE("irc sign-in: of what is offered over several lines only what is of use is asked for") {
  script irc;
  irc.dialled();
  CHECK(irc.hears(":s CAP * LS * :multi-prefix sasl=PLAIN server-time").empty());
  CHECK(irc.hears(":s CAP * LS :account-tag away-notify") == sent{"CAP REQ account-tag"});
  CHECK(irc.hears(":s CAP * ACK :account-tag") == sent{"CAP END"});
}

TEST_CASE("irc sign-in: SASL PLAIN goes over TLS, and the welcome waits for it") {
  script irc{with_account()};
  irc.dialled();
  CHECK(irc.hears(":s CAP * LS :sasl=EXTERNAL,PLAIN account-tag")
        == sent{"CAP REQ :account-tag sasl"});
  CHECK(irc.hears(":s CAP * ACK :account-tag sasl") == sent{"AUTHENTICATE PLAIN"});
  // base64 of "drover\0drover\0hush"
  CHECK(irc.hears("AUTHENTICATE +") == sent{"AUTHENTICATE ZHJvdmVyAGRyb3ZlcgBodXNo"});
  CHECK(irc.hears(":s 900 * x drover :in").empty());
  CHECK(irc.hears(":s 903 * :done") == sent{"CAP END"});
  CHECK(irc.hears(":s 001 drover :hi") == sent{"JOIN #builds"});
}

TEST_CASE("irc sign-in: a server's own password goes before all else, and over TLS only") {
  auto wanted = script::plain_settings();
  wanted.password = "let me in";
  CHECK(script{wanted}.dialled().front() == "CAP LS 302");
  wanted.encrypted = true;
  script irc{wanted};
  CHECK(irc.dialled()
        == sent{"PASS :let me in", "CAP LS 302", "NICK drover", "USER drover 0 * Drover"});
  CHECK(irc.hears(":s CAP * LS :sasl=PLAIN") == sent{"CAP END"}); // there is no account
  CHECK(irc.hears(":s 001 drover :welcome") == sent{"JOIN #builds"});
}

TEST_CASE("irc sign-in: a long password goes out in pieces of 400 bytes with an end") {
  auto wanted = with_account();
  wanted.password = std::string(300 - 14, 'p'); // 300 bytes are 400 in base64
  script irc{wanted};
  irc.dialled();
  irc.hears(":s CAP * LS :sasl");
  irc.hears(":s CAP * ACK :sasl");
  auto lines = irc.hears("AUTHENTICATE +");
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].size() == std::string_view{"AUTHENTICATE "}.size() + limits::irc_sasl_piece_bytes);
  CHECK(lines[1] == "AUTHENTICATE +");
}

TEST_CASE("irc sign-in: the password never goes out in the clear") {
  auto wanted = with_account();
  wanted.encrypted = false;
  wanted.nickserv = "NickServ";
  script irc{wanted};
  irc.dialled();
  CHECK(irc.hears(":s CAP * LS :sasl") == sent{"CAP END"});
  CHECK(irc.hears(":s CAP * ACK :sasl") == sent{"AUTHENTICATE PLAIN"}); // nobody asked for that
  CHECK(irc.hears("AUTHENTICATE +").empty());
  CHECK(irc.hears(":s 001 drover :hi").empty());
  CHECK(irc.take<hang_up>().size() == 1);
}

TEST_CASE("irc sign-in: a refused account ends the connection and says so") {
  script irc{with_account()};
  irc.dialled();
  irc.hears(":s CAP * LS :sasl");
  irc.hears(":s CAP * ACK :sasl");
  irc.hears("AUTHENTICATE +");
  irc.hears(":s 904 * :SASL authentication failed");
  CHECK(irc.take<hang_up>().size() == 1);
  CHECK(irc.state().find("the server refused account 'drover': SASL authentication failed")
        != std::string::npos);
}

TEST_CASE("irc sign-in: NickServ takes the password only where it is named and there is no SASL") {
  auto wanted = with_account();
  SECTION("not named: the connection ends, with what to do") {
    script irc{wanted};
    irc.dialled();
    CHECK(irc.hears(":s CAP * LS :account-tag").empty());
    CHECK(irc.take<hang_up>().size() == 1);
    CHECK(irc.state().find("set nickserv: NickServ") != std::string::npos);
  }
  SECTION("named") {
    wanted.nickserv = "NickServ";
    script irc{wanted};
    irc.dialled();
    CHECK(irc.hears(":s CAP * LS :account-tag") == sent{"CAP REQ account-tag"});
    irc.hears(":s CAP * ACK :account-tag");
    CHECK(irc.hears(":s 001 drover :hi")
          == sent{"PRIVMSG NickServ :IDENTIFY drover hush", "JOIN #builds"});
  }
}

TEST_CASE("irc sign-in: capabilities refused together are asked for alone") {
  script irc{with_account()};
  irc.dialled();
  irc.hears(":s CAP * LS :sasl account-tag");
  CHECK(irc.hears(":s CAP * NAK :account-tag sasl") == sent{"CAP REQ sasl"});
  CHECK(irc.hears(":s CAP * NAK :sasl").empty());
  CHECK(irc.take<hang_up>().size() == 1);
}

TEST_CASE("irc sign-in: a nick that is taken gets tails, then a number") {
  script irc;
  irc.dialled();
  CHECK(irc.hears(":s 433 * drover :in use") == sent{"NICK drover_"});
  CHECK(irc.hears(":s 433 * drover_ :in use") == sent{"NICK drover__"});
  CHECK(irc.hears(":s 433 * drover__ :in use") == sent{"NICK drover___"});
  auto lines = irc.hears(":s 433 * drover___ :in use");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].rfind("NICK drover", 0) == 0);
  CHECK(lines[0].find('_') == std::string::npos);
}

TEST_CASE("irc sign-in: who does not welcome us in time is left") {
  script irc;
  irc.dialled();
  CHECK(irc.after(limits::irc_registration_timeout - moment{1}).empty());
  CHECK(irc.take<hang_up>().empty());
  irc.after(moment{1});
  CHECK(irc.take<hang_up>().size() == 1);
  CHECK(irc.state().find("retrying in ") == 0);
}
