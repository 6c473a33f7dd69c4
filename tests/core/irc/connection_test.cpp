// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_irc.hpp"
#include "tests/core/irc/script.hpp"

using namespace drover;
using namespace drover::core::irc;

TEST_CASE("irc connection: it dials at once, and again behind growing waits") {
  script irc;
  irc.keep(irc.link.tick(irc.now));
  CHECK(irc.take<dial>().size() == 1);
  moment longest{0};
  for (int i = 0; i < 12; ++i) {
    irc.keep(irc.link.closed("connection refused", irc.now));
    CHECK(irc.state().find("s: connection refused") != std::string::npos);
    auto begun = irc.now;
    while (irc.take<dial>().empty())
      irc.after(std::max(irc.link.wait(irc.now), moment{1}));
    longest = std::max(longest, irc.now - begun);
    CHECK(irc.now - begun <= limits::irc_reconnect_most);
  }
  CHECK(longest >= limits::irc_reconnect_most / 2);
}

TEST_CASE("irc connection: one that lasted makes the next wait short again") {
  script irc;
  for (int i = 0; i < 9; ++i) {
    irc.keep(irc.link.closed("refused", irc.now));
    irc.after(limits::irc_reconnect_most);
  }
  irc.settled();
  irc.hears("PING a");
  irc.now += limits::irc_settled_after;
  irc.keep(irc.link.closed("reset", irc.now));
  irc.after(limits::irc_reconnect_first);
  CHECK(irc.take<dial>().size() == 1);
}

TEST_CASE("irc connection: PING is answered at once, whatever waits") {
  script irc;
  irc.settled();
  irc.keep(irc.link.reply("#builds", sent(20, "x"), irc.now));
  CHECK(irc.hears("PING :a b") == sent{"PONG :a b"});
}

TEST_CASE("irc connection: a silent server is asked, then left") {
  script irc;
  irc.settled();
  CHECK(irc.after(limits::irc_silence_max) == sent{"PING drover"});
  irc.hears(":s PONG s drover");
  CHECK(irc.after(limits::irc_answer_timeout).empty());
  CHECK(irc.after(limits::irc_silence_max) == sent{"PING drover"});
  irc.after(limits::irc_answer_timeout);
  CHECK(irc.take<hang_up>().size() == 1);
  CHECK(irc.state().find("the server is silent for 100 s") != std::string::npos);
}

TEST_CASE("irc connection: the words of ERROR are the reason for its end") {
  script irc;
  irc.settled();
  irc.hears("ERROR :Closing link: too \x02many\x02 connections");
  irc.keep(irc.link.closed("end of stream", irc.now));
  CHECK(irc.state().find(": the server said: Closing link: too many connections")
        != std::string::npos);
}

TEST_CASE("irc saying: told once the server has answered PING behind the lines") {
  script irc;
  irc.settled();
  CHECK(irc.keep(irc.link.say(5, {"#builds"}, {"one", "two"}, irc.now))
        == sent{"PRIVMSG #builds one", "PRIVMSG #builds two", "PING drover-5"});
  CHECK(irc.take<told>().empty());
  irc.hears(":s PONG s :drover-4");
  CHECK(irc.take<told>().empty());
  irc.hears(":s PONG s :drover-5");
  CHECK(irc.take<told>() == std::vector<told>{{5, ""}});
}

TEST_CASE("irc saying: what the server did not take is told with its words") {
  script irc;
  irc.settled();
  irc.keep(irc.link.say(5, {"#builds"}, {"one"}, irc.now));
  irc.hears(":s 404 drover #builds :Cannot send to channel");
  irc.hears(":s PONG s :drover-5");
  CHECK(irc.take<told>() == std::vector<told>{{5, "#builds: Cannot send to channel"}});
}

TEST_CASE("irc saying: a connection that breaks first is a failure, so is a silent one") {
  script irc;
  irc.settled();
  irc.keep(irc.link.say(5, {"#builds"}, {"one"}, irc.now));
  SECTION("it breaks") {
    irc.keep(irc.link.closed("reset by peer", irc.now));
  }
  SECTION("it is dead and nobody says so") {
    irc.after(limits::irc_answer_timeout);
  }
  auto how = irc.take<told>();
  REQUIRE(how.size() == 1);
  CHECK(how[0].problem.find("the connection broke before the server had it") == 0);
}

TEST_CASE("irc saying: not before it is connected and in the channel") {
  script irc;
  irc.keep(irc.link.say(1, {"#builds"}, {"x"}, irc.now));
  CHECK(irc.take<told>() == std::vector<told>{{1, "not connected"}});
  irc.dialled();
  irc.hears(":s 001 drover :hi");
  irc.keep(irc.link.say(2, {"#builds"}, {"x"}, irc.now));
  CHECK(irc.take<told>() == std::vector<told>{{2, "not in #builds"}});
  irc.hears(":s 475 drover #builds :Cannot join channel (+k)");
  irc.keep(irc.link.say(3, {"#builds"}, {"x"}, irc.now));
  CHECK(irc.take<told>() == std::vector<told>{{3, "not in #builds: Cannot join channel (+k)"}});
}

TEST_CASE("irc saying: no faster than servers bear, and no more than can be said") {
  script irc;
  irc.settled();
  auto first = irc.keep(irc.link.reply("#builds", sent(50, "x"), irc.now));
  CHECK(first.size() == limits::irc_burst_lines - 1); // JOIN was one
  CHECK(irc.after(moment{999}).empty());
  CHECK(irc.after(moment{1}).size() == 1);
  CHECK(irc.after(3 * limits::irc_line_every).size() == 3);
  irc.keep(irc.link.say(9, {"#builds"}, sent(limits::irc_queue_lines_max, "x"), irc.now));
  CHECK(irc.take<told>() == std::vector<told>{{9, "too much waits to be said"}});
}

TEST_CASE("irc channels: one that does not let us in is tried again, and the state says why") {
  script irc;
  irc.dialled();
  irc.hears(":s 001 drover :hi");
  irc.hears(":s 471 drover #builds :Channel is full");
  CHECK(irc.state() == "connected to irc.example.org:6667; not in #builds: Channel is full");
  CHECK(irc.after(limits::irc_rejoin_first) == sent{"JOIN #builds"});
}

TEST_CASE("irc channels: kicked again and again, it comes back ever later") {
  script irc;
  irc.settled();
  moment last{0};
  for (int i = 0; i < 12; ++i) {
    irc.hears(":op!o@h KICK #builds drover :out");
    CHECK(irc.state().find("kicked by op (out)") != std::string::npos);
    auto begun = irc.now;
    while (irc.after(moment{1000}) != sent{"JOIN #builds"})
      irc.hears(":s PONG s x");
    last = irc.now - begun;
    irc.hears(":drover!d@h JOIN #builds");
  }
  CHECK(last >= limits::irc_rejoin_most / 2);
}

TEST_CASE("irc nick: the one that is wanted is taken as soon as it is free") {
  script irc;
  irc.dialled();
  irc.hears(":s 433 * drover :in use");
  irc.hears(":s 001 drover_ :hi");
  irc.hears(":drover_!d@h JOIN #builds");
  CHECK(irc.state()
        == "connected to irc.example.org:6667 as drover_ (drover is taken), in #builds");
  SECTION("its holder leaves") {
    CHECK(irc.hears(":drover!x@y QUIT :bye") == sent{"NICK drover"});
  }
  SECTION("its holder takes another") {
    CHECK(irc.hears(":drover!x@y NICK other") == sent{"NICK drover"});
  }
  SECTION("it is asked for now and then") {
    CHECK(irc.after(limits::irc_regain_every).back() == "NICK drover");
    CHECK(irc.hears(":s 433 drover_ drover :in use").empty());
  }
  irc.hears(":drover_!d@h NICK :drover");
  CHECK(irc.state() == "connected to irc.example.org:6667, in #builds");
}

TEST_CASE("irc hearing: only what people say to it, in its channels or in private") {
  script irc;
  irc.settled();
  auto heard_of = [&](const char* line) {
    irc.now += moment{10'000};
    irc.hears(line);
    return irc.take<heard>();
  };
  auto found = heard_of(":ann!a@h PRIVMSG #builds :Drover: status");
  REQUIRE(found.size() == 1);
  CHECK(found[0] == heard{{"ann", "a@h", std::nullopt}, "#builds", "status"});
  found = heard_of(":ann!a@h PRIVMSG drover :help me");
  REQUIRE(found.size() == 1);
  CHECK(found[0].channel.empty());
  CHECK(found[0].text == "help me");
  CHECK(heard_of(":ann!a@h PRIVMSG @#builds :drover, help").size() == 1);
  for (const auto* other :
       {":ann!a@h PRIVMSG #builds :hello all", ":ann!a@h PRIVMSG #builds :drovers: x",
        ":ann!a@h PRIVMSG #other :drover: help", ":ann!a@h NOTICE drover :help",
        ":ann!a@h NOTICE #builds :drover: help", ":irc.example.org PRIVMSG drover :help",
        ":drover!d@h PRIVMSG #builds :drover: help", ":ann!a@h PRIVMSG drover :\x01VERSION\x01",
        "@bot :bob!a@h PRIVMSG #builds :drover: help",
        "@batch=1 :ann!a@h PRIVMSG #builds :drover: help", ":ann!a@h PRIVMSG bob :help"})
    CHECK(heard_of(other).empty());
}

TEST_CASE("irc hearing: two bots can't talk each other to death") {
  script irc;
  irc.settled();
  for (int i = 0; i < 100; ++i)
    irc.hears(":bot!b@h PRIVMSG #builds :drover: I don't know that");
  CHECK(irc.take<heard>().size() == limits::irc_commands_burst);
}

TEST_CASE("irc accounts: by the tag, where the server promised one") {
  script irc;
  irc.dialled();
  irc.hears(":s CAP * LS :account-tag");
  irc.hears(":s CAP * ACK :account-tag");
  irc.hears(":s 001 drover :hi");
  irc.hears("@account=ann :x!a@h PRIVMSG drover :status");
  irc.hears(":x!a@h PRIVMSG drover :status");
  irc.hears(":s CAP drover DEL :account-tag");
  irc.hears("@account=ann :x!a@h PRIVMSG drover :status");
  auto found = irc.take<heard>();
  REQUIRE(found.size() == 3);
  CHECK(found[0].who.account == "ann");
  CHECK(found[1].who.account == "");
  CHECK_FALSE(found[2].who.account);
}

TEST_CASE("irc accounts: a tag that nobody promised proves nothing") {
  script irc;
  irc.settled();
  irc.hears("@account=ann :x!a@h PRIVMSG drover :status");
  auto found = irc.take<heard>();
  REQUIRE(found.size() == 1);
  CHECK_FALSE(found[0].who.account);
}

TEST_CASE("irc accounts: WHOIS is asked, and counts for the same person only") {
  script irc;
  irc.settled();
  CHECK(irc.keep(irc.link.identify(3, {"ann", "a@h", std::nullopt}, irc.now)) == sent{"WHOIS ann"});
  SECTION("signed in") {
    irc.hears(":s 311 drover ann a h * :Ann");
    irc.hears(":s 330 drover ann ann_account :is logged in as");
    irc.hears(":s 318 drover ann :End");
    CHECK(irc.take<identified>() == std::vector<identified>{{3, "ann_account"}});
  }
  SECTION("another one has the nick now") {
    irc.hears(":s 311 drover ann evil h2 * :Ann");
    irc.hears(":s 330 drover ann ann_account :is logged in as");
    irc.hears(":s 318 drover ann :End");
    CHECK(irc.take<identified>() == std::vector<identified>{{3, ""}});
  }
  SECTION("the nick was given up meanwhile") {
    irc.hears(":ann!a@h NICK other");
    CHECK(irc.take<identified>() == std::vector<identified>{{3, ""}});
    irc.hears(":s 330 drover ann ann_account :is logged in as");
    irc.hears(":s 318 drover ann :End");
    CHECK(irc.take<identified>().empty());
  }
  SECTION("the connection breaks") {
    irc.keep(irc.link.closed("reset", irc.now));
    CHECK(irc.take<identified>() == std::vector<identified>{{3, ""}});
  }
  SECTION("no answer") {
    irc.after(limits::irc_answer_timeout);
    CHECK(irc.take<identified>() == std::vector<identified>{{3, ""}});
  }
}
