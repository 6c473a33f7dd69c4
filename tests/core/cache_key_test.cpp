// What a step's result depends on, and how differences are told.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/cache_bounds.hpp"
#include "actors/core/cache_key.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::core;

namespace {

std::string digest(std::string_view text) {
  return "<" + std::string{text} + ">";
}

assignment tuning() {
  assignment work;
  work.token = {{1, 2}, {{7}, {0}, {1}}};
  work.builder = "atlas";
  work.step.name = "tune";
  work.step.run = "./configure && make";
  work.step.env = {{"CFLAGS", "-O2"}};
  work.step.cache.on = true;
  work.step.cache.facts = {"cpu_model"};
  work.source.id = "atlas-3.10.tar.gz";
  work.source.revision = "r1";
  return work;
}

const host_facts a_host = {
  {"os", "linux"}, {"arch", "x86_64"}, {"cpu_model", "A"}, {"cores", "4"}, {"hostname", "h1"}};

string_map parts(const assignment& work, const host_facts& facts = a_host,
                 const string_map& env = {{"PATH", "/bin"}, {"HOME", "/root"}}) {
  return cache_parts(work, env, facts, digest);
}

cache_record entry(uint64_t build, string_map of, int64_t made_ms = 1) {
  cache_record one;
  one.key = std::string(64, static_cast<char>('a' + build % 6));
  one.build = {build};
  one.host = {"h1"};
  one.parts = std::move(of);
  one.made_at = one.used_at = {made_ms};
  return one;
}

} // namespace

TEST_CASE("cache key: what differs from run to run does not count") {
  auto first = parts(tuning());
  auto other = tuning();
  other.token = {{9, 9}, {{8}, {3}, {2}}};
  other.placement = 4;
  other.source.revision = "r2";
  other.step.timeout = milliseconds{1000};
  other.step.exclusive = true;
  auto facts = a_host;
  facts["cores"] = "64";
  facts["disk"] = "12";
  CHECK(parts(other, facts, {{"PATH", "/bin"}, {"HOME", "/home/me"}}) == first);
}

TEST_CASE("cache key: each thing that a result depends on makes another one") {
  auto was = cache_text(parts(tuning()));
  auto changed = [&](auto change) {
    auto work = tuning();
    change(work);
    return cache_text(parts(work)) != was;
  };
  CHECK(changed([](assignment& work) { work.step.run += " "; }));
  CHECK(changed([](assignment& work) { work.step.env["CFLAGS"] = "-O3"; }));
  CHECK(changed([](assignment& work) { work.step.env["NEW"] = ""; }));
  CHECK(changed([](assignment& work) { work.step.env.clear(); }));
  CHECK(changed([](assignment& work) { work.step.sandbox = true; }));
  CHECK(changed([](assignment& work) { work.step.pty = true; }));
  CHECK(changed([](assignment& work) { work.step.cache.outputs = {"x"}; }));
  CHECK(changed([](assignment& work) { work.step.cache.facts.push_back("gcc"); }));
  for (const auto* fact : {"os", "arch", "cpu_model"}) {
    auto facts = a_host;
    facts[fact] = "another";
    CHECK(cache_text(parts(tuning(), facts)) != was);
  }
  CHECK(cache_text(parts(tuning(), a_host, {{"PATH", "/usr/bin"}})) != was);
}

TEST_CASE("cache key: a variable of the farm counts where the command names it") {
  auto work = tuning();
  work.step.run = "make VERSION=${DROVER_REVISION}";
  auto named = parts(work);
  CHECK(named.at("variable DROVER_REVISION") == "<r1>");
  work.source.revision = "r2";
  CHECK(parts(work) != named);
  work.step.run = "./ci.sh $DROVER_BUILDER $DROVER_STEP";
  auto of_one = parts(work);
  work.builder += "2"; // whose result would be found under the other's name
  CHECK(parts(work) != of_one);
  of_one = parts(work);
  work.step.name += "2";
  CHECK(parts(work) != of_one);
  work.step.run = "make -j$DROVER_CORES # not DROVER_REVISION, nor $DROVER_REVISIONS";
  CHECK_FALSE(parts(work).contains("variable DROVER_REVISION"));
}

TEST_CASE("cache key: no two lists of parts give one text") {
  CHECK(cache_text({{"a", "b\n1:c"}}) != cache_text({{"a", "b"}, {"c", ""}}));
  CHECK(cache_text({{"ab", "c"}}) != cache_text({{"a", "bc"}}));
  CHECK(cache_text({}).empty());
}

TEST_CASE("cache key: values of variables are never shown") {
  auto work = tuning();
  work.step.env["TOKEN"] = "hush";
  auto was = parts(tuning());
  CHECK(cache_difference(was, parts(work)) == "variable TOKEN is new");
  for (const auto& [name, value] : cache_parts(work, {}, a_host, [](auto) { return "digest"; }))
    CHECK(value.find("hush") == std::string::npos);
}

TEST_CASE("cache key: what differs is said in a sentence") {
  auto was = parts(tuning());
  CHECK(cache_difference(was, was).empty());
  auto facts = a_host;
  facts["cpu_model"] = "B";
  CHECK(cache_difference(was, parts(tuning(), facts))
        == "cpu_model is 'B', the kept result is for 'A'");
  facts.erase("cpu_model");
  CHECK(cache_difference(was, parts(tuning(), facts))
        == "cpu_model is not there, the kept result is for 'A'");
  auto is = was;
  was["input src/**"] = files_value("d1", 3);
  is["input src/**"] = files_value("d2", 3);
  CHECK(cache_difference(was, is) == "input src/** changed (3 files)");
  is["input src/**"] = files_value("d2", 1);
  CHECK(cache_difference(was, is) == "input src/** changed (1 file, then 3)");
  is = was;
  for (const auto* name : {"variable A", "variable B", "variable C", "variable D", "command"})
    is[name] = "x";
  CHECK(cache_difference(was, is)
        == "its command changed; variable A is new; variable B is new; 2 more");
}

TEST_CASE("cache key: labels of the configuration hide facts, here too") {
  auto is = parts(tuning());
  overlay_labels(is, {{"cpu_model", "label"}, {"class", "fast"}});
  CHECK(is.at("fact cpu_model") == "label");
  CHECK_FALSE(is.contains("fact class"));
}

TEST_CASE("cache key: a miss is compared with the nearest entry, a hit says what it saves") {
  auto near = parts(tuning()), far = near, wanted = near;
  near["command"] = "other";
  far["command"] = "other";
  far["outputs"] = "other";
  CHECK(miss_note({}, wanted) == "ran because no result of this step is kept");
  CHECK(miss_note({entry(1, far, 9), entry(2, near, 5), entry(3, near, 4)}, wanted)
        == "ran because its command changed (compared with build 2)");
  auto hit = entry(12, wanted, 1'767'225'601'000);
  hit.took_ms = 63 * 60'000 + 5;
  CHECK(hit_note(hit) == "from build 12 on h1, 2026-01-01 00:00:01 UTC, saved 1 h 3 min");
  hit.took_ms = 185'000;
  CHECK(hit_note(hit).ends_with("saved 3 min 5 s"));
  hit.took_ms = 0;
  CHECK(hit_note(hit).ends_with("UTC"));
}

TEST_CASE("cache bounds: unused entries go, then those used longest ago") {
  auto made = [](uint64_t build, int64_t used, uint64_t size) {
    auto one = entry(build, {});
    one.used_at = {used};
    one.size = size;
    return one;
  };
  auto gone = [](const std::vector<cache_record>& of) {
    std::vector<uint64_t> builds;
    for (const auto& one : of)
      builds.push_back(one.build.value);
    return builds;
  };
  std::vector<cache_record> all{made(1, 10, 5), made(2, 30, 5), made(3, 20, 5)};
  using ids = std::vector<uint64_t>;
  CHECK(gone(entries_to_drop(all, {40}, {3, 15, milliseconds{100}})).empty());
  CHECK(gone(entries_to_drop(all, {40}, {2, 15, milliseconds{100}})) == ids{1});
  CHECK(gone(entries_to_drop(all, {40}, {3, 14, milliseconds{100}})) == ids{1});
  CHECK(gone(entries_to_drop(all, {40}, {3, 15, milliseconds{15}})) == ids{3, 1});
  CHECK(gone(entries_to_drop({made(9, 40, 16)}, {40}, {3, 15, milliseconds{100}})) == ids{9});
}
