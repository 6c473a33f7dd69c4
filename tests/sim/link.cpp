// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/link.hpp"

#include "tests/sim/link_end.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace drover::sim {

using namespace std::chrono_literals;

// -- connections ---------------------------------------------------------------------------------

bool network::is_cut(const host_name& host, direction which) const {
  return cuts_.contains({host, which});
}

bool network::is_cut(const host_name& host) const {
  return is_cut(host, direction::to_farm) || is_cut(host, direction::to_host);
}

void network::heal(const host_name& host) {
  cuts_.erase({host, direction::to_farm});
  cuts_.erase({host, direction::to_host});
}

milliseconds network::delay() {
  auto usual = engine_.random.between(faults.delay_min, faults.delay_max);
  return engine_.random.happens(0.01) ? usual * 10 : usual;
}

void network::listen(coordinator_actor coordinator, life alive) {
  coordinator_ = std::move(coordinator);
  farm_life_ = std::move(alive);
}

void network::refuse(const host_agent_actor& agent, const life& alive, const std::string& why) {
  if (*alive)
    caf::anon_send(agent, not_connected{why});
}

void network::connect(const hello& greeting, const host_agent_actor& agent, const life& alive) {
  if (!*alive)
    return;
  if (is_cut(greeting.host)) {
    engine_.after(limits::accept_timeout,
                  [=, this] { refuse(agent, alive, "the connection timed out"); });
    return;
  }
  engine_.after(delay() + 1ms, [=, this] { open(greeting, agent, alive); });
}

void network::open(const hello& greeting, const host_agent_actor& agent, const life& alive) {
  if (!*alive)
    return;
  if (!farm_life_ || !*farm_life_)
    return refuse(agent, alive, "connection refused");
  auto link = ++last_link_;
  engine_.note("link " + std::to_string(link) + " opens " + greeting.host.value);
  auto& made = links_[link];
  made.host = greeting.host;
  made.agent = agent;
  made.host_life = alive;
  made.farm_life = farm_life_;
  make_ends(made, link);
  carry(link, direction::to_farm, host_message{greeting});
  engine_.after(limits::join_timeout, [this, link] {
    if (auto found = links_.find(link); found != links_.end() && !found->second.welcomed) {
      if (found->second.host_end)
        refuse(found->second.agent, found->second.host_life, "join was not answered");
      close_end(link, direction::to_host);
    }
  });
}

void network::make_ends(connection& made, uint64_t link) {
  auto from_host = [this, link](caf::type_erased_tuple& message) {
    bool known = message.match_elements<host_message>();
    if (known)
      send(link, std::move(message.get_mutable_as<host_message>(0)));
    return known;
  };
  auto from_farm = [this, link](caf::type_erased_tuple& message) {
    bool known = message.match_elements<farm_message>();
    if (known)
      send(link, std::move(message.get_mutable_as<farm_message>(0)));
    else if (message.match_elements<host_listener>())
      set_listener(link, message.get_as<host_listener>(0));
    return known;
  };
  made.host_end = spawn_end<farm_link_actor>(engine_.system, "farm_link", from_host,
                                             [this, link] { end_died(link, direction::to_host); });
  made.farm_end = spawn_end<host_link_actor>(engine_.system, "host_link", from_farm,
                                             [this, link] { end_died(link, direction::to_farm); });
}

// -- the pipes -----------------------------------------------------------------------------------

template <class Message>
void network::carry(uint64_t link, direction which, Message message) {
  auto found = links_.find(link);
  if (found == links_.end())
    return;
  auto& one = found->second;
  if (is_cut(one.host, which) || engine_.random.happens(faults.loss))
    return;
  auto& last = which == direction::to_farm ? one.last_to_farm : one.last_to_host;
  last = std::max(last, engine_.now() + delay());
  auto arrival_in = last - engine_.now();
  if (engine_.random.happens(faults.duplication))
    engine_.after(arrival_in + engine_.random.between(0ms, 500ms),
                  [this, link, message]() mutable { arrives(link, std::move(message)); });
  engine_.after(arrival_in, [this, link, message = std::move(message)]() mutable {
    arrives(link, std::move(message)); // an event comes once
  });
}

void network::send(uint64_t link, host_message message) {
  auto found = links_.find(link);
  if (found != links_.end() && *found->second.host_life)
    carry(link, direction::to_farm, std::move(message));
}

void network::send(uint64_t link, farm_message message) {
  auto found = links_.find(link);
  if (found != links_.end() && *found->second.farm_life)
    carry(link, direction::to_host, std::move(message));
}

void network::arrives(uint64_t link, host_message message) {
  auto found = links_.find(link);
  if (found == links_.end() || !found->second.farm_end || !*found->second.farm_life)
    return;
  auto& one = found->second;
  engine_.note(one.host.value + " > " + text_of(message));
  watcher_.farm_hears(one.host, message);
  if (std::holds_alternative<hello>(message)) {
    if (!std::exchange(one.greeted, true)) // a doubled hello is no second join
      caf::anon_send(coordinator_, arrival{std::get<hello>(message), one.farm_end});
    return;
  }
  const auto* said = std::get_if<beat>(&message);
  if (said != nullptr && forgeries_.contains(one.host))
    return lie(link, *said);
  if (one.listener)
    caf::send_as(one.farm_end, one.listener, std::move(message));
}

void network::lie(uint64_t link, beat said) {
  auto& one = links_.at(link);
  auto token = forgeries_.extract(one.host).mapped();
  if (!one.listener)
    return;
  engine_.note(one.host.value + " claims " + text_of(token));
  attempt_ended lie;
  lie.token = token;
  lie.outcome = result::success;
  lie.exit_code = 0;
  said.known.push_back({token, known_state::running, 0});
  caf::send_as(one.farm_end, one.listener, host_message{std::move(said)});
  engine_.after(10ms, [this, link, lie] { // behind what the claim has brought about
    auto found = links_.find(link);
    if (found != links_.end() && found->second.farm_end && found->second.listener)
      caf::send_as(found->second.farm_end, found->second.listener, host_message{lie});
  });
}

bool network::is_connected(const host_name& host) const {
  return std::any_of(links_.begin(), links_.end(), [&](const auto& known) {
    const auto& one = known.second;
    return one.host == host && one.welcomed && one.host_end && one.farm_end && *one.host_life
           && *one.farm_life;
  });
}

void network::arrives(uint64_t link, farm_message message) {
  auto found = links_.find(link);
  if (found == links_.end() || !found->second.host_end || !*found->second.host_life)
    return;
  auto& one = found->second;
  engine_.note(one.host.value + " < " + text_of(message));
  watcher_.host_hears(one.host, message);
  if (const auto* answer = std::get_if<welcome>(&message)) {
    if (!std::exchange(one.welcomed, true))
      caf::send_as(one.host_end, one.agent, connected{*answer, one.host_end});
  } else if (const auto* refused = std::get_if<refusal>(&message)) {
    caf::send_as(one.host_end, one.agent, not_connected{refused->reason});
    close_end(link, direction::to_host);
  } else if (one.welcomed) {
    caf::send_as(one.host_end, one.agent, std::move(message));
  }
}

void network::set_listener(uint64_t link, host_listener listener) {
  if (auto found = links_.find(link); found != links_.end())
    found->second.listener = std::move(listener);
}

// -- ends ----------------------------------------------------------------------------------------

/// Ends one side's actor; `end_died` follows.
void network::close_end(uint64_t link, direction of_whom) {
  auto found = links_.find(link);
  if (found == links_.end())
    return;
  constexpr auto reset = caf::exit_reason::remote_link_unreachable;
  // Copies: `end_died` takes them out of the connection, and perhaps that from the list.
  if (auto end = found->second.host_end; end && of_whom == direction::to_host)
    caf::anon_send_exit(end, reset);
  else if (auto other = found->second.farm_end; other && of_whom == direction::to_farm)
    caf::anon_send_exit(other, reset);
}

/// The other side learns of it: soon, or by its own timeout if its messages are swallowed.
void network::hang_up(uint64_t link, direction of_whom) {
  auto found = links_.find(link);
  if (found == links_.end())
    return;
  auto& one = found->second;
  auto time = one.silent_end     ? engine_.random.between(2s, 90s)
              : is_cut(one.host) ? engine_.random.between(5s, 20s)
                                 : delay();
  engine_.after(time, [this, link, of_whom] { close_end(link, of_whom); });
}

void network::end_died(uint64_t link, direction of_whom) {
  auto found = links_.find(link);
  if (found == links_.end())
    return;
  auto& one = found->second;
  engine_.note("link " + std::to_string(link) + " ends "
               + (of_whom == direction::to_host ? "on " : "with ") + one.host.value);
  if (of_whom == direction::to_host)
    one.host_end = nullptr;
  else {
    one.farm_end = nullptr;
    one.listener = nullptr;
  }
  if (!one.host_end && !one.farm_end)
    links_.erase(found);
  else
    hang_up(link, of_whom == direction::to_host ? direction::to_farm : direction::to_host);
}

void network::process_died(const life& whose, ending how) {
  for (auto known = links_.begin(); known != links_.end();) {
    auto& [link, one] = *known++; // closing may take it from the list
    bool of_farm = one.farm_life == whose && one.farm_end;
    if (one.host_life == whose) {
      one.silent_end |= how == ending::silent;
      close_end(link, direction::to_host);
    } else if (of_farm) {
      close_end(link, direction::to_farm);
    }
  }
}

void network::close_all() {
  listen({}, {});
  while (!links_.empty()) {
    auto link = links_.begin()->first;
    close_end(link, direction::to_host);
    close_end(link, direction::to_farm);
  }
}

} // namespace drover::sim
