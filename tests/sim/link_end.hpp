#pragma once
// One end of a link: an actor that hands on at once what it is told, without a turn of its own.
// SPDX-License-Identifier: Apache-2.0

#include "actors/common_types.hpp"

#include <caf/actor_config.hpp>
#include <caf/actor_system.hpp>
#include <caf/make_actor.hpp>
#include <caf/monitorable_actor.hpp>

#include <functional>

namespace drover::sim {

/// Half of all messages of a farm pass two of these, so they must cost little. `taken` is called in
/// the sender's turn; what it does not take and is a question gets the end's description.
class link_end final : public caf::monitorable_actor {
public:
  /// True if it has taken the message.
  using taker = std::function<bool(caf::type_erased_tuple& message)>;

  link_end(caf::actor_config& config, const char* kind, taker take)
      : caf::monitorable_actor{config}, kind_{kind}, take_{std::move(take)} {}

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* context) override;

private:
  const char* kind_;
  taker take_;
};

/// `died` is called once, when the end has been told to exit.
template <class Handle>
Handle spawn_end(caf::actor_system& system, const char* kind, link_end::taker take,
                 std::function<void()> died) {
  caf::actor_config config;
  auto made = caf::make_actor<link_end, caf::strong_actor_ptr>(
    system.next_actor_id(), system.node(), &system, config, kind, std::move(take));
  made->get()->attach_functor([died = std::move(died)] { died(); });
  return caf::actor_cast<Handle>(made);
}

} // namespace drover::sim
