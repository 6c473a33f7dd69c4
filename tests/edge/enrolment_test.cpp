// Machines that want a certificate, and what comes at the same door.
// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/certificate_book.hpp"
#include "actors/edge/certify.hpp"
#include "actors/edge/enrolment_call.hpp"
#include "actors/edge/first_bytes.hpp"
#include "actors/edge/issuing.hpp"
#include "actors/edge/renewal.hpp"
#include "schema/limits_enrolment.hpp"
#include "tests/edge/stranger.hpp"

#include <capnp/message.h>
#include <capnp/serialize-async.h>

#include <future>
#include <thread>

using namespace drover;
using namespace drover::test;

namespace {

/// An enroller that gives to whoever says "good", and tells the test what it was asked.
enroller_actor::behavior_type scripted_enroller(enroller_actor::pointer,
                                                mailbag<enrolment_ask> asked,
                                                std::shared_ptr<authority_port> authority) {
  return {
    [asked, authority](const enrolment_ask& what) -> expected<enrolment_grant> {
      asked.push(what);
      if (!what.is_proven && what.request.secret != "good")
        return failure{ec::refused, "the token is not known"};
      wall_time until{(std::time(nullptr) + 3600) * int64_t{1000}};
      auto made = authority->issue(what.request.request, {what.request.name}, until);
      if (!made)
        return made.error();
      return enrolment_grant{made->pem, authority->certificate(), "example", until, {{"a", "b"}}};
    },
    [](const revoke_host&) -> expected<accepted> { return accepted{}; },
    [](const end_join_token&) -> expected<accepted> { return accepted{}; },
    [](atom::describe) { return actor_entry{}; },
  };
}

struct enrolment_fixture : farm_fixture {
  enrolment_fixture() {
    auto opened = open_authority(folder / "farm");
    REQUIRE(opened.ok());
    authority = *opened;
    enroller = system.spawn(scripted_enroller, asked, authority);
    listener_settings settings{"127.0.0.1:0", coordinator_key_files(folder / "farm"), coordinator};
    settings.enroller = enroller;
    settings.book = book;
    auto again = listener::open(farm_loop, settings);
    REQUIRE(again.ok());
    door = std::move(*again);
    auto found = key_fingerprint(authority->certificate());
    REQUIRE(found.ok());
    fingerprint = *found;
    std::filesystem::create_directories(folder / "keys");
  }

  enrolment_request request_of(const std::string& name, const std::string& secret) {
    auto der = make_request(folder / "keys/host.key");
    REQUIRE(der.ok());
    return {secret, name, *der, "1.0"};
  }

  /// With the keys in `folder`/keys, until it is welcome.
  void join_by_grant(host_end& host, coordinator_end& end, const std::string& name) {
    host.agent = system.spawn(take_agent_news, host.news);
    host.link = connect_farm(host_loop, {address(), host_key_files(folder / "keys")},
                             greeting_of(name), host.agent);
    meet(end);
    caf::anon_send(end.link, end.listener);
    caf::anon_send(end.link, farm_message{some_welcome()});
    CHECK(host.expect_welcome() == some_welcome());
  }

  std::shared_ptr<authority_port> authority;
  mailbag<enrolment_ask> asked;
  enroller_actor enroller;
  std::shared_ptr<certificate_book> book =
    std::make_shared<certificate_book>(std::vector<host_identity>{});
  std::string fingerprint;
};

} // namespace

TEST_CASE_METHOD(enrolment_fixture,
                 "enrolment: a machine with a token gets keys that let it join") {
  auto given = ask_to_join(address(), fingerprint, request_of("vega", "good"));
  REQUIRE(given.ok());
  CHECK(given->farm == "example");
  CHECK(given->labels == string_map{{"a", "b"}});
  REQUIRE_FALSE(keep_grant(folder / "keys", *given));
  host_end host;
  coordinator_end end;
  join_by_grant(host, end, "vega");
}

TEST_CASE_METHOD(enrolment_fixture, "enrolment: a farm that is not the token's hears no secret") {
  std::string other(64, 'a');
  auto given = ask_to_join(address(), other, request_of("vega", "good"));
  REQUIRE_FALSE(given.ok());
  CHECK(given.error().text.find("another farm") != std::string::npos);
  CHECK(given.error().text.find("nothing was sent") != std::string::npos);
  CHECK(asked.empty());
}

TEST_CASE_METHOD(enrolment_fixture, "enrolment: a farm that shows another's authority is refused") {
  // Its authority's certificate fits the token, its own does not fit the authority: an impostor who
  // copied what the real farm tells everybody.
  REQUIRE_FALSE(make_farm_keys(folder / "impostor"));
  std::filesystem::copy_file(folder / "farm/ca.crt", folder / "impostor/ca.crt",
                             std::filesystem::copy_options::overwrite_existing);
  auto own = load_pair(folder / "impostor/coordinator.crt", folder / "impostor/coordinator.key");
  REQUIRE(own.ok());
  auto keys = coordinator_key_files(folder / "impostor");
  listener_settings settings{"127.0.0.1:0", keys, coordinator};
  settings.enroller = enroller;
  CHECK_FALSE(listener::open(farm_loop, settings).ok()); // our own program would not start so
}

TEST_CASE_METHOD(enrolment_fixture, "enrolment: a wrong token is refused in words, after a while") {
  auto start = std::chrono::steady_clock::now();
  auto given = ask_to_join(address(), fingerprint, request_of("vega", "bad"));
  REQUIRE_FALSE(given.ok());
  CHECK(given.error().text == "the token is not known");
  CHECK(std::chrono::steady_clock::now() - start >= limits::enrolment_refusal_delay);
}

TEST_CASE_METHOD(enrolment_fixture, "enrolment: names that are none are refused before the farm") {
  for (const auto* name : {"", "../up", "a b", ".hidden", "vega\n"}) {
    auto given = ask_to_join(address(), fingerprint, request_of(name, "good"));
    REQUIRE_FALSE(given.ok());
  }
  CHECK(asked.empty());
  auto coordinator_name =
    ask_to_join(address(), fingerprint, request_of(coordinator_common_name, "good"));
  CHECK_FALSE(coordinator_name.ok());
}

TEST_CASE_METHOD(enrolment_fixture, "enrolment: without a token nobody renews") {
  auto given = ask_to_join(address(), fingerprint, request_of("vega", ""));
  REQUIRE_FALSE(given.ok());
  CHECK(asked.empty());
}

TEST_CASE_METHOD(enrolment_fixture, "enrolment: a host renews for itself and for nobody else") {
  auto keys = load_keys(keys_of("h1"));
  REQUIRE(keys.ok());
  auto renew = [&](const std::string& name) {
    auto request = request_of(name, "");
    std::promise<expected<enrolment_grant>> done;
    kj::Promise<void> work = nullptr;
    host_loop.run([&] {
      work = ask_to_renew(host_loop.io(), address(), *keys, request)
               .then([&](expected<enrolment_grant> given) { done.set_value(std::move(given)); })
               .eagerlyEvaluate(nullptr);
    });
    auto given = done.get_future().get();
    host_loop.run([&] { work = nullptr; });
    return given;
  };
  CHECK(renew("h1").ok());
  CHECK(asked.pop().is_proven);
  auto other = renew("h2");
  REQUIRE_FALSE(other.ok());
  CHECK(other.error().text.find("came with the certificate of 'h1'") != std::string::npos);
  CHECK(asked.empty());
}

TEST_CASE_METHOD(enrolment_fixture, "enrolment: what is no request is dropped, and hosts go on") {
  stranger peer;
  peer.address = address();
  SECTION("another greeting") {
    auto stream = peer.plain();
    write_all(*stream, "DROVERx\n").wait(peer.io.waitScope);
    CHECK(peer.is_closed(*stream));
  }
  SECTION("a greeting that ends in the middle") {
    auto stream = peer.plain();
    write_all(*stream, "DRO").wait(peer.io.waitScope);
    stream->shutdownWrite();
    CHECK(peer.is_closed(*stream));
  }
  SECTION("silence inside the exchange ends in its time") {
    auto stream = peer.plain();
    write_all(*stream, std::string{join_greeting}).wait(peer.io.waitScope);
    CHECK(peer.is_closed(*stream)); // the TLS handshake never comes
  }
  check_that_hosts_join(*this);
}

TEST_CASE_METHOD(enrolment_fixture, "enrolment: a huge request is dropped unread") {
  stranger peer;
  peer.address = address();
  auto stream = peer.plain();
  write_all(*stream, std::string{join_greeting}).wait(peer.io.waitScope);
  auto length = kj::heapArray<kj::byte>(4);
  stream->read(length.begin(), 4).wait(peer.io.waitScope);
  size_t size = size_t{length[2]} << 8 | length[3];
  auto pem = kj::heapArray<char>(size);
  stream->read(pem.begin(), size).wait(peer.io.waitScope);
  auto side = tls_stranger::make(std::string{pem.begin(), size});
  REQUIRE(side.ok());
  auto secured =
    (*side)->connect(kj::mv(stream), peer.io.provider->getTimer()).wait(peer.io.waitScope);
  // One segment of 4 GiB less 8 bytes, as its header says.
  std::string header{"\x00\x00\x00\x00\xff\xff\xff\x1f", 8};
  write_all(*secured, header).wait(peer.io.waitScope);
  CHECK(peer.is_closed(*secured));
  CHECK(asked.empty());
  check_that_hosts_join(*this);
}

TEST_CASE_METHOD(enrolment_fixture, "enrolment: one address has only so many exchanges at once") {
  stranger peer;
  peer.address = address();
  std::vector<kj::Own<kj::AsyncIoStream>> open;
  std::vector<std::unique_ptr<tls_stranger>> sides;
  auto talk = [&]() -> bool {
    auto stream = peer.plain();
    write_all(*stream, std::string{join_greeting}).wait(peer.io.waitScope);
    auto length = kj::heapArray<kj::byte>(4);
    if (stream->tryRead(length.begin(), 4, 4).wait(peer.io.waitScope) < 4)
      return false;
    size_t size = size_t{length[2]} << 8 | length[3];
    auto pem = kj::heapArray<char>(size);
    stream->read(pem.begin(), size).wait(peer.io.waitScope);
    sides.push_back(std::move(*tls_stranger::make(std::string{pem.begin(), size})));
    open.push_back(
      sides.back()->connect(kj::mv(stream), peer.io.provider->getTimer()).wait(peer.io.waitScope));
    return true;
  };
  size_t count = 0;
  while (count < 3 * limits::enrolments_per_address_max && talk())
    ++count;
  CHECK(count >= limits::enrolments_per_address_max);
  CHECK(count < 3 * limits::enrolments_per_address_max);
  check_that_hosts_join(*this);
}

TEST_CASE_METHOD(enrolment_fixture, "enrolment: a revoked host's link ends, and it is told why") {
  host_end host;
  coordinator_end end;
  join(host, end, "h1");
  host_identity gone;
  gone.name = {"h1"};
  gone.revoked = {{"", {1}, "ann", "stolen"}};
  farm_loop.post([this, gone] { book->put(gone); });
  CHECK(goes_down(end.link));
  CHECK(goes_down(host.link));
  host_end again;
  call(again, "h1");
  auto why = again.expect_failure();
  CHECK(why.find("revoked by ann: stolen") != std::string::npos);
}

TEST_CASE_METHOD(enrolment_fixture,
                 "enrolment: a link outlives any number of renewals, and no revocation") {
  auto given = ask_to_join(address(), fingerprint, request_of("vega", "good"));
  REQUIRE(given.ok());
  REQUIRE_FALSE(keep_grant(folder / "keys", *given));
  auto own = read_certificate(folder / "keys/host.crt");
  REQUIRE(own.ok());
  auto told = [this](const host_identity& now) { farm_loop.run([&] { book->put(now); }); };
  host_identity identity;
  identity.name = {"vega"};
  identity.valid = {{serial_of(own->get()), "key", "", "", {1}, {2}}};
  told(identity);
  host_end host;
  coordinator_end end;
  join_by_grant(host, end, "vega");
  for (const auto* serial : {"s2", "s3", "s4"}) {
    identity.valid.push_back({serial, "key", "", "", {1}, {2}});
    if (identity.valid.size() > limits::host_certificates_max)
      identity.valid.erase(identity.valid.begin());
    told(identity);
  }
  caf::anon_send(host.link, host_message{beat{1, 2, {}}});
  CHECK(std::get<beat>(end.heard.pop()) == beat{1, 2, {}});
  identity.valid.clear();
  identity.revoked = {{"s4", {1}, "ann", "stolen"}};
  told(identity);
  CHECK(goes_down(end.link));
  CHECK(goes_down(host.link));
}

TEST_CASE_METHOD(enrolment_fixture, "enrolment: only the certificate that is in the book holds") {
  auto given = ask_to_join(address(), fingerprint, request_of("vega", "good"));
  REQUIRE(given.ok());
  REQUIRE_FALSE(keep_grant(folder / "keys", *given));
  auto own = read_certificate(folder / "keys/host.crt");
  REQUIRE(own.ok());
  host_identity identity;
  identity.name = {"vega"};
  identity.valid = {{serial_of(own->get()), "", "", "", {1}, {2}}};
  farm_loop.run([&] { book->put(identity); });
  host_end other; // a certificate of the same name and farm, but another one
  call(other, "vega");
  CHECK(other.expect_failure().find("holds no more") != std::string::npos);
  host_end host;
  coordinator_end end;
  host.agent = system.spawn(take_agent_news, host.news);
  host.link = connect_farm(host_loop, {address(), host_key_files(folder / "keys")},
                           greeting_of("vega"), host.agent);
  meet(end);
  CHECK(end.greeting.host.value == "vega");
}

TEST_CASE("enrolment: a request with another kind of key, or of another's, is refused") {
  temporary_folder folder;
  REQUIRE_FALSE(make_farm_keys(folder / "farm"));
  auto authority = open_authority(folder / "farm");
  REQUIRE(authority.ok());
  std::filesystem::create_directories(folder / "keys");
  auto good = make_request(folder / "keys/host.key");
  REQUIRE(good.ok());
  REQUIRE((*authority)->check(*good).ok());
  SECTION("one bit of it changed") {
    for (size_t at = 0; at < good->size(); at += 7) {
      auto bad = *good;
      bad[at] = static_cast<char>(bad[at] ^ 1);
      CHECK_FALSE((*authority)->check(bad).ok());
    }
  }
  SECTION("something behind it") {
    CHECK_FALSE((*authority)->check(*good + "x").ok());
  }
  SECTION("nothing") {
    CHECK_FALSE((*authority)->check("").ok());
  }
  SECTION("a P-384 key") {
    private_key_ptr key{EVP_EC_gen("P-384")};
    REQUIRE_FALSE(write_private_file(folder / "keys/other.key", *to_pem(key.get())));
    auto request = make_request(folder / "keys/other.key");
    REQUIRE(request.ok());
    CHECK((*authority)->check(*request).error().text.find("P-256") != std::string::npos);
  }
}

TEST_CASE("enrolment: a certificate holds as long as was said, whatever day it is backdated by") {
  temporary_folder folder;
  REQUIRE_FALSE(make_farm_keys(folder / "farm"));
  auto authority = open_authority(folder / "farm");
  REQUIRE(authority.ok());
  std::filesystem::create_directories(folder / "keys");
  auto request = make_request(folder / "keys/host.key");
  REQUIRE(request.ok());
  int64_t now = std::time(nullptr) * int64_t{1000};
  auto made = (*authority)->issue(*request, {"vega"}, {now + 3600'000});
  REQUIRE(made.ok());
  REQUIRE_FALSE(keep_grant(folder / "keys", {made->pem, (*authority)->certificate(), "f", {}, {}}));
  auto life = life_of(folder / "keys/host.crt");
  REQUIRE(life.ok());
  CHECK(std::abs(life->from.ms - now) < 5'000);
  CHECK(std::abs(life->until.ms - (now + 3600'000)) < 5'000);
  CHECK(load_keys(host_key_files(folder / "keys")).ok());
}

TEST_CASE_METHOD(enrolment_fixture,
                 "enrolment: a certificate is renewed at two thirds of its life") {
  auto request = make_request(folder / "keys/host.key");
  REQUIRE(request.ok());
  auto now = std::chrono::system_clock::now().time_since_epoch();
  int64_t now_ms = std::chrono::duration_cast<milliseconds>(now).count();
  auto made = authority->issue(*request, {"vega"}, {now_ms + 3000});
  REQUIRE(made.ok());
  REQUIRE_FALSE(keep_grant(folder / "keys", {made->pem, authority->certificate(), "f", {}, {}}));
  log_catcher log;
  renewal fresh{host_loop,
                {{address(), host_key_files(folder / "keys")}, folder / "keys", "vega", "1.0", [] {
                   auto at = std::chrono::system_clock::now().time_since_epoch();
                   return wall_time{std::chrono::duration_cast<milliseconds>(at).count()};
                 }}};
  CHECK_FALSE(log.wait_for("certificate renewed").empty());
  auto life = life_of(folder / "keys/host.crt");
  REQUIRE(life.ok());
  CHECK(life->until.ms > now_ms + 1000'000);
  CHECK(asked.pop().is_proven);
  CHECK(load_keys(host_key_files(folder / "keys")).ok());
}

TEST_CASE("enrolment: tokens that were not copied whole are refused before anything is sent") {
  CHECK(parse_join_token("drv_x." + std::string(64, 'a')).ok());
  for (const auto& text : {std::string{}, std::string{"drv_x"}, "drv_x." + std::string(63, 'a'),
                           "drv_x." + std::string(64, 'g'), "." + std::string(64, 'a')})
    CHECK_FALSE(parse_join_token(text).ok());
}
