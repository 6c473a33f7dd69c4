// Who gets a certificate, keeps it, loses it.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/enrolment.hpp"
#include "schema/limits_enrolment.hpp"
#include "tests/catch.hpp"

using namespace drover;
using namespace drover::core;

namespace {

constexpr int64_t day = 24LL * 3600 * 1000;
const wall_time noon{1'800'000'000'000};

token_record some_token() {
  token_record token;
  token.id = "t1";
  token.sha256 = "aa11";
  token.role = "join";
  token.made_by = "ann";
  token.expires_at = {noon.ms + 3600'000};
  token.uses_left = 1;
  token.labels = {{"class", "fast"}};
  return token;
}

enrolment_case some_case() {
  enrolment_case of;
  of.token = "aa11";
  of.key_sha256 = "k1";
  of.name = {"vega"};
  of.record = some_token();
  of.now = noon;
  return of;
}

issued_certificate some_certificate(const std::string& serial, const std::string& key) {
  return {serial, key, "pem " + serial, "aa11", noon, {noon.ms + 90 * day}};
}

std::string reason_of(const enrolment_verdict& verdict) {
  const auto* no = std::get_if<give_nothing>(&verdict);
  REQUIRE(no != nullptr);
  return no->reason;
}

} // namespace

TEST_CASE("enrolment: a good token gives a certificate") {
  CHECK(std::holds_alternative<give_new>(decide_enrolment(some_case())));
}

TEST_CASE("enrolment: a token that is unknown, used up, expired or for the API is told alike") {
  auto unknown = some_case();
  unknown.record.reset();
  auto used_up = some_case();
  used_up.record->uses_left = 0;
  auto expired = some_case();
  expired.record->expires_at = noon;
  auto other = some_case();
  other.record->role = "admin";
  auto mixed_up = some_case();
  mixed_up.record->sha256 = "aa12";
  auto said = reason_of(decide_enrolment(unknown));
  for (const auto& each : {used_up, expired, other, mixed_up})
    CHECK(reason_of(decide_enrolment(each)) == said);
  CHECK(said.find("not known") != std::string::npos);
}

TEST_CASE("enrolment: the same key with the same token gets its certificate again, though the "
          "token is gone") {
  auto of = some_case();
  of.identity = enrolled(of, some_certificate("s1", "k1"));
  of.record.reset();
  of.has_worked = true;
  auto verdict = decide_enrolment(of);
  REQUIRE(std::holds_alternative<give_again>(verdict));
  CHECK(std::get<give_again>(verdict).certificate.serial == "s1");

  SECTION("but not another key") {
    of.key_sha256 = "k2";
    CHECK(std::holds_alternative<give_nothing>(decide_enrolment(of)));
  }
  SECTION("and not by another token") {
    of.token = "bb22";
    CHECK(std::holds_alternative<give_nothing>(decide_enrolment(of)));
  }
}

TEST_CASE("enrolment: a name that is taken is refused with what to do") {
  auto of = some_case();
  SECTION("by a host of the configuration that has been here") {
    of.has_worked = true;
  }
  SECTION("by one that joined by a token") {
    of.identity = enrolled(of, some_certificate("s1", "k9"));
  }
  auto said = reason_of(decide_enrolment(of));
  CHECK(said.find("--name") != std::string::npos);
  CHECK(said.find("drover admin revoke vega") != std::string::npos);
}

TEST_CASE("enrolment: a revoked host joins again by a new token, and only the new key holds") {
  auto of = some_case();
  of.has_worked = true;
  of.identity = revoked(enrolled(of, some_certificate("s1", "k1")), {"", noon, "ann", "stolen"});
  CHECK(std::holds_alternative<give_new>(decide_enrolment(of)));
  auto problem = certificate_problem(*of.identity, "s1");
  REQUIRE(problem);
  CHECK(problem->find("revoked by ann: stolen") != std::string::npos);
  auto again = enrolled(of, some_certificate("s2", "k2"));
  CHECK_FALSE(certificate_problem(again, "s2"));
  CHECK(certificate_problem(again, "s1"));
  CHECK(certificate_problem(again, ""));
}

TEST_CASE("enrolment: a host without a record that is revoked is refused from then on") {
  host_identity none;
  none.name = {"h1"};
  auto after = revoked(none, {"", noon, "ann", ""});
  CHECK(certificate_problem(after, ""));
}

TEST_CASE("enrolment: a certificate is renewed after a third of its life, and both hold") {
  auto of = some_case();
  of.identity = enrolled(of, some_certificate("s1", "k1"));
  of.token.clear();
  CHECK(std::holds_alternative<give_again>(decide_renewal(of)));
  of.now = {noon.ms + 60 * day};
  CHECK(std::holds_alternative<give_new>(decide_renewal(of)));
  auto after = renewed(*of.identity, some_certificate("s2", "k1"));
  CHECK_FALSE(certificate_problem(after, "s1"));
  CHECK_FALSE(certificate_problem(after, "s2"));
  after = renewed(after, some_certificate("s3", "k1"));
  CHECK(after.valid.size() == limits::host_certificates_max);
  CHECK(certificate_problem(after, "s1"));
}

TEST_CASE("enrolment: a link goes on by the newest certificate for its key, as long as one holds") {
  auto of = some_case();
  auto first = enrolled(of, some_certificate("s1", "k1"));
  auto second = renewed(first, some_certificate("s2", "k1"));
  auto third = renewed(second, some_certificate("s3", "k1"));
  REQUIRE(certificate_problem(third, "s1"));
  CHECK(successor_of("s1", second, third) == "s3");
  CHECK_FALSE(successor_of("s0", second, third));
  CHECK_FALSE(successor_of("", {}, third)); // its keys are not from a token
  CHECK_FALSE(successor_of("s2", third, revoked(third, {"", noon, "ann", ""})));
  // A new token, even for the same key: what was before is over.
  of.identity = third;
  CHECK_FALSE(successor_of("s3", third, enrolled(of, some_certificate("s4", "k1"))));
  auto another = renewed(third, some_certificate("s5", "k2"));
  another.valid = {another.valid.back()};
  CHECK_FALSE(successor_of("s3", third, another));
}

TEST_CASE("enrolment: renewal is for hosts that have a certificate by a token, and for their key") {
  auto of = some_case();
  CHECK(std::holds_alternative<give_nothing>(decide_renewal(of)));
  of.identity = enrolled(of, some_certificate("s1", "k1"));
  of.key_sha256 = "k2";
  of.now = {noon.ms + 60 * day};
  CHECK(std::holds_alternative<give_nothing>(decide_renewal(of)));
  of.key_sha256 = "k1";
  of.now = {noon.ms + 91 * day};
  CHECK(std::holds_alternative<give_nothing>(decide_renewal(of)));
}

TEST_CASE("enrolment: uses of a token are counted down, and the last one ends it") {
  auto token = some_token();
  token.uses_left = 2;
  auto left = used(token);
  REQUIRE(left);
  CHECK(left->uses_left == 1);
  CHECK_FALSE(used(*left));
}

TEST_CASE("enrolment: what is remembered of revoked certificates is bounded") {
  host_identity of;
  of.name = {"vega"};
  for (int at = 0; at < 100; ++at)
    of = revoked(of, {std::to_string(at), noon, "ann", ""});
  CHECK(of.revoked.size() == limits::revoked_certificates_kept);
  CHECK(of.revoked.back().serial == "99");
}

TEST_CASE("enrolment: digests of different lengths or none are never the same") {
  CHECK(same_digest("ab", "ab"));
  CHECK_FALSE(same_digest("ab", "ac"));
  CHECK_FALSE(same_digest("ab", "abc"));
  CHECK_FALSE(same_digest("", ""));
}
