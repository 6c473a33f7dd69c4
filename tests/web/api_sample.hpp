#pragma once
// What a farm's API would say to each question that a page asks: every field has something in it.
// SPDX-License-Identifier: Apache-2.0

#include <nlohmann/json.hpp>

#include <string>

namespace drover::pages::test {

using json = nlohmann::ordered_json;

inline json sample_build(int id, const std::string& state, const std::string& result) {
  return {{"id", id},
          {"builder", "hello"},
          {"state", state},
          {"result", result.empty() ? json(nullptr) : json(result)},
          {"reason", "step 'test' failed on h1 with exit code 1"},
          {"source", {{"kind", "tarball"}, {"id", "hello-2.12.tar.gz"}, {"sha256", "8d99"}}},
          {"campaign", "c3"},
          {"host", "h1"},
          {"pinned", "h1"},
          {"params", {{"CFLAGS", "-O2"}}},
          {"requested_by", "ann"},
          {"requested_because", "release candidate"},
          {"retry_of", 3},
          {"created_at", "2026-01-31T12:00:00.000Z"},
          {"started_at", "2026-01-31T12:00:01.000Z"},
          {"finished_at", result.empty() ? json(nullptr) : json("2026-01-31T12:01:00.000Z")}};
}

inline json sample_build_file() {
  auto out = sample_build(12, "finished", "failure");
  json attempt{{"number", 1},
               {"host", "h1"},
               {"state", "finished"},
               {"result", "failure"},
               {"reason", "it failed"},
               {"role", "repeats"},
               {"leftovers", "a sleep"},
               {"usage", {{"user_ms", 1200}, {"memory_peak", 4096}}},
               {"started_at", "2026-01-31T12:00:01.000Z"}};
  out["steps"] = json::array({{{"name", "test"},
                               {"index", 0},
                               {"state", "finished"},
                               {"result", "failure"},
                               {"exit_code", 1},
                               {"reason", "it failed"},
                               {"accepted", 1},
                               {"attempts", json::array({attempt, attempt})}}});
  return out;
}

inline json sample_host() {
  return {{"name", "h1"},
          {"state", "lost"},
          {"reason", "it is silent"},
          {"slots", {{"total", 2}, {"used", 1}}},
          {"facts", {{"os", "linux"}, {"arch", "x86_64"}}},
          {"labels", {{"room", "attic"}}},
          {"hold", {{"kind", "pause"}, {"by", "ann"}, {"reason", "new disk"}}},
          {"restarts", 1},
          {"last_seen_at", "2026-01-31T12:00:00.000Z"},
          {"attempts", json::array({{{"build", 12}, {"step", 0}, {"attempt", 1}}})}};
}

/// What a page asks that is a list.
inline json list_answers(const std::string& path) {
  if (path == "builders")
    return {{"builders", {{{"name", "hello"}}}}};
  if (path == "builders/hello")
    return {{"name", "hello"},
            {"source", "releases"},
            {"more_sources", {"trunk"}},
            {"on", "each_host"},
            {"requires", "ram > 4"},
            {"steps", {{{"name", "test"}, {"run", "make\nmake check"}}}},
            {"params",
             {{{"name", "CFLAGS"},
               {"kind", "text"},
               {"about", "flags"},
               {"default", "-O2"},
               {"choices", {"-O1", "-O2"}}}}}};
  if (path == "builders/hello/where")
    return {{"builder", "hello"},
            {"on", "any"},
            {"host", nullptr},
            {"reason", "waits for a free slot on h1"},
            {"evidence", {"h1: all slots are in use"}},
            {"hosts", {{{"name", "h1"}, {"state", "up"}, {"slots", {{"total", 2}, {"used", 2}}}}}}};
  if (path == "events")
    return {{"events",
             {{{"sequence", 9},
               {"at", "2026-01-31T12:00:00.000Z"},
               {"kind", "host_changed"},
               {"build", 12},
               {"builder", "hello"},
               {"step", "test"},
               {"host", "h1"},
               {"state", "lost"},
               {"by", "ann"},
               {"text", "it is silent"}}}}};
  if (path == "changes")
    return {{"changes",
             {{{"id", 1},
               {"source", "repo"},
               {"ref", {{"id", "repo"}, {"revision", "abcdef"}}},
               {"branch", "main"},
               {"author", "ann"},
               {"title", "Fix it"},
               {"note", "odd"},
               {"covers", {"12ab", "34cd"}},
               {"builds", {12}}}}}};
  if (path.size() > 4 && path.substr(path.size() - 4) == "/why")
    return {{"reason", "build 12 of hello failed: it did"}, {"evidence", {"line one", "line two"}}};
  return nullptr;
}

inline json sample_notice() {
  return {{"id", 7},
          {"reporter", "people"},
          {"kind", "problem"},
          {"state", "failed"},
          {"subject", "hello is red"},
          {"to", {"dev@example.org"}},
          {"thread", "farm-9"},
          {"build", 12},
          {"campaign", "c3"},
          {"builder", "hello"},
          {"host", "h1"},
          {"tries", 2},
          {"last_error", "550 no such user"},
          {"made_at", "2026-01-31T12:00:00.000Z"},
          {"done_at", "2026-01-31T12:00:05.000Z"}};
}

/// What pages ask of sources and notices.
inline json news_answers(const std::string& path) {
  if (path == "sources")
    return {{"sources",
             {{{"name", "trunk"},
               {"kind", "hg"},
               {"location", "https://hg.example.org/lib"},
               {"last_look", "2026-01-31T12:00:00.000Z"},
               {"last_error", "no route to upstream"},
               {"next_look", "2026-01-31T12:01:00.000Z"}}}}};
  if (path == "notices")
    return {{"notices", {sample_notice()}}, {"next", 7}};
  if (path == "notices/7") {
    auto out = sample_notice();
    out["text"] = "first line\nsecond line\n";
    return out;
  }
  return nullptr;
}

/// What a page beside those of builds asks.
inline json more_answers(const std::string& path) {
  if (auto news = news_answers(path); !news.is_null())
    return news;
  json cell{{"builder", "hello"},  {"host", "h1"},        {"class", nullptr},     {"build", 12},
            {"state", "finished"}, {"result", "failure"}, {"reason", "it failed"}};
  json hole{
    {"builder", "bye"}, {"class", "linux/arm64"}, {"build", nullptr}, {"reason", "no host"}};
  json campaign{{"id", "c3"},
                {"source", {{"id", "hello.tar.gz"}}},
                {"state", "running"},
                {"cells", json::array({cell, hole})},
                {"requested_by", "ann"},
                {"requested_because", "a release"}};
  if (path == "campaigns")
    return {{"campaigns", {campaign}}, {"next", nullptr}};
  if (path == "campaigns/c3")
    return campaign;
  if (path == "hosts")
    return {{"hosts", {sample_host()}}};
  if (path == "hosts/h1")
    return sample_host();
  if (path == "actors")
    return {{"actors",
             {{{"node", "coordinator"},
               {"name", "root"},
               {"kind", "coordinator"},
               {"state", "running"},
               {"restarts", 2},
               {"uptime_ms", 5000},
               {"activity", "waits"}},
              {{"node", "coordinator"},
               {"name", "reporter/people"},
               {"kind", "reporter"},
               {"state", "delivers 1 notice"}},
              {{"node", "coordinator"},
               {"name", "child"},
               {"kind", "build"},
               {"parent", "root"},
               {"state", "running"}}}}};
  return list_answers(path);
}

/// What the API says to each question, by its path.
inline json sample_answer(const std::string& path) {
  if (path == "builds")
    return {{"builds", {sample_build(12, "finished", "failure"), sample_build(11, "running", "")}},
            {"next", 11}};
  if (path == "builds/12")
    return sample_build_file();
  if (path == "builds/12/artifacts")
    return {{"artifacts", {{{"path", "out/hello.deb"}, {"sha256", "abcd"}, {"size", 17}}}}};
  if (path == "builds/12/tests")
    return {{"tests", {{{"name", "test_a"}, {"outcome", "failed"}, {"message", "1 != 2"}}}},
            {"counts", {{"failed", 1}}}};
  return more_answers(path);
}

} // namespace drover::pages::test
