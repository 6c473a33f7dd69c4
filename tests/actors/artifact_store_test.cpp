// SPDX-License-Identifier: Apache-2.0
#include "actors/artifact_store.hpp"
#include "schema/limits_room.hpp"
#include "tests/actors/farm_fixture.hpp"

using namespace drover;
using namespace drover::test;

namespace {

using listener = caf::typed_actor<caf::reacts_to<blob_piece>, caf::reacts_to<blob_stored>>;

// SHA-256 of "hello world" and of nothing.
const std::string hello_sha = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
const std::string empty_sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct artifact_fixture : farm_fixture {
  notebook told;
  listener host = spawn_scribe<listener>(told);
  artifact_store_actor uut = keep(system.spawn(artifact_store, settings));

  expected<uint64_t> piece(uint64_t upload, uint64_t offset, const std::string& bytes) {
    return *ask<expected<uint64_t>>(uut, upload_piece{upload, offset, bytes}).get();
  }

  void add(uint64_t upload, uint64_t offset, const std::string& bytes) {
    REQUIRE(piece(upload, offset, bytes));
  }

  expected<stored_blob> end(uint64_t upload) {
    return *ask<expected<stored_blob>>(uut, upload_end{upload}).get();
  }

  blob_piece read(const std::string& sha256, uint64_t offset) {
    tell(uut, blob_read{{{7}, sha256, offset}, host});
    return told.all<blob_piece>().back();
  }

  blob_stored write(const blob_part& part, const std::string& from = "h1") {
    tell(uut, blob_write{{from}, part, host});
    return told.all<blob_stored>().back();
  }
};

} // namespace

TEST_CASE_METHOD(artifact_fixture, "artifact store: an upload in pieces is named by its content") {
  CHECK(*piece(1, 0, "hello ") == 6);
  CHECK(*piece(1, 6, "world") == 11);
  auto blob = end(1);
  REQUIRE(blob);
  CHECK((*blob).sha256 == hello_sha);
  CHECK((*blob).size == 11);
  store->crash();
  auto back = read(hello_sha, 6);
  CHECK(back.bytes == "world");
  CHECK(back.total == 11);
  CHECK(back.problem.empty());
}

TEST_CASE_METHOD(artifact_fixture, "artifact store: an empty file is a blob too") {
  auto blob = end(1);
  REQUIRE(blob);
  CHECK((*blob).sha256 == empty_sha);
  CHECK((*blob).size == 0);
}

TEST_CASE_METHOD(artifact_fixture, "artifact store: uploads at once do not mix") {
  add(1, 0, "hello ");
  add(2, 0, "other");
  add(1, 6, "world");
  CHECK((*end(1)).sha256 == hello_sha);
  CHECK((*end(2)).size == 5);
}

TEST_CASE_METHOD(artifact_fixture, "artifact store: a piece in the wrong place is refused") {
  add(1, 0, "hello ");
  auto wrong = piece(1, 7, "world");
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == ec::bad_input);
  CHECK(*piece(1, 6, "world") == 11);
  CHECK((*end(1)).sha256 == hello_sha);
}

TEST_CASE_METHOD(artifact_fixture, "artifact store: an upload that was given up leaves nothing") {
  add(1, 0, "hello ");
  tell(uut, upload_abort{1});
  auto rest = piece(1, 6, "world");
  REQUIRE_FALSE(rest);
  CHECK(rest.error().code == ec::conflict);
}

TEST_CASE_METHOD(artifact_fixture,
                 "artifact store: too many uploads drop the one that was touched longest ago") {
  for (uint64_t upload = 1; upload <= limits::blobs_incoming_max; ++upload)
    add(upload, 0, "hello ");
  add(1, 6, "wor");
  add(1000, 0, "one more");
  CHECK_FALSE(piece(2, 6, "world"));
  CHECK(*piece(1, 9, "ld") == 11);
  CHECK((*end(1)).sha256 == hello_sha);
}

TEST_CASE_METHOD(artifact_fixture, "artifact store: a host's pieces are stored once") {
  auto first = write({{7}, hello_sha, 0, 11, "hello "});
  CHECK(first.offset == 6);
  CHECK_FALSE(first.durable);
  auto repeated = write({{7}, hello_sha, 0, 11, "hello "});
  CHECK(repeated.offset == 6);
  auto gap = write({{7}, hello_sha, 9, 11, "ld"});
  CHECK(gap.offset == 6);
  CHECK(gap.problem.empty());
  auto last = write({{7}, hello_sha, 6, 11, "world"});
  CHECK(last.durable);
  CHECK(last.offset == 11);
  auto asked = write({{7}, hello_sha, 0, 11, ""});
  CHECK(asked.durable);
}

TEST_CASE_METHOD(artifact_fixture, "artifact store: two hosts with one content do not mix it up") {
  write({{7}, hello_sha, 0, 11, "hello "}, "h1");
  CHECK(write({{8}, hello_sha, 0, 11, "hel"}, "h2").offset == 3);
  CHECK(write({{7}, hello_sha, 6, 11, "world"}, "h1").durable);
  CHECK(write({{8}, hello_sha, 3, 11, "lo "}, "h2").durable); // h1 has brought it
}

TEST_CASE_METHOD(artifact_fixture,
                 "artifact store: content that is not what it was named is refused") {
  auto answer = write({{7}, empty_sha, 0, 4, "fake"});
  CHECK_FALSE(answer.durable);
  CHECK(answer.problem == "the content changed while it was sent");
  CHECK_FALSE(read(empty_sha, 0).problem.empty());
}

TEST_CASE_METHOD(artifact_fixture,
                 "artifact store: a failing disk is said, and the next try works") {
  store->fail_next_commits(100);
  auto answer = write({{7}, hello_sha, 0, 11, "hello world"});
  CHECK_FALSE(answer.durable);
  CHECK_FALSE(answer.problem.empty());
  store->fail_next_commits(0);
  CHECK(write({{7}, hello_sha, 0, 11, "hello world"}).durable);
}

TEST_CASE_METHOD(artifact_fixture, "artifact store: while the disk is short, artifacts wait") {
  settings.room = [] { return core::store_room{8ull << 20, 1ull << 30}; };
  auto short_of = keep(system.spawn(artifact_store, settings));
  blob_part part{{7}, hello_sha, 0, 11, "hello world"};
  tell(short_of, blob_write{{"h1"}, part, host});
  CHECK(told.all<blob_stored>().empty());
  advance(limits::store_room_look);
  REQUIRE(told.all<blob_stored>().size() == 1);
  CHECK(told.all<blob_stored>().back().problem.empty());
  SECTION("and what nobody waits for is refused at once") {
    tell(short_of, blob_write{{"h1"}, part, host, false});
    REQUIRE(told.all<blob_stored>().size() == 2);
    CHECK(told.all<blob_stored>().back().problem.find("disk has 8.0 MiB free")
          != std::string::npos);
  }
}

TEST_CASE_METHOD(artifact_fixture,
                 "artifact store: what is not stored can't be read, and it says so") {
  CHECK(read(hello_sha, 0).problem == "the coordinator does not have this content");
}
