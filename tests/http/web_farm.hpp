#pragma once
// A scripted farm with its pages, and browsers that look at it.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/pages/pages.hpp"
#include "storage/users.hpp"
#include "tests/catch.hpp"
#include "tests/http/scripted_farm.hpp"

#include <nlohmann/json.hpp>

namespace drover::http::test {

using tree = nlohmann::json;

struct page_said {
  int status = 0;
  std::string head, body;
  /// The value of a header field; empty if it is not there.
  std::string field(const std::string& name) const {
    auto at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos)
      return "";
    at += name.size() + 4;
    return head.substr(at, head.find("\r\n", at) - at);
  }
  bool has(const std::string& text) const { return body.find(text) != std::string::npos; }
};

/// Sends what a browser sends, and keeps the session's cookie.
class browser {
public:
  explicit browser(uint16_t port, std::string address = "") : port_{port} {
    origin = "http://" + host();
    if (!address.empty())
      more = "X-Forwarded-For: " + address + "\r\n";
  }

  page_said get(const std::string& path) { return ask("GET", path, "", ""); }
  /// As a form; `csrf` is added if it is known.
  page_said post(const std::string& path, std::map<std::string, std::string> fields) {
    if (!csrf.empty())
      fields.emplace("csrf", csrf);
    std::string body;
    for (const auto& [name, value] : fields)
      body += (body.empty() ? "" : "&") + percent_encode(name) + "=" + percent_encode(value);
    auto from = origin.empty() ? "" : "Origin: " + origin + "\r\n";
    return ask("POST", path, "Content-Type: application/x-www-form-urlencoded\r\n" + from, body);
  }
  page_said sign_in(const std::string& name, const std::string& password) {
    csrf.clear();
    auto said = post("/login", {{"name", name}, {"password", password}});
    if (said.status == 303)
      learn_csrf();
    return said;
  }
  void learn_csrf() {
    auto page = get("/").body;
    static const std::string before = "name=\"csrf\" value=\"";
    auto at = page.find(before);
    csrf = at == std::string::npos ? "" : page.substr(at + before.size(), 43);
  }
  /// The request's first lines, with all that belongs to this browser; for streams.
  std::string head(const std::string& line) const {
    return line + " HTTP/1.1\r\nHost: " + host() + "\r\n" + more
           + (cookie.empty() ? "" : "Cookie: " + cookie + "\r\n");
  }
  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }

  std::string cookie, csrf, origin, more;

private:
  page_said ask(const std::string& method, const std::string& path, const std::string& fields,
                const std::string& body) {
    raw_client client{port_};
    client.send(head(method + " " + path) + "Connection: close\r\nContent-Length: "
                + std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body);
    auto answer = client.read_all();
    auto end = answer.find("\r\n\r\n");
    REQUIRE(end != std::string::npos);
    page_said out{std::stoi(answer.substr(9, 3)), answer.substr(0, end + 2),
                  answer.substr(end + 4)};
    if (auto set = out.field("Set-Cookie"); !set.empty())
      cookie = set.substr(0, set.find(';'));
    return out;
  }
  uint16_t port_;
};

/// With the accounts ann (force of check*) and root (admin), both with the password `password`, and
/// anyone may look.
class web_farm {
public:
  static constexpr auto password = "correct horse";
  scripted_farm farm;

private:
  std::shared_ptr<asio::io_context> loop_ = std::make_shared<asio::io_context>(1);
  std::unique_ptr<server> server_;

public:
  uint16_t port = 0;

  web_farm() {
    configure({{"anyone", {"view"}}, {"ann", {"force"}, {"check*"}}, {"root", {"admin"}}});
    auto parts = farm.parts_on(loop_);
    pages::site_parts site;
    site.farm = "test";
    site.desk = make_front_desk(parts);
    site.api = make_api(std::move(parts));
    server_settings settings;
    settings.loop = loop_;
    settings.port = 0;
    settings.handle = pages::make_pages(std::move(site));
    auto started = server::start(std::move(settings));
    if (!started)
      throw std::runtime_error{started.error().text};
    server_ = std::move(*started);
    port = server_->port();
    for (const auto* name : {"ann", "root"})
      add_user(name);
  }
  ~web_farm() { server_.reset(); }

  void add_user(const std::string& name) {
    tree wanted{{"name", name}, {"password", password}};
    auto made = farm.client.post("/api/v1/users", wanted.dump());
    REQUIRE(made);
    INFO(made->body);
    REQUIRE(made->status == 201);
  }
  /// Another configuration in force; builders check, check-more and docs.
  void configure(std::vector<user_spec> users) {
    auto live = std::make_shared<live_config>();
    live->generation = 1;
    live->config.users = std::move(users);
    for (const auto* name : {"check", "check-more", "docs"}) {
      builder_spec builder;
      builder.name = name;
      builder.steps.push_back({"test", "true", {}, {}, {}, {}});
      builder.params.push_back({"flags", param_kind::text, "-O2", false, {}, "for the compiler"});
      if (builder.name == "check-more") {
        builder.source = "trunk";
        builder.more_sources = {"candidates"};
      }
      live->config.builders.push_back(builder);
    }
    std::lock_guard<std::mutex> hold{farm.plan->mutex};
    farm.plan->live = live;
  }
  void put_build(uint64_t id, const std::string& builder, build_state state) {
    build_record build;
    build.id = {id};
    build.builder = builder;
    build.state = state;
    if (state == build_state::finished)
      build.outcome = result::failure;
    storage::write_batch batch;
    storage::put_build(batch, build);
    builder_spec recipe;
    recipe.name = builder;
    storage::put_recipe(batch, build.id, recipe);
    farm.commit(std::move(batch));
  }
  void put_change(uint64_t id, const std::string& source, const std::string& title) {
    change_record change;
    change.id = {id};
    change.source = source;
    change.identity = title;
    change.title = title;
    storage::write_batch batch;
    storage::put_change(batch, change);
    farm.commit(std::move(batch));
  }
  /// Something happens in the farm.
  void happen() {
    storage::write_batch batch;
    batch.events.push_back({});
    farm.commit(std::move(batch));
  }
  browser signed_in(const std::string& name) {
    browser out{port};
    REQUIRE(out.sign_in(name, password).status == 303);
    REQUIRE(out.csrf.size() == 43);
    return out;
  }
  tree events(const std::string& query) {
    return tree::parse(farm.client.get("/api/v1/events?" + query)->body)["events"];
  }
};

} // namespace drover::http::test
