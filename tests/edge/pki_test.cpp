// The farm's keys.
// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/pem_files.hpp"
#include "actors/edge/pki.hpp"
#include "tests/edge/edge_fixture.hpp"

#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <fstream>

using namespace drover;
using namespace drover::test;

namespace {

std::string content(const std::string& file) {
  auto text = read_whole_file(file);
  REQUIRE(text);
  return *text;
}

unsigned mode(const std::string& file) {
  struct stat found {};
  REQUIRE(stat(file.c_str(), &found) == 0);
  return found.st_mode & 0777;
}

struct keys_fixture {
  keys_fixture() {
    REQUIRE_FALSE(make_farm_keys(farm));
    REQUIRE_FALSE(issue_host_keys(farm, "h1", host));
  }
  temporary_folder folder;
  std::string farm = folder / "farm";
  std::string host = folder / "deep/er/h1";
};

} // namespace

TEST_CASE_METHOD(keys_fixture, "keys: what is made can be loaded") {
  CHECK(load_keys(coordinator_key_files(farm)).ok());
  auto keys = load_keys(host_key_files(host));
  REQUIRE(keys.ok());
  CHECK(keys->authority == content(farm + "/ca.crt"));
}

TEST_CASE_METHOD(keys_fixture, "keys: only their owner may read them") {
  for (const auto& file : {farm + "/ca.key", farm + "/coordinator.key", host + "/host.key"})
    CHECK(mode(file) == 0600);
}

TEST_CASE_METHOD(keys_fixture, "keys: making them again changes nothing") {
  auto before =
    content(farm + "/ca.crt") + content(farm + "/coordinator.crt") + content(host + "/host.crt");
  REQUIRE_FALSE(make_farm_keys(farm));
  REQUIRE_FALSE(issue_host_keys(farm, "h1", host));
  auto after =
    content(farm + "/ca.crt") + content(farm + "/coordinator.crt") + content(host + "/host.crt");
  CHECK(before == after);
}

TEST_CASE_METHOD(keys_fixture, "keys: another name or a damaged file gets new ones") {
  auto before = content(host + "/host.crt");
  SECTION("name") {
    REQUIRE_FALSE(issue_host_keys(farm, "h2", host));
  }
  SECTION("damage") {
    std::ofstream{host + "/host.key"} << "not a key";
    REQUIRE_FALSE(issue_host_keys(farm, "h1", host));
  }
  CHECK(content(host + "/host.crt") != before);
  CHECK(load_keys(host_key_files(host)).ok());
}

TEST_CASE_METHOD(keys_fixture, "keys: a certificate says who, by whom, for what and since when") {
  auto certificate = read_certificate(host + "/host.crt");
  auto authority = read_certificate(farm + "/ca.crt");
  REQUIRE((certificate.ok() && authority.ok()));
  X509* uut = certificate->get();
  CHECK(common_name(uut) == "h1");
  CHECK(X509_check_issued(authority->get(), uut) == X509_V_OK);
  CHECK(X509_check_host(uut, "h1", 0, 0, nullptr) == 1);
  CHECK(X509_check_purpose(uut, X509_PURPOSE_SSL_CLIENT, 0) == 1);
  CHECK(X509_check_purpose(uut, X509_PURPOSE_SSL_SERVER, 0) == 0);
  CHECK(X509_cmp_current_time(X509_get0_notBefore(uut)) < 0);
  CHECK(ASN1_STRING_length(X509_get0_serialNumber(uut)) == 16);
  auto other = read_certificate(farm + "/coordinator.crt");
  REQUIRE(other.ok());
  CHECK(X509_check_purpose(other->get(), X509_PURPOSE_SSL_SERVER, 0) == 1);
  CHECK(ASN1_INTEGER_cmp(X509_get0_serialNumber(other->get()), X509_get0_serialNumber(uut)) != 0);
}

TEST_CASE_METHOD(keys_fixture, "keys: bad ones are refused by file and reason") {
  auto files = host_key_files(host);
  SECTION("missing") {
    std::filesystem::remove(files.key);
    CHECK(load_keys(files).error().text == files.key + ": can't be read: make keys first");
  }
  SECTION("no certificate") {
    std::ofstream{files.certificate} << "-----BEGIN CERTIFICATE-----\nAAAA\n";
    auto text = load_keys(files).error().text;
    CHECK(text.find(files.certificate + ": is not a certificate in PEM") == 0);
    CHECK(text.find('\n') == std::string::npos);
  }
  SECTION("another's key") {
    REQUIRE_FALSE(issue_host_keys(farm, "h2", folder / "h2"));
    std::filesystem::copy_file(folder / "h2/host.key", files.key,
                               std::filesystem::copy_options::overwrite_existing);
    CHECK(load_keys(files).error().text.find(files.key + ": is not the key of") == 0);
  }
  SECTION("another authority") {
    REQUIRE_FALSE(make_farm_keys(folder / "other"));
    files.authority = folder / "other/ca.crt";
    CHECK(load_keys(files).error().text
          == files.certificate + ": is not signed by the farm's authority: issue new keys");
  }
}

TEST_CASE_METHOD(keys_fixture, "keys: a damaged authority is not replaced") {
  std::ofstream{farm + "/ca.key"} << "gone";
  auto problem = make_farm_keys(farm);
  REQUIRE(problem);
  CHECK(problem->text.find(farm + "/ca.key: is not an unencrypted private key") == 0);
}

TEST_CASE_METHOD(keys_fixture, "keys: names that are none, or the coordinator's, get no keys") {
  for (const auto* name : {"", "../h1", "a b", "h\n1", "drover-coordinator"}) {
    CHECK(issue_host_keys(farm, name, folder / "x"));
    CHECK_FALSE(std::filesystem::exists(folder / "x"));
  }
}
