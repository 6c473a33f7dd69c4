// SPDX-License-Identifier: Apache-2.0
#include "nodes/process.hpp"
#include "nodes/sources/watch.hpp"
#include "tests/catch.hpp"
#include "tests/keeper/temp_folder.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <future>

using namespace drover;
using namespace std::chrono_literals;

namespace {

/// A server that takes connections and never says a word.
struct silent_server {
  silent_server() : socket_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    auto* address = reinterpret_cast<sockaddr*>(&here);
    REQUIRE(bind(socket_.get(), address, size) == 0);
    REQUIRE(listen(socket_.get(), 4) == 0);
    REQUIRE(getsockname(socket_.get(), address, &size) == 0);
    url = "http://127.0.0.1:" + std::to_string(ntohs(here.sin_port)) + "/a-1.0.tar.gz";
  }
  std::string url;

private:
  owned_fd socket_;
};

} // namespace

TEST_CASE("downloads: a stop ends one that waits for its server") {
  temp_folder folder;
  silent_server server;
  sources::watcher watch{folder.path, folder.path};
  auto download = std::async(std::launch::async,
                             [&] { return watch.download_tarball(server.url, "a-1.0.tar.gz"); });
  REQUIRE(download.wait_for(300ms) == std::future_status::timeout);
  watch.stop();
  REQUIRE(download.wait_for(15s) == std::future_status::ready);
  CHECK(!download.get());
}
