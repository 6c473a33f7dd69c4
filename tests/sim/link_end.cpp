// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/link_end.hpp"

namespace drover::sim {

void link_end::enqueue(caf::mailbox_element_ptr what, caf::execution_unit* context) {
  if (getf(is_cleaned_up_flag) || handle_system_message(*what, context, false)
      || take_(what->content()))
    return;
  if (!what->mid.is_request() || !what->sender)
    return;
  actor_entry entry;
  entry.name = entry.kind = kind_;
  what->sender->enqueue(caf::actor_cast<caf::strong_actor_ptr>(this), what->mid.response_id(),
                        caf::make_message(std::move(entry)), context);
}

} // namespace drover::sim
