// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/certificate_book.hpp"

#include "actors/core/enrolment.hpp"

#include <caf/actor_cast.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace drover {

certificate_book::certificate_book(const std::vector<host_identity>& known) {
  for (const auto& identity : known)
    known_[identity.name.value] = identity;
}

std::optional<std::string> certificate_book::problem_of(const std::string& name,
                                                        const std::string& serial) const {
  auto found = known_.find(name);
  if (found == known_.end())
    return std::nullopt;
  return core::certificate_problem(found->second, serial);
}

void certificate_book::note(const std::string& name, const std::string& serial,
                            const host_link_actor& link) {
  auto& links = links_[name];
  std::erase_if(links, [](const live_link& one) { return !one.link.lock(); });
  links.push_back({serial, caf::actor_cast<caf::weak_actor_ptr>(link)});
}

void certificate_book::put(const host_identity& identity) {
  const auto& name = identity.name.value;
  auto before = std::exchange(known_[name], identity);
  auto& links = links_[name];
  for (auto& one : links)
    if (auto next = core::successor_of(one.serial, before, identity))
      one.serial = *next;
  std::erase_if(links, [&](const live_link& one) {
    auto link = one.link.lock();
    if (link && !core::certificate_problem(identity, one.serial))
      return false;
    if (link) {
      spdlog::warn("link host={} ends: its certificate holds no more", name);
      caf::anon_send_exit(caf::actor_cast<caf::actor>(link), caf::exit_reason::kill);
    }
    return true;
  });
}

} // namespace drover
