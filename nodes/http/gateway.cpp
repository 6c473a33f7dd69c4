// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/gateway.hpp"

#include <caf/sec.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>

namespace drover::http {

namespace {

struct gateway_state {
  using pointer = gateway_actor::stateful_pointer<gateway_state>;
  static inline const char* name = "gateway";
  explicit gateway_state(pointer actor) : self{actor}, born{actor->clock().now()} {}

  actor_entry describe() const {
    actor_entry out;
    out.name = "gateway";
    out.kind = "gateway";
    out.state = "running";
    out.uptime_ms = (self->clock().now() - born) / milliseconds{1};
    out.activity = std::to_string(jobs) + " questions asked for the API";
    return out;
  }

  pointer self;
  caf::actor_clock::time_point born;
  uint64_t jobs = 0;
};

gateway_actor::behavior_type run_gateway(gateway_state::pointer self) {
  return {
    [self](gateway_job& job) {
      ++self->state.jobs;
      job.run(self);
    },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace

gateway_actor spawn_gateway(caf::actor_system& system) {
  return system.spawn(run_gateway);
}

void stop_gateway(const gateway_actor& gateway) {
  caf::anon_send_exit(gateway, caf::exit_reason::user_shutdown);
}

failure describe_error(const caf::error& error, milliseconds patience) {
  if (error == caf::sec::request_timeout)
    return {ec::unavailable, "the farm did not answer within "
                               + std::to_string(patience / milliseconds{1}) + " ms; try again"};
  return {ec::unavailable, "the part of the farm that answers this is down; try again"};
}

} // namespace drover::http
