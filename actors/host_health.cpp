// The agent looks at its own host's health, and tells the farm when it is unfit for new work.
// SPDX-License-Identifier: Apache-2.0
#include "actors/host_agent.hpp"
#include "schema/limits_healing.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <spdlog/spdlog.h>

namespace drover {

namespace {

/// A load or free memory differs at each look; what the host is in trouble with does not.
std::string without_numbers(std::string trouble) {
  std::erase_if(trouble, [](char c) { return c >= '0' && c <= '9'; });
  return trouble;
}

} // namespace

/// Each limits::health_every, on a thread of its own: compilers are run, disks may hang.
void host_agent_state::look_at_health() {
  if (!settings.vital_signs || health_asked || now_ms() < next_health_ms)
    return;
  health_asked = true;
  auto look = [signs = settings.vital_signs, was_in_trouble = !trouble.empty(),
               agent = host_agent_actor{self}](caf::event_based_actor* looker) {
    looker->send(agent, health_news{core::trouble_of(signs(), was_in_trouble)});
  };
  if (settings.blocking == blocking_actors::own_thread)
    self->spawn<caf::detached>(look);
  else
    self->spawn(look);
}

void host_agent_state::take_health(const health_news& news) {
  health_asked = false;
  next_health_ms = now_ms() + limits::health_every.count();
  bool same = without_numbers(news.trouble) == without_numbers(trouble);
  trouble = news.trouble;
  if (same)
    return;
  if (trouble.empty())
    spdlog::info("host={} is well again", settings.self.host.value);
  else
    spdlog::warn("host={} is unwell: {}", settings.self.host.value, trouble);
  if (session)
    self->send(session->link, host_message{host_news_told{settings.self.facts, trouble}});
}

} // namespace drover
