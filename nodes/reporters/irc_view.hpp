#pragma once
// The farm as the IRC bot's commands see it: the store, and what only the coordinator knows.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/irc/commands.hpp"
#include "actors/ports.hpp"
#include "actors/types.hpp"
#include "storage/store.hpp"

#include <caf/actor_system.hpp>

namespace drover {

/// Where the bot finds the farm.
struct irc_farm {
  caf::actor_system& system;
  std::shared_ptr<const storage::store> store;
  coordinator_actor coordinator;
  recorder_actor recorder;
  census_actor census;
  wall_clock clock;
};

/// Waits for the coordinator's answers, limits::irc_question_timeout at most each: for an actor
/// with a thread of its own.
class irc_view : public core::irc::farm_view {
public:
  explicit irc_view(const irc_farm& farm) : farm_{farm} {}
  expected<farm_config> config() const override;
  expected<std::vector<host_view>> hosts() const override;
  expected<std::vector<build_record>> builds(const std::string& builder,
                                             size_t rows) const override;
  expected<std::optional<build_record>> build(build_id id) const override;
  expected<std::vector<change_record>> changes(const std::string& source,
                                               size_t rows) const override;
  expected<core::explanation> why(build_id id) const override;
  expected<core::explanation> why(const host_view& host) const override;

private:
  template <class Answer, class Question>
  expected<Answer> ask(Question question) const;
  /// Puts what the coordinator says over records of builds that are not over.
  std::optional<failure> bring_up_to_date(std::vector<build_record>& builds) const;

  const irc_farm& farm_;
};

} // namespace drover
