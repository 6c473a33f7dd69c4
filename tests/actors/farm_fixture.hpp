#pragma once
// What tests of the coordinator's actors share: a store in memory, a recorder that waits for the
// test, and neighbours that write down what they are told.
// SPDX-License-Identifier: Apache-2.0

#include "actors/farm.hpp"
#include "schema/limits.hpp"
#include "storage/memory_store.hpp"
#include "storage/tables.hpp"
#include "tests/fixture.hpp"

namespace drover::test {

/// All that one neighbour was told, in order. Copies share it.
class notebook {
public:
  void add(caf::message told) { told_->push_back(std::move(told)); }
  void clear() { told_->clear(); }

  /// Every T that it was told: alone, behind a name, or as a `farm_message`.
  template <class T>
  std::vector<T> all() const {
    std::vector<T> found;
    for (const auto& one : *told_)
      for (size_t i = 0; i < one.size(); ++i) {
        if (one.match_element<T>(i))
          found.push_back(one.get_as<T>(i));
        else if (one.match_element<farm_message>(i))
          add_alternative(one.get_as<farm_message>(i), found);
      }
    return found;
  }

private:
  template <class T>
  static void add_alternative(const farm_message& told, std::vector<T>& found) {
    std::visit(
      [&](const auto& said) {
        if constexpr (std::is_same_v<std::decay_t<decltype(said)>, T>)
          found.push_back(said);
      },
      told);
  }

  std::shared_ptr<std::vector<caf::message>> told_ = std::make_shared<std::vector<caf::message>>();
};

/// A recorder whose disk is as slow as the test wants: it commits and answers when `release` says.
struct held_recorder {
  struct waiting {
    storage::write_batch batch;
    caf::typed_response_promise<recorded> promise;
  };
  std::vector<waiting> queue;
  bool open = true;                 ///< commits at once
  std::vector<event_record> events; ///< of the batches that were committed, in order
};

struct farm_fixture : fixture {
  farm_fixture() {
    settings.config.farm = "test";
    settings.now = {3, 77};
    settings.store = store;
    settings.clock = [] { return wall_time{5000}; };
    settings.blocking = blocking_actors::shared_scheduler;
    settings.fatal = [why = fatal](const std::string& text) { *why = text; };
  }

  /// A neighbour of any interface that writes down what it is told.
  template <class Handle>
  Handle spawn_scribe(notebook pages) {
    auto scribe = system.spawn([pages](caf::event_based_actor* self) mutable -> caf::behavior {
      self->set_default_handler(
        [pages](caf::scheduled_actor*,
                caf::message_view& told) mutable -> caf::result<caf::message> {
          pages.add(told.move_content_to_message());
          return caf::message{};
        });
      return {[](atom::describe) { return actor_entry{}; }};
    });
    return keep(caf::actor_cast<Handle>(scribe));
  }

  recorder_actor spawn_held_recorder() {
    return keep(system.spawn(
      [disk = disk, kept = store](recorder_actor::pointer self) -> recorder_actor::behavior_type {
        return {
          [disk, self](storage::write_batch& batch) -> caf::result<recorded> {
            disk->queue.push_back({std::move(batch), self->make_response_promise<recorded>()});
            auto promise = disk->queue.back().promise;
            if (disk->open)
              self->send(self, atom::flush::value);
            return promise;
          },
          [](const event_wait&) { return uint64_t{0}; },
          [disk, kept](atom::flush) {
            for (auto& one : std::exchange(disk->queue, {})) {
              disk->events.insert(disk->events.end(), one.batch.events.begin(),
                                  one.batch.events.end());
              if (auto problem = kept->commit(one.batch, storage::durability::synced))
                throw std::logic_error{problem->text};
              one.promise.deliver(recorded{});
            }
          },
          [](atom::tick) {},
          [](atom::describe) { return actor_entry{}; },
        };
      }));
  }

  /// The held recorder commits and answers all that waits.
  void release(const recorder_actor& recorder) { tell(recorder, atom::flush::value); }

  /// Sends as if `from` spoke: what many handlers go by.
  template <class From, class To, class... Ts>
  void speak(const From& from, const To& to, Ts... parts) {
    caf::actor_cast<caf::actor>(to)->enqueue(caf::actor_cast<caf::strong_actor_ptr>(from),
                                             caf::make_message_id(),
                                             caf::make_message(std::move(parts)...), nullptr);
    settle();
  }

  std::shared_ptr<storage::memory_store> store = std::make_shared<storage::memory_store>();
  std::shared_ptr<held_recorder> disk = std::make_shared<held_recorder>();
  std::shared_ptr<std::string> fatal = std::make_shared<std::string>();
  farm_settings settings;
};

inline grant_token token_of(uint64_t build, uint32_t step = 0, uint32_t attempt = 1) {
  return {{3, 77}, {{build}, {step}, {attempt}}};
}

} // namespace drover::test
