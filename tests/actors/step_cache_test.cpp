// A step with a cache on its host: when it runs, when it does not, and what it hands over.
// SPDX-License-Identifier: Apache-2.0
#include "schema/limits_cache.hpp"
#include "tests/actors/host_fixture.hpp"

using namespace drover;
using namespace drover::test;

namespace {

/// A disk in memory; packing and restoring are scripted.
class fake_cache : public cache_port {
public:
  std::string digest(std::string_view text) const override { return "#" + std::string{text}; }
  expected<string_map> file_parts(const step_spec&, const prepared&) override { return files; }
  std::optional<failure> remember(const grant_token& token, const cache_memo& memo) override {
    memos[token] = memo;
    return std::nullopt;
  }
  std::optional<cache_memo> memo_of(const grant_token& token) const override {
    auto found = memos.find(token);
    return found == memos.end() ? std::nullopt : std::optional{found->second};
  }
  uint64_t fetched(const std::string& sha256) const override {
    auto found = parts.find(sha256);
    return found == parts.end() ? 0 : found->second.size();
  }
  std::optional<failure> add(const std::string& sha256, uint64_t offset,
                             std::string_view bytes) override {
    if (fetched(sha256) != offset)
      return failure{ec::conflict, "out of order"};
    parts[sha256] += bytes;
    return std::nullopt;
  }
  std::optional<failure> restore(const assignment& work, const prepared&,
                                 const packed_result& result) override {
    if (auto problem = std::exchange(restore_problem, std::nullopt))
      return problem;
    spool->attempts.at(work.token).log = parts.at(result.sha256);
    return std::nullopt;
  }
  expected<packed_result> pack(const grant_token&, const step_spec&, const prepared&) override {
    if (pack_problem)
      return *pack_problem;
    return packed_result{"packed", packed.size()};
  }
  expected<std::string> read(const std::string&, uint64_t offset, size_t max) override {
    return packed.substr(offset, max);
  }
  void discard(const std::string& sha256) override {
    parts.erase(sha256);
    discarded.push_back(sha256);
  }

  std::shared_ptr<fake_spool> spool;
  expected<string_map> files = string_map{{"workspace", "w:1"}};
  std::map<grant_token, cache_memo> memos;
  std::map<std::string, std::string> parts;
  std::optional<failure> restore_problem, pack_problem;
  std::string packed = "log and outputs";
  std::vector<std::string> discarded;
};

struct cached_fixture : host_fixture {
  std::shared_ptr<fake_cache> cache = std::make_shared<fake_cache>();
  grant_token token = token_of(7);

  cached_fixture() {
    cache->spool = spool;
    settings.cache = cache;
    start();
  }

  void order() {
    auto work = work_of(7);
    work.step.cache = {true, {}, {}, {"out/**"}};
    say(work);
  }
  void miss() { say(cache_answer{token, false, {}, 0, {}, "ran because nothing is kept"}); }
  void hit(uint64_t size = 6) { say(cache_answer{token, true, "kept", size, {3}, "from build 3"}); }
  void deliver(const std::string& bytes = "replay") {
    say(blob_piece{"kept", 0, bytes.size(), bytes, {}});
  }
  bool runs() const { return spool->attempts.at(token).starts > 0; }
  void finish(int32_t code = 0) {
    spool->print(token, "printed");
    spool->exit(token, exited(code));
    settle();
    say(log_durable{token, 0});
    say(log_durable{token, spool->log_size(token)});
  }
  attempt_ended ended() const {
    REQUIRE_FALSE(all<attempt_ended>().empty());
    return all<attempt_ended>().back();
  }
};

} // namespace

TEST_CASE_METHOD(cached_fixture, "step cache: the step waits for the farm's answer, then runs") {
  order();
  REQUIRE(all<cache_ask>().size() == 1);
  CHECK(all<cache_ask>()[0].parts.at("workspace") == "w:1");
  CHECK(all<cache_ask>()[0].parts.at("command") == "#make check");
  CHECK_FALSE(runs());
  advance_with_beats(limits::resend_after + 1s);
  CHECK(all<cache_ask>().size() > 1);
  miss();
  CHECK(runs());
}

TEST_CASE_METHOD(cached_fixture, "step cache: a hit ends the step with the kept log") {
  order();
  hit();
  REQUIRE(all<blob_want>().size() == 1);
  deliver();
  say(log_durable{token, 0});
  say(log_durable{token, 6});
  CHECK_FALSE(runs());
  CHECK(log_heard() == "replay");
  CHECK(ended().outcome == result::success);
  CHECK(ended().exit_code == 0);
  CHECK(ended().reused_from.value == 3);
  CHECK(ended().cache_note == "from build 3");
  CHECK(all<cache_keep>().empty());
}

TEST_CASE_METHOD(cached_fixture, "step cache: without an answer the step runs after its patience") {
  order();
  advance_with_beats(limits::cache_answer_patience + 2 * limits::resend_after);
  CHECK(runs());
}

TEST_CASE_METHOD(cached_fixture, "step cache: without a link it waits longer, but not for ever") {
  order();
  reachable = false;
  drop_link();
  advance(limits::cache_answer_patience + 10s);
  CHECK_FALSE(runs());
  advance(limits::cache_offline_patience);
  CHECK(runs());
}

TEST_CASE_METHOD(cached_fixture, "step cache: a link cut while a result comes is no loss") {
  order();
  hit();
  drop_link();
  advance(10s); // it connects again
  REQUIRE_FALSE(all<cache_ask>().empty());
  hit();
  CHECK_FALSE(all<blob_want>().empty());
  deliver();
  CHECK(spool->attempts.at(token).account);
  CHECK_FALSE(runs());
}

TEST_CASE_METHOD(cached_fixture, "step cache: a result that can't be had is asked for again") {
  order();
  hit();
  say(blob_piece{"kept", 0, 0, {}, "a piece is damaged"});
  CHECK(all<cache_ask>().size() == 2);
  CHECK_FALSE(runs());
  SECTION("the farm has dropped it") {
    miss();
  }
  SECTION("it stays so") {
    for (int i = 0; i < 2; ++i) {
      hit();
      say(blob_piece{"kept", 0, 0, {}, "a piece is damaged"});
    }
  }
  CHECK(runs());
}

TEST_CASE_METHOD(cached_fixture, "step cache: one that arrives damaged is fetched again") {
  order();
  cache->restore_problem = failure{ec::damaged, "it arrived damaged"};
  hit();
  deliver();
  CHECK_FALSE(runs());
  hit();
  deliver();
  CHECK(spool->attempts.at(token).account);
}

TEST_CASE_METHOD(cached_fixture, "step cache: a full disk makes the step run, half a result no") {
  order();
  SECTION("nothing was changed") {
    cache->restore_problem = failure{ec::io, "No space left on device"};
    hit();
    deliver();
    CHECK(runs());
  }
  SECTION("the workspace is spoilt") {
    cache->restore_problem = failure{ec::conflict, "out/x: Input/output error"};
    hit();
    deliver();
    CHECK_FALSE(runs());
    CHECK(spool->attempts.at(token).account->outcome == result::exception);
  }
}

TEST_CASE_METHOD(cached_fixture, "step cache: what ran well is handed over before it is reported") {
  order();
  miss();
  finish();
  CHECK(all<attempt_ended>().empty());
  say(blob_stored{"packed", 0, false, {}});
  std::string sent;
  for (const auto& part : all<blob_part>())
    sent += part.bytes;
  CHECK(sent == cache->packed);
  say(blob_stored{"packed", cache->packed.size(), true, {}});
  REQUIRE(all<cache_keep>().size() == 1);
  CHECK(all<cache_keep>()[0].sha256 == "packed");
  CHECK(all<cache_keep>()[0].parts == all<cache_ask>()[0].parts);
  CHECK(all<attempt_ended>().empty());
  say(cache_kept{token, {}});
  CHECK(ended().cache_note == "ran because nothing is kept");
  CHECK(cache->discarded == std::vector<std::string>{"packed"});
}

TEST_CASE_METHOD(cached_fixture, "step cache: what can't be kept is said and fails nothing") {
  order();
  miss();
  SECTION("no room here") {
    cache->pack_problem = failure{ec::io, "no room"};
  }
  finish();
  SECTION("the farm refuses the content") {
    say(blob_stored{"packed", 0, false, "no room"});
  }
  SECTION("the farm refuses the entry") {
    say(blob_stored{"packed", cache->packed.size(), true, {}});
    say(cache_kept{token, "no room"});
  }
  CHECK(ended().outcome == result::success);
  CHECK(ended().cache_note == "ran because nothing is kept; its result is not kept: no room");
}

TEST_CASE_METHOD(cached_fixture, "step cache: a farm that takes nothing holds nobody up for long") {
  order();
  miss();
  finish();
  SECTION("and does not answer") {
    advance_with_beats(limits::cache_progress_patience + 2 * limits::resend_after);
  }
  SECTION("and answers each time that it has nothing of it") {
    auto end = limits::cache_progress_patience + 2 * limits::resend_after;
    for (milliseconds passed{0}; passed < end; passed += limits::resend_after) {
      say(blob_stored{"packed", 0, false, {}});
      advance_with_beats(limits::resend_after);
    }
  }
  CHECK(ended().cache_note.find("the farm did not take it in time") != std::string::npos);
}

TEST_CASE_METHOD(cached_fixture, "step cache: a link cut while a result goes is no loss") {
  order();
  miss();
  finish();
  drop_link();
  advance(10s);
  say(blob_stored{"packed", cache->packed.size(), true, {}});
  REQUIRE_FALSE(all<cache_keep>().empty());
  drop_link(); // between the entry and its answer
  advance(10s);
  REQUIRE_FALSE(all<cache_keep>().empty());
  say(cache_kept{token, {}});
  say(log_durable{token, spool->log_size(token)});
  CHECK(ended().cache_note == "ran because nothing is kept");
}

TEST_CASE_METHOD(cached_fixture, "step cache: only what ended well is offered") {
  order();
  miss();
  finish(1);
  CHECK(ended().outcome == result::failure);
  CHECK(all<blob_part>().empty());
  CHECK(ended().cache_note == "ran because nothing is kept");
}

TEST_CASE_METHOD(cached_fixture, "step cache: a later agent hands over what an earlier one ran") {
  order();
  miss();
  restart();
  finish();
  say(blob_stored{"packed", cache->packed.size(), true, {}});
  REQUIRE(all<cache_keep>().size() == 1);
  CHECK(all<cache_keep>()[0].parts.at("workspace") == "w:1");
}

TEST_CASE_METHOD(cached_fixture, "step cache: a cancelled step neither runs nor is kept") {
  order();
  SECTION("while it asks") {
    say(cancel_attempt{token, "not wanted"});
    miss();
    hit();
    CHECK_FALSE(runs());
    CHECK(spool->attempts.at(token).account->outcome == result::cancelled);
  }
  SECTION("while it hands over") {
    miss();
    finish();
    say(cancel_attempt{token, "not wanted"});
    CHECK(all<cache_keep>().empty());
    CHECK(ended().outcome == result::success);
  }
}

TEST_CASE_METHOD(cached_fixture, "step cache: inputs that can't be counted make it run, not kept") {
  cache->files = failure{ec::refused, "they are more than 9 files"};
  order();
  CHECK(runs());
  finish();
  CHECK(all<cache_ask>().empty());
  CHECK(ended().cache_note
        == "ran because its inputs can't be looked at: they are more than 9 files");
}
