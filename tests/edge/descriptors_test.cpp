// A coordinator without descriptors. A program of its own, since it lowers the process's limit.
// SPDX-License-Identifier: Apache-2.0
#include "tests/edge/stranger.hpp"

#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>

using namespace drover;
using namespace drover::test;

namespace {

/// As many descriptors as there are now, and no more, as long as it lives.
class no_more_descriptors {
public:
  no_more_descriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    auto lowered = before_;
    int highest = dup(0);
    REQUIRE(highest >= 0);
    close(highest);
    // The lowest free number: everything below it is taken.
    lowered.rlim_cur = static_cast<rlim_t>(highest);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &lowered) == 0);
  }
  ~no_more_descriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  no_more_descriptors(const no_more_descriptors&) = delete;
  no_more_descriptors& operator=(const no_more_descriptors&) = delete;

private:
  rlimit before_{};
};

struct callers {
  explicit callers(size_t count) {
    for (size_t i = 0; i < count; ++i)
      sockets.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  }
  ~callers() {
    for (int one : sockets)
      close(one);
  }
  /// The kernel completes connections although nobody accepts them.
  void call(uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int one : sockets)
      REQUIRE(connect(one, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  }
  std::vector<int> sockets;
};

} // namespace

TEST_CASE_METHOD(farm_fixture,
                 "descriptors: without any left the listener backs off, and links go on") {
  host_end host, late;
  coordinator_end end, late_end;
  join(host, end, "h1");
  keys_of("h2");
  log_catcher log;
  {
    callers crowd{10};
    no_more_descriptors none;
    crowd.call(door->port());
    auto line = log.wait_for("could not be accepted");
    CHECK(line
          == "warning listener: a connection could not be accepted, goes on: no descriptors are "
             "left");
    for (uint64_t i = 1; i <= 100; ++i) {
      caf::anon_send(host.link, host_message{beat{i, 0, {}}});
      CHECK(std::get<beat>(end.heard.pop()).sequence == i);
    }
  }
  // It backs off: not one try after the other.
  size_t tries = 0;
  for (const auto& line : log.lines())
    tries += line.find("could not be accepted") != std::string::npos ? 1 : 0;
  CHECK(tries <= limits::strangers_logged_max);
  join(late, late_end, "h2");
  caf::anon_send(host.link, host_message{beat{101, 0, {}}});
  CHECK(std::get<beat>(end.heard.pop()).sequence == 101);
}
