#pragma once
// Real keepers on a spool of their own.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/disk_spool.hpp"
#include "nodes/keeper/process_table.hpp"
#include "nodes/spool_folder.hpp"
#include "tests/catch.hpp"
#include "tests/keeper/temp_folder.hpp"

#include <poll.h>
#include <signal.h>

#include <chrono>
#include <future>

namespace drover {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

struct keeper_fixture {
  temp_folder folder;
  std::unique_ptr<disk_spool> spool;

  keeper_fixture() { restart_agent(); }

  /// Another agent on the same spool; the earlier one is gone.
  void restart_agent() {
    spool.reset();
    spool = std::make_unique<disk_spool>(folder.path + "/spool", DROVER_KEEPER);
  }

  static grant_token token(uint32_t attempt = 1) {
    return {{3, 0xabcdef0123456789u}, {{7}, {0}, {attempt}}};
  }

  keeper_order order(const std::string& run) const {
    keeper_order order;
    order.token = token();
    order.builder = "check";
    order.step = "test";
    order.run = run;
    order.env = {{"PATH", "/usr/bin:/bin"}, {"D", folder.path}};
    order.workspace = folder.path;
    order.timeout = 30s;
    order.silence = 30s;
    order.grace = 5s;
    return order;
  }

  void enter(const keeper_order& order) const {
    assignment work;
    work.token = order.token;
    work.builder = order.builder;
    work.step.run = order.run;
    auto problem = spool->enter(work);
    INFO((problem ? problem->text : ""));
    REQUIRE_FALSE(problem);
  }

  void begin(const keeper_order& order) const {
    enter(order);
    auto problem = spool->start(order);
    INFO((problem ? problem->text : ""));
    REQUIRE_FALSE(problem);
  }

  void await_gone(std::chrono::milliseconds patience = 10s) const {
    auto gone = std::make_shared<std::promise<void>>();
    auto over = gone->get_future();
    spool->watch(token(), [gone] { gone->set_value(); });
    REQUIRE(over.wait_for(patience) == std::future_status::ready);
  }

  keeper_exit await_exit(std::chrono::milliseconds patience = 10s) const {
    await_gone(patience);
    auto account = spool->exit_of(token());
    REQUIRE(account);
    return *account;
  }

  keeper_exit run(const keeper_order& order) const {
    begin(order);
    return await_exit();
  }

  std::string log() const {
    auto text = spool->read_log(token(), 0, 64 * 1024 * 1024);
    REQUIRE(text);
    return *text;
  }

  /// Looks until it is so. For what the outside does without telling: files that a step writes.
  template <class Condition>
  void await(Condition condition, std::chrono::milliseconds patience = 10s) const {
    auto until = clock::now() + patience;
    while (!condition()) {
      REQUIRE(clock::now() < until);
      poll(nullptr, 0, 2);
    }
  }

  /// The number that a step has written into a file of the folder.
  int32_t await_pid(const std::string& name) const {
    std::string text;
    await([&] { return (text = slurp(folder.path + "/" + name)).ends_with('\n'); });
    return std::stoi(text);
  }

  static bool alive(int32_t pid) {
    auto entry = find_process(pid);
    return entry && !entry->zombie;
  }

  process_identity keeper() const {
    auto path = spool->folder_of(token());
    auto signed_in = [&] {
      return read_record(path, spool_file::keeper, "process", &decode_identity);
    };
    await([&] { return signed_in().ok(); });
    return *signed_in();
  }
};

} // namespace drover
