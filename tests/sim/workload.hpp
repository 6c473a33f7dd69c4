#pragma once
// What people ask of the simulated farm: builders, submissions at random times, second thoughts.
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/checkers.hpp"

namespace drover::sim {

/// The coordinator as people reach it: null while it is down.
struct office {
  coordinator_actor coordinator;
  life alive;
};

class workload {
public:
  workload(engine& on, checkers& judges, storage::memory_store& store, uint32_t hosts,
           const fault_options& faults);

  const farm_config& config() const { return config_; }
  const std::vector<sim_source>& sources() const { return sources_; }
  uint32_t slots_of(const std::string& host) const;

  /// Plans everything that people do until `end`.
  void begin(milliseconds end, std::function<office()> where);
  size_t submissions() const { return submissions_; }

private:
  void make_sources(storage::memory_store& store);
  void make_builder(uint32_t number);
  void make_simple_builder(const std::string& name);
  void submit();
  void submit_of(const std::string& builder, uint64_t times);
  void send(const submission& request);
  void cancel_one();

  engine& engine_;
  checkers& judges_;
  fault_options faults_;
  farm_config config_;
  std::vector<sim_source> sources_;
  std::function<office()> where_;
  std::vector<build_id> builds_;
  size_t submissions_ = 0;
  uint64_t ahead_ = 0; ///< submissions whose builds a large herd was given at once
};

} // namespace drover::sim
