// The records in an attempt's folder and the folder's life: round trips, damage, half-written ones.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/disk_spool.hpp"
#include "nodes/spool_folder.hpp"
#include "tests/catch.hpp"
#include "tests/keeper/temp_folder.hpp"

#include <rapidcheck.h>

#include <cstdio>

using namespace drover;

namespace {

rc::Gen<std::string> any_text() {
  // Bytes that a format may trip over are common.
  return rc::gen::container<std::string>(rc::gen::weightedOneOf<char>(
    {{3, rc::gen::element('\n', '\0', ' ', '=', '1', '\xff')}, {2, rc::gen::arbitrary<char>()}}));
}

grant_token any_token() {
  return {{*rc::gen::arbitrary<uint64_t>(), *rc::gen::arbitrary<uint64_t>()},
          {{*rc::gen::arbitrary<uint64_t>()},
           {*rc::gen::arbitrary<uint32_t>()},
           {*rc::gen::arbitrary<uint32_t>()}}};
}

string_map any_map() {
  return *rc::gen::container<string_map>(any_text(), any_text());
}

assignment any_assignment() {
  assignment work;
  work.token = any_token();
  work.placement = *rc::gen::arbitrary<uint32_t>();
  work.builder = *any_text();
  work.step = {*any_text(),
               *any_text(),
               any_map(),
               milliseconds{*rc::gen::arbitrary<int32_t>()},
               milliseconds{*rc::gen::arbitrary<int32_t>()},
               *rc::gen::container<std::vector<std::string>>(any_text()),
               *rc::gen::arbitrary<bool>(),
               *rc::gen::arbitrary<bool>(),
               *rc::gen::arbitrary<bool>()};
  work.step.pty = *rc::gen::arbitrary<bool>();
  work.step.cache.on = *rc::gen::arbitrary<bool>();
  if (work.step.cache.on)
    work.step.cache = {true, {"src/**", ""}, {"cpu_model"}, {}};
  work.source = {*rc::gen::element(source_kind::none, source_kind::tarball, source_kind::set),
                 *any_text(), *any_text(), *any_text(), *rc::gen::arbitrary<uint64_t>()};
  return work;
}

keeper_order any_order() {
  keeper_order order;
  order.token = any_token();
  order.builder = *any_text();
  order.step = *any_text();
  order.run = *any_text();
  order.env = any_map();
  order.workspace = *any_text();
  order.timeout = milliseconds{*rc::gen::arbitrary<int32_t>()};
  order.silence = milliseconds{*rc::gen::arbitrary<int32_t>()};
  order.grace = milliseconds{*rc::gen::arbitrary<int32_t>()};
  order.log_bytes_max = *rc::gen::arbitrary<uint64_t>();
  order.pty = *rc::gen::arbitrary<bool>();
  order.outputs = *any_text();
  return order;
}

assignment work_of(uint32_t attempt) {
  assignment work;
  work.token = {{1, 0xfeed}, {{4}, {2}, {attempt}}};
  work.builder = "check";
  return work;
}

} // namespace

TEST_CASE("spool folder: records read back as they were written", "[spool]") {
  CHECK(rc::check("assignment", [] {
    auto work = any_assignment();
    auto back = decode_assignment(encode(work));
    RC_ASSERT(back.ok());
    RC_ASSERT(*back == work);
  }));
  CHECK(rc::check("order", [] {
    auto order = any_order();
    auto back = decode_order(encode(order));
    RC_ASSERT(back.ok());
    RC_ASSERT(*back == order);
  }));
  CHECK(rc::check("exit", [] {
    keeper_exit account{*rc::gen::element(result::success, result::timeout, result::exception),
                        *rc::gen::arbitrary<int32_t>(),
                        *any_text(),
                        {*rc::gen::arbitrary<int64_t>()},
                        {*rc::gen::arbitrary<int64_t>()},
                        *any_text()};
    account.out_empty = *rc::gen::arbitrary<bool>();
    auto back = decode_exit(encode(account));
    RC_ASSERT(back.ok());
    RC_ASSERT(*back == account);
  }));
}

TEST_CASE("spool folder: a changed or cut record is an error, never another value", "[spool]") {
  CHECK(rc::check("damage", [] {
    auto bytes = encode(any_order());
    if (*rc::gen::arbitrary<bool>()) {
      auto at = *rc::gen::inRange<size_t>(0, bytes.size());
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << *rc::gen::inRange(0, 8)));
    } else {
      bytes.resize(*rc::gen::inRange<size_t>(0, bytes.size()));
    }
    RC_ASSERT(!decode_order(bytes).ok());
  }));
  CHECK_FALSE(decode_order(encode(work_of(1))).ok());
}

namespace {

/// The record as a version wrote it that did not know the field at its end.
std::string without_last_field(const std::string& bytes, const std::string& kind,
                               const std::string& field) {
  auto begin = bytes.find('\n') + 1; // behind the heading
  auto end = bytes.rfind("\n" + field + " ") + 1;
  auto heading = "drover " + kind + " 1\n";
  auto head = heading + bytes.substr(begin, end - begin);
  uint64_t hash = 0xcbf29ce484222325u;
  for (char c : head)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  char sum[17];
  std::snprintf(sum, sizeof sum, "%016llx", static_cast<unsigned long long>(hash));
  return head + "sum " + sum + "\n";
}

} // namespace

TEST_CASE("spool folder: records of a version that knew no terminals are read", "[spool]") {
  keeper_order order;
  order.token = work_of(1).token;
  order.run = "make";
  order.lease = milliseconds{5};
  order.pty = true;
  auto old = decode_order(without_last_field(encode(order), "order", "pty"));
  REQUIRE(old.ok());
  order.pty = false;
  CHECK(*old == order);
  auto work = work_of(1);
  work.step.sandbox = true;
  work.step.pty = true;
  auto old_work = decode_assignment(without_last_field(encode(work), "assignment", "pty"));
  REQUIRE(old_work.ok());
  work.step.pty = false;
  CHECK(*old_work == work);
}

TEST_CASE("spool folder: names differ where tokens do", "[spool]") {
  CHECK(folder_name({{3, 0xab}, {{7}, {0}, {2}}}) == "3-ab-7-0-2");
  CHECK(rc::check("names", [] {
    auto a = any_token(), b = any_token();
    RC_ASSERT((folder_name(a) == folder_name(b)) == (a == b));
    RC_ASSERT(folder_name(a).find('/') == std::string::npos);
  }));
}

TEST_CASE("spool: what was entered is there for a later agent, oldest first", "[spool]") {
  temp_folder folder;
  {
    disk_spool spool{folder.path, "/nowhere/drover-keeper"};
    for (uint32_t attempt : {2u, 1u, 3u}) {
      REQUIRE_FALSE(spool.enter(work_of(attempt)));
      REQUIRE_FALSE(spool.enter(work_of(attempt))); // known already
    }
    spool.confirm(work_of(1).token, {77});
  }
  disk_spool spool{folder.path, "/nowhere/drover-keeper"};
  auto found = spool.list();
  REQUIRE(found.size() == 3);
  CHECK(found[0].work == work_of(2));
  CHECK(found[2].work == work_of(3));
  CHECK_FALSE(found[0].keeper_alive);
  CHECK_FALSE(found[0].keeper_started);
  CHECK_FALSE(found[0].confirmed);
  CHECK(found[1].confirmed);
  CHECK(found[1].confirmed_at == wall_time{77});
  CHECK(spool.log_size(work_of(1).token) == 0);
  CHECK((*spool.read_log(work_of(1).token, 0, 10)).empty());
  CHECK_FALSE(spool.read_log(work_of(9).token, 0, 10).ok());
}

TEST_CASE("spool: only a confirmed attempt is forgotten", "[spool]") {
  temp_folder folder;
  disk_spool spool{folder.path, "/nowhere/drover-keeper"};
  auto token = work_of(1).token;
  REQUIRE_FALSE(spool.enter(work_of(1)));
  spool.forget(token);
  REQUIRE(spool.find(token));
  spool.confirm(token, {1});
  spool.forget(token);
  CHECK_FALSE(spool.find(token));
  CHECK(std::filesystem::is_empty(folder.path));
}

TEST_CASE("spool: half-written folders go at the start, whole ones stay", "[spool]") {
  temp_folder folder;
  {
    disk_spool spool{folder.path, "/nowhere/drover-keeper"};
    REQUIRE_FALSE(spool.enter(work_of(1)));
    REQUIRE_FALSE(spool.enter(work_of(2)));
  }
  auto second = folder.path + "/" + folder_name(work_of(2).token);
  auto bytes = slurp(second + "/attempt");
  spill(second + "/attempt", bytes.substr(0, bytes.size() / 2));
  std::filesystem::create_directory(folder.path + "/1-feed-9-9-9");
  std::filesystem::create_directory(folder.path + "/.1-feed-9-9-8");
  disk_spool spool{folder.path, "/nowhere/drover-keeper"};
  REQUIRE(spool.list().size() == 1);
  CHECK(spool.list()[0].work == work_of(1));
  CHECK_FALSE(std::filesystem::exists(second));
  CHECK_FALSE(std::filesystem::exists(folder.path + "/.1-feed-9-9-8"));
}

TEST_CASE("spool: a keeper program that is not there is an error of the start", "[spool]") {
  temp_folder folder;
  disk_spool spool{folder.path, "/nowhere/drover-keeper"};
  REQUIRE_FALSE(spool.enter(work_of(1)));
  keeper_order order;
  order.token = work_of(1).token;
  auto problem = spool.start(order);
  REQUIRE(problem);
  CHECK(problem->text.find("/nowhere/drover-keeper: No such file") != std::string::npos);
  CHECK(spool.start({})->code == ec::not_found);
  bool gone = false;
  spool.watch(order.token, [&] { gone = true; });
  CHECK(gone);
}

TEST_CASE("spool: a damaged exit is replaced by the account of close", "[spool]") {
  temp_folder folder;
  disk_spool spool{folder.path, "/nowhere/drover-keeper"};
  auto token = work_of(1).token;
  REQUIRE_FALSE(spool.enter(work_of(1)));
  spill(spool.folder_of(token) + "/keeper", "drover exit 1\nresult 1\n1\nsum 0\n");
  CHECK_FALSE(spool.exit_of(token));
  keeper_exit account{result::exception, -1, "the exit record was damaged", {1}, {2}, {}};
  REQUIRE_FALSE(spool.close(token, account));
  CHECK(*spool.exit_of(token) == account);
}
