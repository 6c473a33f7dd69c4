// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_workspaces.hpp"
#include "tests/actors/host_fixture.hpp"

using namespace drover;
using namespace drover::test;
using namespace std::chrono_literals;

namespace {

struct workspace_fixture : host_fixture {
  /// A tarball of the coordinator's; `workspaces` knows what its digest stands for.
  source_ref tarball(const std::string& bytes) {
    source_ref source{source_kind::tarball, "zlib.tar.gz", "sha-zlib", "", bytes.size()};
    workspaces->contents[source.sha256] = bytes;
    return source;
  }

  blob_piece piece_at(const source_ref& source, uint64_t offset) const {
    const auto& bytes = workspaces->contents.at(source.sha256);
    return {source.sha256, offset, bytes.size(), bytes.substr(offset, limits::blob_piece_bytes),
            ""};
  }

  /// Answers what was asked for, from the `first` question on, until nothing is asked any more.
  size_t serve(const source_ref& source, size_t first = 0) {
    for (; first < all<blob_want>().size(); ++first)
      say(piece_at(source, all<blob_want>()[first].offset));
    return first;
  }

  std::string outcome_text() const {
    auto ended = all<attempt_ended>();
    if (ended.size() != 1)
      return std::to_string(ended.size()) + " results";
    return std::string{ended[0].outcome == result::failure ? "failure: " : "exception: "}
           + ended[0].reason;
  }

  /// Stores what is handed over, as the coordinator would, until nothing comes any more.
  std::map<std::string, std::string> store_parts() {
    std::map<std::string, std::string> stored;
    for (size_t i = 0; i < all<blob_part>().size(); ++i) {
      auto part = all<blob_part>()[i];
      auto& content = stored[part.sha256];
      if (part.offset == content.size())
        content += part.bytes;
      say(blob_stored{part.sha256, content.size(), content.size() == part.total, ""});
    }
    return stored;
  }
};

const std::string three_pieces(2 * limits::blob_piece_bytes + 100, 'z');

} // namespace

TEST_CASE_METHOD(workspace_fixture,
                 "workspace: a source is fetched, unpacked, then the step runs") {
  start();
  auto source = tarball(three_pieces);
  say(work_of(7, source));
  REQUIRE(all<blob_want>().size() == 3);
  CHECK(all<blob_want>()[2] == blob_want{{7}, source.sha256, 2 * limits::blob_piece_bytes});
  CHECK(spool->attempts.at(token_of(7)).starts == 0);
  serve(source);
  CHECK(workspaces->has_source({7}, 1));
  CHECK(spool->attempts.at(token_of(7)).starts == 1);
}

TEST_CASE_METHOD(workspace_fixture, "workspace: pieces may come out of order and twice") {
  start();
  auto source = tarball(three_pieces);
  say(work_of(7, source));
  for (uint64_t piece : {2, 2, 1, 1, 0, 0})
    say(piece_at(source, piece * limits::blob_piece_bytes));
  CHECK(spool->attempts.at(token_of(7)).starts == 1);
}

TEST_CASE_METHOD(workspace_fixture, "workspace: builds that wait for one source fetch it once") {
  start();
  auto source = tarball(three_pieces);
  say(work_of(7, source));
  say(work_of(8, source));
  CHECK(all<blob_want>().size() == 3);
  serve(source);
  CHECK(spool->attempts.at(token_of(7)).starts == 1);
  CHECK(spool->attempts.at(token_of(8)).starts == 1);
  CHECK(workspaces->installs == 2);
}

TEST_CASE_METHOD(workspace_fixture, "workspace: a download goes on where the connection broke") {
  start();
  auto source = tarball(three_pieces);
  say(work_of(7, source));
  say(piece_at(source, 0));
  drop_link();
  advance(limits::reconnect_max);
  REQUIRE(all<blob_want>().size() == 2);
  CHECK(all<blob_want>()[0].offset == limits::blob_piece_bytes);
  serve(source);
  CHECK(spool->attempts.at(token_of(7)).starts == 1);
}

TEST_CASE_METHOD(workspace_fixture, "workspace: a restarted agent goes on with a download") {
  start();
  auto source = tarball(three_pieces);
  say(work_of(7, source));
  say(piece_at(source, 0));
  restart();
  CHECK(all<blob_want>().size() == 2);
  serve(source);
  CHECK(spool->attempts.at(token_of(7)).starts == 1);
}

TEST_CASE_METHOD(workspace_fixture, "workspace: a lost piece is asked for again") {
  start();
  auto source = tarball("abc");
  say(work_of(7, source));
  REQUIRE(all<blob_want>().size() == 1);
  advance_with_beats(limits::resend_after);
  CHECK(all<blob_want>().size() == 2);
}

TEST_CASE_METHOD(workspace_fixture, "workspace: a broken archive fails the step and says so") {
  start();
  auto source = tarball("broken archive");
  say(work_of(7, source));
  serve(source);
  say(log_durable{token_of(7), 0});
  CHECK(outcome_text() == "failure: source: zlib.tar.gz: truncated gzip input");
}

TEST_CASE_METHOD(workspace_fixture, "workspace: a damaged download is fetched once more") {
  start();
  auto source = tarball("good archive");
  say(work_of(7, source));
  auto damaged = piece_at(source, 0);
  damaged.bytes[0] = 'x';
  say(damaged);
  REQUIRE(all<blob_want>().size() == 2);
  SECTION("and then used") {
    serve(source, 1);
    CHECK(spool->attempts.at(token_of(7)).starts == 1);
  }
  SECTION("and then given up: the farm's fault") {
    say(damaged);
    say(log_durable{token_of(7), 0});
    CHECK(
      outcome_text()
      == "exception: source: zlib.tar.gz arrived damaged 2 times: zlib.tar.gz: SHA-256 differs");
  }
}

TEST_CASE_METHOD(workspace_fixture, "workspace: a source that the farm has lost is an exception") {
  start();
  auto source = tarball("abc");
  say(work_of(7, source));
  say(blob_piece{source.sha256, 0, 0, "", "no such blob"});
  say(log_durable{token_of(7), 0});
  CHECK(outcome_text() == "exception: source: zlib.tar.gz: no such blob");
}

TEST_CASE_METHOD(workspace_fixture, "workspace: a source without content is refused clearly") {
  start();
  say(work_of(7, {source_kind::hg, "trunk", "", "0123", 0}));
  say(log_durable{token_of(7), 0});
  CHECK(outcome_text() == "exception: source: the farm named no content for source 'trunk'");
}

TEST_CASE_METHOD(workspace_fixture, "workspace: artifacts are handed over, each content once") {
  start();
  run(7);
  workspaces->outputs = {{"big", three_pieces}, {"copy", three_pieces}, {"empty", ""}};
  say(close_build{{7}, 1, true, {"out/**"}});
  CHECK(all<build_closed>().empty());
  auto stored = store_parts();
  CHECK(stored.size() == 2);
  CHECK(stored.at("sha of " + three_pieces.substr(0, 20)) == three_pieces);
  REQUIRE(all<build_closed>().size() == 1);
  auto closed = all<build_closed>()[0];
  CHECK(closed.artifacts.size() == 3);
  CHECK(closed.problem.empty());
  CHECK_FALSE(workspaces->made.contains({{7}, 1}));
  for (const auto& part : all<blob_part>())
    CHECK(part.bytes.size() <= limits::blob_piece_bytes);
}

TEST_CASE_METHOD(workspace_fixture, "workspace: a repeated close is answered with the same words") {
  start();
  run(7);
  workspaces->outputs = {{"a", "content"}};
  say(close_build{{7}, 1, true, {}});
  say(close_build{{7}, 1, true, {}}); // not done yet: one answer for both
  store_parts();
  say(close_build{{7}, 1, true, {}});
  auto closed = all<build_closed>();
  REQUIRE(closed.size() == 2);
  CHECK(closed[0] == closed[1]);
  CHECK(closed[0].artifacts.size() == 1);
}

TEST_CASE_METHOD(workspace_fixture, "workspace: what the coordinator has is not sent again") {
  start();
  run(7);
  workspaces->outputs = {{"a", "content"}};
  say(close_build{{7}, 1, true, {}});
  REQUIRE(all<blob_part>().size() == 1);
  CHECK(all<blob_part>()[0].bytes.empty());
  say(blob_stored{"sha of content", 7, true, ""});
  CHECK(all<blob_part>().size() == 1);
  CHECK(all<build_closed>().size() == 1);
}

TEST_CASE_METHOD(workspace_fixture,
                 "workspace: a reconnect goes on with the part that is missing") {
  start();
  run(7);
  workspaces->outputs = {{"a", "content"}};
  say(close_build{{7}, 1, true, {}});
  drop_link();
  advance(limits::reconnect_max);
  REQUIRE(all<blob_part>().size() == 1);
  say(blob_stored{"sha of content", 4, false, ""});
  REQUIRE(all<blob_part>().size() == 2);
  CHECK(all<blob_part>()[1] == blob_part{{7}, "sha of content", 4, 7, "ent"});
  say(blob_stored{"sha of content", 7, true, ""});
  CHECK(all<build_closed>().size() == 1);
}

TEST_CASE_METHOD(workspace_fixture, "workspace: a refused artifact is named, the others are kept") {
  start();
  run(7);
  workspaces->outputs = {{"a", "first"}, {"b", "second"}};
  say(close_build{{7}, 1, true, {}});
  say(blob_stored{"sha of first", 0, false, "too large"});
  say(blob_stored{"sha of second", 6, true, ""});
  REQUIRE(all<build_closed>().size() == 1);
  CHECK(all<build_closed>()[0].problem == "artifact a is missing: too large");
  REQUIRE(all<build_closed>()[0].artifacts.size() == 1);
  CHECK(all<build_closed>()[0].artifacts[0].path == "b");
}

TEST_CASE_METHOD(workspace_fixture, "workspace: a close without artifacts only releases") {
  start();
  run(7);
  workspaces->outputs = {{"a", "content"}};
  say(close_build{{7}, 1, false, {}});
  REQUIRE(all<build_closed>().size() == 1);
  CHECK(all<build_closed>()[0].artifacts.empty());
  CHECK(all<build_closed>()[0].problem.empty());
  CHECK(workspaces->made.empty());
}

TEST_CASE_METHOD(workspace_fixture,
                 "workspace: an agent that died after the removal says the same words again") {
  start();
  run(7);
  workspaces->outputs = {{"a", "content"}};
  say(close_build{{7}, 1, true, {}});
  store_parts();
  auto before = all<build_closed>();
  REQUIRE(before.size() == 1);
  REQUIRE(before[0].artifacts.size() == 1);
  restart();
  say(close_build{{7}, 1, true, {}});
  auto after = all<build_closed>();
  REQUIRE(after.size() == 1);
  CHECK(after[0] == before[0]);
}

TEST_CASE_METHOD(workspace_fixture,
                 "workspace: an agent that died before the removal removes it when asked again") {
  start();
  run(7);
  build_closed before{{7}, 1, {{"a", "sha of content", 7}}, ""};
  workspaces->remember_answer(before);
  restart();
  say(close_build{{7}, 1, true, {}});
  REQUIRE(all<build_closed>().size() == 1);
  CHECK(all<build_closed>()[0] == before);
  CHECK_FALSE(workspaces->made.contains({{7}, 1}));
}

TEST_CASE_METHOD(workspace_fixture,
                 "workspace: an old answer is not given for a new build in the same place") {
  start();
  workspaces->remember_answer({{7}, 1, {{"a", "sha of old", 3}}, ""});
  run(7);
  workspaces->outputs = {};
  say(close_build{{7}, 1, true, {}});
  REQUIRE(all<build_closed>().size() == 1);
  CHECK(all<build_closed>()[0].artifacts.empty());
}

TEST_CASE_METHOD(workspace_fixture, "workspace: an unknown build is closed with a problem") {
  start();
  say(close_build{{9}, 1, true, {}});
  REQUIRE(all<build_closed>().size() == 1);
  CHECK(all<build_closed>()[0].problem == "the workspace is gone");
}

TEST_CASE_METHOD(workspace_fixture, "workspace: artifacts beyond the order's bound are left out") {
  start();
  run(7);
  workspaces->outputs = {{"a", "12345"}, {"b", "1234567"}, {"c", "123"}, {"copy of a", "12345"}};
  say(close_build{{7}, 1, true, {}, 10});
  auto stored = store_parts();
  CHECK(stored.size() == 2);
  REQUIRE(all<build_closed>().size() == 1);
  auto closed = all<build_closed>()[0];
  REQUIRE(closed.artifacts.size() == 3);
  CHECK(closed.artifacts[1].path == "c");
  CHECK(closed.problem
        == "kept 3 of 4 artifacts: together they have 15 bytes, and limits.artifacts_per_build "
           "allows 10");
}

TEST_CASE_METHOD(workspace_fixture, "workspace: artifacts that just fit are all handed over") {
  start();
  run(7);
  workspaces->outputs = {{"a", "12345"}, {"b", "54321"}};
  say(close_build{{7}, 1, true, {}, 10});
  store_parts();
  REQUIRE(all<build_closed>().size() == 1);
  CHECK(all<build_closed>()[0].artifacts.size() == 2);
  CHECK(all<build_closed>()[0].problem.empty());
}

TEST_CASE_METHOD(workspace_fixture, "workspace: that of a failed build is kept for people") {
  start();
  auto token = run(7);
  spool->exit(token, exited(2));
  settle();
  say(result_durable{token});
  SECTION("once its build is over") {}
  SECTION("also after a restart of the agent") {
    restart();
  }
  say(close_build{{7}, 1, true, {}});
  REQUIRE(all<build_closed>().size() == 1);
  REQUIRE(workspaces->kept.size() == 1);
  CHECK(workspaces->kept[0].builder == "check");
  CHECK(workspaces->kept[0].why == "build 7, step test: exit code 2");
  advance_with_beats(limits::care_every);
  CHECK(workspaces->held().empty());
  drop_link();
  advance(limits::reconnect_max);
  CHECK(greetings.back().workspaces.empty());
  CHECK(greetings.back().facts["kept_workspaces"]
        == "1 of failed builds, 100 bytes: /spot/7-1 (check, build 7, step test: exit code 2)");
}

TEST_CASE_METHOD(workspace_fixture, "workspace: that of a good or a cancelled build is removed") {
  start();
  auto token = run(7);
  auto account = exited(0);
  SECTION("good") {}
  SECTION("cancelled") {
    account.outcome = result::cancelled;
  }
  spool->exit(token, account);
  settle();
  say(result_durable{token});
  say(close_build{{7}, 1, true, {}});
  CHECK(workspaces->kept.empty());
  CHECK(workspaces->made.empty());
}

TEST_CASE_METHOD(workspace_fixture, "workspace: old ones go when a new one needs the space") {
  workspaces->kept = {
    {core::spare_kind::failed_workspace, "3-1", "/3-1", "docs", "", 100, 1, false},
    {core::spare_kind::failed_workspace, "4-1", "/4-1", "all", "", 100, 2, false}};
  start();
  workspaces->disk = {1000, 100'000, 1050};
  run(7);
  REQUIRE(workspaces->kept.size() == 1);
  CHECK(workspaces->kept[0].name == "4-1");
  CHECK(workspaces->made.contains({{7}, 1}));
}

TEST_CASE_METHOD(workspace_fixture, "workspace: a disk that stays short is told while it is") {
  start();
  run(7);
  workspaces->disk = {1000, 100'000, 2000};
  advance_with_beats(limits::care_every);
  CHECK(workspaces->made.contains({{7}, 1})); // in use: never
  REQUIRE(all<hello>().size() == 1);
  CHECK(all<hello>()[0].facts["disk_short"].find("only 1000 bytes are free") == 0);
  workspaces->disk.free = 3000;
  advance_with_beats(limits::care_every);
  REQUIRE(all<hello>().size() == 2);
  CHECK_FALSE(all<hello>()[1].facts.contains("disk_short"));
}
