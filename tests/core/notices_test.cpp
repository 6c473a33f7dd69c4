// SPDX-License-Identifier: Apache-2.0
#include "actors/core/authors.hpp"
#include "actors/core/json_text.hpp"
#include "actors/core/notices.hpp"
#include "schema/limits_notices.hpp"
#include "tests/core/explain_samples.hpp"

using namespace drover;
using namespace drover::core;

namespace {

reporter_spec mail_to(std::vector<std::string> to) {
  reporter_spec out;
  out.name = "people";
  out.kind = "mail";
  out.to = std::move(to);
  return out;
}

notice_record waiting_notice(uint64_t id, const std::string& thread, int64_t next_try = 0) {
  notice_record out;
  out.id = id;
  out.thread = thread;
  out.to = {"a@example.org"};
  out.made_at = noon;
  out.next_try = {next_try};
  return out;
}

notice_heading heading_of(notice_kind kind) {
  return {kind, "herd", "https://farm.example.org", "herd-1-1", noon};
}

} // namespace

// -- words ---------------------------------------------------------------------------------------

TEST_CASE("notices: a problem says what `drover why` says, where, since when, and where to look") {
  auto file = ended_by(result::failure, 2, "");
  problem_story story;
  story.builds = {file.build};
  story.places = {"linux/arm64"};
  story.why = explain_build(file, nullptr, {});
  change_record change;
  change.ref.revision = "0123456789abcdef";
  change.author = "Ann <ann@example.org>";
  change.title = "Make it faster";
  story.changes = {change};
  auto words = problem_words(heading_of(notice_kind::problem), story);
  CHECK(words.subject == "check is red on linux/arm64: step 'test' failed on h1 with exit code 2");
  CHECK(words.text.rfind(story.why.sentence + "\n", 0) == 0);
  CHECK(words.text.find("  0123456789ab by Ann: Make it faster\n") != std::string::npos);
  CHECK(words.text.find("Look: https://farm.example.org/builds/12\n") != std::string::npos);
  CHECK(words.text.find("Ask:  drover why 12\n") != std::string::npos);
  story.another_cause = true;
  CHECK(problem_words(heading_of(notice_kind::problem), story).subject
        == "check is still red on linux/arm64, by another cause: step 'test' failed on h1 with "
           "exit code 2");
}

TEST_CASE("notices: one cause on several hosts names them all") {
  auto file = ended_by(result::failure, 2, "");
  problem_story story;
  story.builds = {file.build, file.build};
  story.builds[1].id = {13};
  story.builds[1].host = {"h2"};
  story.places = {"h1", "h2"};
  story.why = explain_build(file, nullptr, {});
  auto words = problem_words(heading_of(notice_kind::problem), story);
  CHECK(words.subject.rfind("check is red on h1 and h2: ", 0) == 0);
  CHECK(words.text.find("The same cause in 2 builds:\n  build 12 of check on h1\n"
                        "  build 13 of check on h2\n")
        != std::string::npos);
}

TEST_CASE("notices: a recovery says how long it was red") {
  auto build = sample_build(build_state::finished, result::success).build;
  recovery_story story{build, {"h1"}, {noon.ms - 3'600'000}};
  auto words = recovery_words(heading_of(notice_kind::recovery), story);
  CHECK(words.subject.rfind("check is green again on h1: build 12 of check succeeded", 0) == 0);
  CHECK(words.text.find("It was red since 2026-01-31 11:00:00 UTC, for 1 h") != std::string::npos);
}

TEST_CASE("notices: a campaign's end has its table") {
  campaign_record campaign;
  campaign.id = {3};
  campaign.source.id = "foo-1.0.tar.gz";
  campaign.cells = {{"check", {"h1"}, "", {12}, ""}, {"slow", {"h2"}, "", {}, "h2 has no gcc"}};
  auto build = sample_build(build_state::finished, result::success).build;
  auto words = campaign_words(heading_of(notice_kind::finished), campaign, {build});
  CHECK(words.subject.rfind("campaign c3 of foo-1.0.tar.gz: 1 of 2 green, 1 hole", 0) == 0);
  CHECK(words.text.find("  check  h1  success    build 12\n  slow   h2  not built  h2 has no gcc\n")
        != std::string::npos);
  CHECK(words.text.find("Look: https://farm.example.org/campaigns/c3\n") != std::string::npos);
}

TEST_CASE("notices: whatever foreign text says, it ends no line and begins none") {
  const std::string foreign[] = {"a\r\nBcc: all@example.org",
                                 "a\nX: y",
                                 std::string{"a\0b", 3},
                                 "a\xE2\x80\xA8"
                                 "b\xE2\x80\xA9"
                                 "c",
                                 "\xE2\x80\xAEgnitirw",
                                 "\x1b[2J\x07",
                                 std::string(100'000, 'x'),
                                 "\xff\xfe\x80"};
  for (const auto& text : foreign) {
    auto file = ended_by(result::failure, 2, text);
    file.build.reason = text;
    file.build.source = {source_kind::git, text, "", text, 0};
    build_surroundings around;
    around.log_tail = "error: " + text;
    problem_story story;
    story.builds = {file.build, file.build};
    story.places = {text, text};
    story.why = explain_build(file, nullptr, around);
    change_record change;
    change.author = change.title = change.ref.revision = text;
    story.changes = {change};
    auto words = problem_words(heading_of(notice_kind::problem), story);
    CHECK(printable(words.subject, words.subject.size()) == words.subject);
    CHECK(words.subject.size() <= limits::reason_bytes_max);
    CHECK(words.text.size() < 16 * 1024);
    CHECK(words.text.find("\nBcc") == std::string::npos);
    CHECK(words.text.find("\nX: y") == std::string::npos);
    for (const auto& all : {words.text, words.payload})
      for (size_t at = 0, end = 0; at < all.size(); at = end + 1) {
        end = std::min(all.find('\n', at), all.size());
        auto line = all.substr(at, end - at);
        CHECK(printable(line, line.size()) == line);
      }
  }
}

TEST_CASE("json text: quotes, backslashes and line ends are escaped, other bytes are made UTF-8") {
  CHECK(json_quoted("a\"b\\c\nd") == "\"a\\\"b\\\\c\\nd\"");
  CHECK(json_quoted("\xff") == "\"\xEF\xBF\xBD\"");
  CHECK(json_quoted(std::string{"\0", 1}) == "\"\\\\x00\"");
  json_object out;
  out.text("a", "b").id("c", 0).number("d", 4).yes_no("e", true);
  CHECK(out.done() == R"({"a":"b","c":null,"d":4,"e":true})");
  CHECK(json_object{}.done() == "{}");
  CHECK(json_array{}.text("x").raw("1").done() == R"(["x",1])");
}

// -- who hears it --------------------------------------------------------------------------------

TEST_CASE("notices: a reporter hears of the kinds and builders that it names") {
  auto reporter = mail_to({"a@example.org"});
  CHECK(wants(reporter, notice_kind::problem, {"check"}));
  CHECK(wants(reporter, notice_kind::quarantined, {}));
  CHECK_FALSE(wants(reporter, notice_kind::finished, {"check"}));
  reporter.on = {"finished"};
  CHECK(wants(reporter, notice_kind::finished, {"check"}));
  CHECK_FALSE(wants(reporter, notice_kind::problem, {"check"}));
  CHECK(wants(reporter, notice_kind::test, {}));
  reporter.builders = {"slow-*"};
  CHECK_FALSE(wants(reporter, notice_kind::finished, {"check"}));
  CHECK(wants(reporter, notice_kind::finished, {"check", "slow-arm"}));
}

TEST_CASE("notices: mail is one notice for each address, authors among them where wanted") {
  notice_record common;
  auto notices = addressed(mail_to({"a@example.org", "authors", "a@example.org"}), common,
                           {"ann@example.org", "a@example.org"});
  REQUIRE(notices.size() == 2);
  CHECK(notices[0].to == std::vector<std::string>{"a@example.org"});
  CHECK(notices[1].to == std::vector<std::string>{"ann@example.org"});
  CHECK(addressed(mail_to({"a@example.org"}), common, {"ann@example.org"}).size() == 1);
  auto channel = mail_to({"#a", "#b"});
  channel.kind = "irc";
  CHECK(addressed(channel, common, {"ann@example.org"}).at(0).to.size() == 2);
}

TEST_CASE("notices: all whose work came with a push are told, each once") {
  change_record push;
  for (const char* one :
       {"Bob <bob@example.org>", "Ann; B <ann@example.org>", "nobody", "Bob <bob@example.org>", ""})
    CHECK(add_author(push.author, one));
  CHECK(push.author == "Bob <bob@example.org>; Ann, B <ann@example.org>; nobody");
  CHECK(authors_of({push, push}, {})
        == std::vector<std::string>{"bob@example.org", "ann@example.org"});
  CHECK_FALSE(add_author(push.author, std::string(limits::value_bytes_max, 'x')));
  CHECK(each_author(push.author).size() == 3);
  CHECK(each_author("").empty());
}

TEST_CASE("notices: an author's address is taken only if it is one and nothing else") {
  user_spec ann;
  ann.name = "ann";
  ann.mail = "ann@home.example.org";
  CHECK(author_address("Ann B <ann@example.org>", {}) == "ann@example.org");
  CHECK(author_address("ann@example.org", {}) == "ann@example.org");
  CHECK(author_address("ann", {ann}) == "ann@home.example.org");
  CHECK_FALSE(author_address("ann", {}));
  CHECK(author_name("Ann B <ann@example.org>") == "Ann B");
  CHECK(author_name("Ann B") == "Ann B");
  CHECK(author_name("<ann@example.org>") == "<ann@example.org>");
  CHECK(author_name("<b>Ann</b> <ann@example.org>") == "<b>Ann</b>");
  CHECK(author_name("").empty());
  CHECK(author_name("Ann B <ann@example.org>; Bob; <c@d>") == "Ann B, Bob, <c@d>");
  for (const char* bad :
       {"A <a@b\r\nBcc: c@d>", "A <a b@example.org>", "A <a@b>c@d>", "A <a@exa\nmple.org>",
        "A <\"a\"@example.org>", "A <a@example.org,b@example.org>", "A <@example.org>", "A <a@>",
        "A <-a@example.org>", "A <a@-x>", "A <a..b@example.org>", "A <a\xC3\xA4@example.org>", ""})
    CHECK_FALSE(author_address(bad, {}));
  CHECK_FALSE(is_plain_address("a@" + std::string(300, 'x')));
}

// -- delivery ------------------------------------------------------------------------------------

TEST_CASE("notices: those of one thread to one address are delivered in their order") {
  std::vector<notice_record> waiting{waiting_notice(1, "t", noon.ms + 5000), waiting_notice(2, "t"),
                                     waiting_notice(3, "u")};
  auto choice = choose_delivery(waiting, noon);
  CHECK(choice.notice == 2);
  waiting.pop_back();
  choice = choose_delivery(waiting, noon);
  CHECK_FALSE(choice.notice);
  CHECK(choice.wait == milliseconds{5000});
  waiting[1].to = {"b@example.org"};
  CHECK(choose_delivery(waiting, noon).notice == 1);
  CHECK_FALSE(choose_delivery({}, noon).wait);
}

TEST_CASE("notices: a clock that was set back does not keep a notice waiting") {
  std::vector<notice_record> waiting{waiting_notice(1, "t", noon.ms)};
  CHECK(choose_delivery(waiting, {noon.ms - 86'400'000}).notice == 0);
}

TEST_CASE("notices: tries are further and further apart and end after some days") {
  auto notice = waiting_notice(1, "t");
  auto now = noon;
  milliseconds last{0};
  for (uint32_t tries = 1; notice.state == notice_state::waiting; ++tries) {
    REQUIRE(tries < 1000);
    notice = after_try(notice, tried::later, "450 busy", now, 0);
    if (notice.state != notice_state::waiting)
      break;
    milliseconds wait{notice.next_try.ms - now.ms};
    CHECK(wait >= last);
    CHECK(wait <= limits::notice_retry_max);
    last = wait;
    now = notice.next_try;
  }
  CHECK(notice.state == notice_state::failed);
  CHECK(notice.last_error.find("450 busy") != std::string::npos);
  CHECK(milliseconds{now.ms - noon.ms} > limits::notice_age_max);
}

TEST_CASE("notices: an old one that a person asks for again is tried some times") {
  auto notice = waiting_notice(1, "t");
  wall_time much_later{noon.ms + 2 * limits::notice_age_max.count()};
  CHECK(after_try(notice, tried::later, "x", much_later, 0).state == notice_state::waiting);
  notice.tries = limits::notice_tries_min - 1;
  CHECK(after_try(notice, tried::later, "x", much_later, 0).state == notice_state::failed);
}

TEST_CASE("notices: what was refused for good is not tried again") {
  auto refused = after_try(waiting_notice(1, "t"), tried::never, "550 no such user", noon, 0);
  CHECK(refused.state == notice_state::failed);
  CHECK(refused.last_error == "550 no such user");
  auto done = after_try(waiting_notice(1, "t"), tried::delivered, "", noon, 0);
  CHECK(done.state == notice_state::delivered);
  CHECK(done.done_at == noon);
  CHECK(done.tries == 1);
}
