#pragma once
// The thread that owns the sockets: a kj event loop that is also a CAF execution unit.
//
// An actor of a class derived from `pinned` runs on this thread and may own kj objects; every other
// actor runs on CAF's scheduler and never sees kj. The rules that make the two fit together:
//
// - CAF schedules an actor by `exec_later`. For a pinned actor that puts it into the loop's queue
//   (a mutex and an eventfd), whoever asks: `pinned` overrides `launch` and `enqueue` for it.
// - The loop takes the queue at its top level, never inside a kj callback. So whatever a message
//   handler or `release` destroys can't be the callback that is running.
// - While a pinned actor runs, its execution unit is a scoped one, so that whom it messages runs on
//   CAF's scheduler.
// - The loop holds a reference to each pinned actor until that quits: a handle that is dropped
//   elsewhere must not destroy kj objects on a foreign thread.
// - A kj callback may touch its actor (same thread), send and request, but does not call `quit`,
//   which is for message handlers; it sends the actor an exit message.
// SPDX-License-Identifier: Apache-2.0

#include <caf/actor_cast.hpp>
#include <caf/actor_config.hpp>
#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/exit_reason.hpp>
#include <caf/resumable.hpp>
#include <caf/scoped_execution_unit.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <utility>

namespace kj {
struct AsyncIoContext;
}

namespace drover {

/// One a process. Made before what uses it and destroyed after it, but before the actor system.
class edge_loop {
public:
  using job = std::function<void()>;

  /// Starts the thread. Throws std::runtime_error if the system has no descriptors left.
  explicit edge_loop(caf::actor_system& system);
  edge_loop(const edge_loop&) = delete;
  edge_loop& operator=(const edge_loop&) = delete;
  /// Stops.
  ~edge_loop();

  /// Ends all pinned actors, then the thread. From any thread but the loop's; again does nothing.
  void stop();

  /// Runs `work` on the loop's thread, in the order of posts. False: the loop has stopped, and the
  /// work will not run. From any thread.
  bool post(job work);

  /// Runs `work` on the loop's thread and returns what it returns, or throws what it throws. Not
  /// from the loop's thread. After `stop` it throws std::future_error (broken promise).
  template <class Work>
  auto run(Work work) -> decltype(work()) {
    auto task = std::make_shared<std::packaged_task<decltype(work())()>>(std::move(work));
    auto answer = task->get_future();
    post([task = std::move(task)] { (*task)(); });
    return answer.get();
  }

  /// Spawns an actor of a class derived from `pinned`. From any thread.
  template <class Actor, class... Ts>
  auto spawn(Ts&&... args) {
    caf::actor_config config{&unit_};
    return system_.spawn_impl<Actor, caf::no_spawn_options>(config, *this,
                                                            std::forward<Ts>(args)...);
  }

  caf::actor_system& system() { return system_; }
  /// Sockets and timers. On the loop's thread only.
  kj::AsyncIoContext& io() { return *io_; }

private:
  template <class>
  friend class pinned;
  struct shared;

  class unit final : public caf::execution_unit {
  public:
    unit(caf::actor_system* system, edge_loop* loop) : execution_unit{system}, loop_{loop} {}
    void exec_later(caf::resumable* actor) override { loop_->schedule(actor); }

  private:
    edge_loop* loop_;
  };

  enum class adoption { done, stopping };
  adoption adopt(const caf::strong_actor_ptr& actor);
  void dismiss(caf::actor_id actor);
  void schedule(caf::resumable* actor);
  void work(std::promise<void>& started);
  void drain();
  void resume(caf::resumable* actor);

  caf::actor_system& system_;
  unit unit_;                          ///< whoever schedules a pinned actor
  caf::scoped_execution_unit outside_; ///< where those run whom a pinned actor messages
  /// Shared with threads that are still about to leave `schedule` when the loop is destroyed.
  std::shared_ptr<shared> shared_;
  kj::AsyncIoContext* io_ = nullptr;
  std::thread thread_;
};

/// Base of actors that run on the loop's thread. `Handle` is the actor's typed handle.
template <class Handle>
class pinned : public Handle::base {
public:
  using super = typename Handle::base;

  pinned(caf::actor_config& config, edge_loop& loop) : super{config}, loop_{loop} {}

  using super::enqueue;
  void enqueue(caf::mailbox_element_ptr message, caf::execution_unit*) final {
    super::enqueue(std::move(message), &loop_.unit_);
  }

  void launch(caf::execution_unit*, bool lazy, bool hide) final {
    if (loop_.adopt(caf::strong_actor_ptr{this->ctrl()}) == edge_loop::adoption::stopping)
      caf::anon_send_exit(this->address(), caf::exit_reason::user_shutdown);
    super::launch(&loop_.unit_, lazy, hide);
  }

  void on_exit() final {
    release();
    super::on_exit();
    loop_.dismiss(this->id()); // without a new reference: there may be none left
  }

protected:
  /// Destroys what the actor owns of kj. Called once, on the loop's thread, at the loop's top
  /// level.
  virtual void release() = 0;

  edge_loop& loop() { return loop_; }

private:
  edge_loop& loop_;
};

} // namespace drover
