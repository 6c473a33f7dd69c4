// SPDX-License-Identifier: Apache-2.0
#include "actors/core/irc/commands.hpp"
#include "actors/core/irc/watches.hpp"
#include "schema/limits_irc.hpp"
#include "tests/catch.hpp"

#include <algorithm>

using namespace drover;
using namespace drover::core::irc;

namespace {

/// A farm as it stands in memory.
struct small_farm : farm_view {
  farm_config setup;
  std::vector<build_record> all; ///< newest first
  std::vector<host_view> herd;
  std::vector<change_record> news;

  expected<farm_config> config() const override { return setup; }
  expected<std::vector<host_view>> hosts() const override { return herd; }
  expected<std::vector<build_record>> builds(const std::string& builder,
                                             size_t rows) const override {
    std::vector<build_record> out;
    for (const auto& each : all)
      if ((builder.empty() || each.builder == builder) && out.size() < rows)
        out.push_back(each);
    return out;
  }
  expected<std::optional<build_record>> build(build_id id) const override {
    for (const auto& each : all)
      if (each.id == id)
        return std::optional{each};
    return std::optional<build_record>{};
  }
  expected<std::vector<change_record>> changes(const std::string& source,
                                               size_t rows) const override {
    std::vector<change_record> out;
    for (const auto& each : news)
      if ((source.empty() || each.source == source) && out.size() < rows)
        out.push_back(each);
    return out;
  }
  expected<core::explanation> why(build_id id) const override {
    if (id.value > 100)
      return failure{ec::not_found, "there is no build " + std::to_string(id.value)};
    return core::explanation{"build 2 of docs failed: step 'make' exited with 2",
                             {"first error: x.c:3: missing ;", "b", "c", "d", "e"}};
  }
  expected<core::explanation> why(const host_view& host) const override {
    return core::explanation{"host " + host.record.name.value + " is lost", {}};
  }
};

build_record make_build(uint64_t id, const char* builder, build_state state, result outcome) {
  build_record out;
  out.id = {id};
  out.builder = builder;
  out.state = state;
  out.outcome = outcome;
  out.finished_at = {1'800'000'000'000};
  return out;
}

small_farm make_farm() {
  small_farm out;
  for (const auto* name : {"check", "docs"}) {
    builder_spec builder;
    builder.name = name;
    builder.source = "main";
    out.setup.builders.push_back(builder);
  }
  out.setup.users = {{"ann", {"force"}, {"check*"}, "", "ann_account"},
                     {"boss", {"admin"}, {}, "", "Boss"},
                     {"vera", {"view"}, {}, "", "vera"},
                     {"nobody", {"admin"}, {}, "", ""}};
  out.all = {make_build(4, "check", build_state::running, result::none),
             make_build(3, "check", build_state::finished, result::success),
             make_build(2, "docs", build_state::finished, result::failure)};
  host_view host;
  host.record.name = {"h1"};
  host.record.facts = {{"os", "linux"}, {"arch", "x86_64"}};
  out.herd.push_back(host);
  change_record change;
  change.id = {12};
  change.source = "main";
  change.ref.kind = source_kind::git;
  change.ref.revision = "3f2a1bcd0123456789";
  change.author = "eve";
  change.title = "Fix\r\nQUIT :gone";
  out.news.push_back(change);
  return out;
}

asker in_channel(std::optional<std::string> account = std::nullopt) {
  return {"ann", "#builds", std::move(account)};
}

std::string said(const answer& given) {
  std::string all;
  for (const auto& line : given.lines)
    all += (all.empty() ? "" : "\n") + line;
  return all;
}

std::string said(std::string_view text, const asker& who = in_channel("ann_account")) {
  auto given = answer_to(text, who, make_farm());
  CHECK_FALSE(given.asked);
  return said(given);
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("irc commands: help lists all of them and tells each") {
  auto all = said("help");
  for (const auto* command :
       {"help", "list", "status", "last", "watch", "why", "host", "force", "stop", "retry"}) {
    CHECK(has(all, command));
    CHECK(has(said("help " + std::string{command}), command));
  }
  CHECK(has(said("help fly"), "there is no command 'fly'"));
  CHECK(has(said(""), "say 'help'"));
  CHECK(has(said("fly \x03"
                 "4to\r\nQUIT"),
            "I don't know 'fly'"));
}

TEST_CASE("irc commands: lists, states and reasons are open in a channel") {
  auto anybody = in_channel();
  CHECK(said("list builders", anybody) == "builders: check (success), docs (failure)");
  CHECK(has(said("list hosts", anybody), "h1"));
  CHECK(has(said("list changes", anybody), "12 main 3f2a1bcd0123 by eve: Fix"));
  CHECK(has(said("list", anybody), "say: list builders|hosts|changes"));
  auto status = said("STATUS", anybody);
  CHECK(has(status, "running: 1, waiting: 0"));
  CHECK(has(status, "build 2 of docs failed"));
  CHECK_FALSE(has(status, "build 3 "));
  CHECK(has(said("status check", anybody), "build 4 of check is running"));
  CHECK(has(said("status check", anybody), "last: build 3 of check"));
  CHECK(has(said("last docs", anybody), "build 2 of docs failed"));
  CHECK(has(said("last", anybody), "build 3 of check"));
  CHECK(has(said("why 2", anybody), "first error"));
  CHECK(has(said("why docs", anybody), "build 2 of docs failed"));
  CHECK(has(said("why h1", anybody), "host h1 is lost"));
  CHECK(has(said("why 999", anybody), "sorry: there is no build 999"));
  CHECK(has(said("why x", anybody), "neither a build nor a host nor a builder 'x'"));
  CHECK(has(said("host h1", anybody), "os linux, arch x86_64"));
  CHECK(has(said("host h2", anybody), "there is no host 'h2'"));
  CHECK(has(said("status x", anybody), "there is no builder 'x'; there is check or docs"));
}

TEST_CASE("irc commands: in private only who is known is answered, and asked for help anybody") {
  asker stranger{"eve", "", std::nullopt};
  CHECK_FALSE(answer_to("help", stranger, make_farm()).needs_account);
  CHECK(answer_to("status", stranger, make_farm()).needs_account);
  stranger.account = "";
  CHECK(has(said("status", stranger), "you are not signed in"));
  stranger.account = "eve";
  CHECK(has(said("status", stranger), "your account 'eve' is no user of the farm's"));
  stranger.account = "VERA";
  CHECK(has(said("status", stranger), "running: 1"));
}

TEST_CASE("irc rights: orders are by account, never by nick") {
  auto farm = make_farm();
  CHECK(answer_to("force check try", in_channel(), farm).needs_account);
  CHECK(answer_to("stop 4 why", in_channel(), farm).needs_account);
  CHECK(answer_to("retry 3 why", in_channel(), farm).needs_account);
  CHECK(has(said("force check try", in_channel("")), "you are not signed in"));
  CHECK(has(said("force check try", in_channel("ann")), "your account 'ann' is no user"));
  CHECK(has(said("force check try", in_channel("vera")), "you (vera) may not order"));
  CHECK(has(said("force docs try", in_channel("ann_account")), "may not order builds of 'docs'"));
  CHECK(has(said("retry 2 why", in_channel("ann_account")), "may not order builds of 'docs'"));
  auto given = answer_to("force check trying the fix", in_channel("Ann_Account"), farm);
  REQUIRE(given.asked);
  CHECK(given.asked->by == "irc:ann");
  CHECK(given.asked->reason == "trying the fix");
  CHECK(std::get<force_order>(given.asked->what) == force_order{"check", {}, {}, {}});
}

TEST_CASE("irc rights: they are those of the pages") {
  for (const auto* order : {"force docs try", "stop 2 why", "retry 2 why"})
    CHECK(has(said(order, in_channel("ann_account")), "may not order builds of 'docs'"));
  auto farm = make_farm();
  farm.setup.users.push_back({"anyone", {"admin"}, {}, "", "crowd"}); // may look, whatever it says
  auto given = answer_to("force check try", in_channel("crowd"), farm);
  CHECK_FALSE(given.asked);
  CHECK(has(said(given), "you (anyone) may not order"));
}

TEST_CASE("irc force: settings stand before the reason") {
  auto farm = make_farm();
  auto given = answer_to("force docs source=3f2a host=h1 RELEASE=yes LEVEL= to see = it",
                         in_channel("boss"), farm);
  REQUIRE(given.asked);
  auto wanted = std::get<force_order>(given.asked->what);
  CHECK(wanted.source.revision == "3f2a1bcd0123456789");
  CHECK(wanted.host == "h1");
  CHECK(wanted.params == string_map{{"RELEASE", "yes"}, {"LEVEL", ""}});
  CHECK(given.asked->reason == "to see = it");
  CHECK(has(said("force docs", in_channel("boss")), "please say why"));
  CHECK(has(said("force docs A=b", in_channel("boss")), "please say why"));
  CHECK(has(said("force docs source=99 x", in_channel("boss")), "no change '99' among"));
  CHECK(has(said("force docs host=../x x", in_channel("boss")), "host"));
  CHECK(has(said("force fly x", in_channel("boss")), "there is no builder 'fly'"));
  CHECK(has(said("force"), "say: force BUILDER"));
}

TEST_CASE("irc stop and retry: of a build that there is, with a reason") {
  auto farm = make_farm();
  auto given = answer_to("stop 4 wrong tarball", in_channel("ann_account"), farm);
  REQUIRE(given.asked);
  CHECK(std::get<stop_order>(given.asked->what).build == build_id{4});
  CHECK(given.asked->reason == "wrong tarball");
  given = answer_to("retry 2 network is back", in_channel("boss"), farm);
  REQUIRE(given.asked);
  CHECK(std::get<again_order>(given.asked->what).build == build_id{2});
  CHECK(has(said("stop 4"), "please say why"));
  CHECK(has(said("stop check x"), "'check' is no build's number"));
  CHECK(has(said("stop 99 x"), "there is no build 99"));
  CHECK(has(said("stop"), "say: stop BUILD REASON"));
}

TEST_CASE("irc watch: by number or by builder, while it lasts") {
  auto farm = make_farm();
  auto given = answer_to("watch check", in_channel(), farm);
  REQUIRE(given.watch);
  CHECK(given.watch->build == build_id{4});
  CHECK(answer_to("watch 4", in_channel(), farm).watch);
  CHECK(has(said("watch 3"), "it is over: build 3 of check"));
  CHECK(has(said("watch docs"), "it is over: build 2 of docs failed"));
  CHECK(has(said("watch 77"), "there is no build 77"));
}

TEST_CASE("irc watches: told once to each, and bounded") {
  watches all;
  asker ann{"ann", "#builds", {}};
  asker bob{"bob", "", {}};
  CHECK(all.add({1}, ann).empty());
  CHECK(all.add({1}, ann).empty());
  CHECK(all.add({1}, bob).empty());
  CHECK(all.add({2}, bob).empty());
  CHECK(all.take({1}).size() == 2);
  CHECK(all.take({1}).empty());
  CHECK(all.size() == 1);
  for (uint64_t id = 10; all.add({id}, ann).empty(); ++id)
    REQUIRE(id < 1000);
  CHECK(all.size() == 1 + limits::irc_watches_each_max);
}

TEST_CASE("irc answers: one line each, harmless, and few") {
  asker ann{"ann", "#builds", {}};
  auto lines = as_reply(ann, {"a\r\nQUIT :x", "\x02"
                                              "b"});
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "ann: a  QUIT :x");
  CHECK(lines[1] == "b");
  std::vector<std::string> many(40, "x");
  CHECK(as_reply(ann, many).size() == limits::irc_answer_lines_max);
  CHECK(as_reply({"bob", "", {}}, many).size() == limits::irc_private_lines_max);
  CHECK(as_reply({"bob", "", {}}, {"x"})[0] == "x");
}
