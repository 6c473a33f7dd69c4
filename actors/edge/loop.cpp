// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/loop.hpp"

#include "actors/edge/reason.hpp"
#include "schema/limits.hpp"

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/exception.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <map>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <variant>

namespace drover {
namespace {

/// Turns of the event loop after which it looks at the sockets although it has work: otherwise one
/// flooding peer starves all others.
constexpr unsigned turns_between_polls = 50;

} // namespace

/// What any thread may reach.
struct edge_loop::shared {
  /// A job, or an actor with a reference that the queue owns.
  using entry = std::variant<job, caf::resumable*>;

  shared() : wake{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
    if (wake < 0)
      throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  shared(const shared&) = delete;
  shared& operator=(const shared&) = delete;
  ~shared() { close(wake); }

  /// False: closed, the entry is dropped.
  bool push(entry what) {
    std::lock_guard guard{mutex};
    if (closed)
      return false;
    queue.push_back(std::move(what));
    if (queue.size() == 1)
      ring(); // whoever takes the queue takes it whole
    return true;
  }

  void ring() const {
    uint64_t one = 1;
    // Nobody reads it: each write is an edge. It holds 2^64 - 2, more than there will be rings.
    [[maybe_unused]] auto written = write(wake, &one, sizeof one);
  }

  std::mutex mutex;
  std::deque<entry> queue;
  std::map<caf::actor_id, caf::strong_actor_ptr> pinned;
  bool stopping = false;
  bool closed = false;
  int wake;
};

edge_loop::edge_loop(caf::actor_system& system)
    : system_{system}, unit_{&system, this}, outside_{&system}, shared_{
                                                                  std::make_shared<shared>()} {
  std::promise<void> started;
  auto running = started.get_future();
  thread_ = std::thread{[this, &started] { work(started); }};
  try {
    running.get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

edge_loop::~edge_loop() {
  stop();
}

void edge_loop::stop() {
  if (!thread_.joinable())
    return;
  std::map<caf::actor_id, caf::strong_actor_ptr> ending;
  {
    std::lock_guard guard{shared_->mutex};
    shared_->stopping = true;
    ending = shared_->pinned;
    shared_->ring();
  }
  for (const auto& [id, actor] : ending)
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  ending.clear();
  thread_.join();
}

bool edge_loop::post(job work) {
  return shared_->push(std::move(work));
}

edge_loop::adoption edge_loop::adopt(const caf::strong_actor_ptr& actor) {
  std::lock_guard guard{shared_->mutex};
  if (!shared_->closed)
    shared_->pinned.emplace(actor->id(), actor);
  return shared_->stopping ? adoption::stopping : adoption::done;
}

void edge_loop::dismiss(caf::actor_id actor) {
  std::lock_guard guard{shared_->mutex};
  shared_->pinned.erase(actor); // not its last reference: whoever resumes it has one
}

void edge_loop::schedule(caf::resumable* actor) {
  auto here = shared_; // the loop may be gone once the actor has run
  if (!here->push(actor))
    intrusive_ptr_release(actor);
}

void edge_loop::work(std::promise<void>& started) {
  try {
    auto io = kj::setupAsyncIo();
    io.waitScope.setBusyPollInterval(turns_between_polls);
    kj::UnixEventPort::FdObserver wakes{io.unixEventPort, shared_->wake,
                                        kj::UnixEventPort::FdObserver::OBSERVE_READ};
    io_ = &io;
    started.set_value();
    for (;;) {
      drain();
      {
        std::lock_guard guard{shared_->mutex};
        shared_->closed = shared_->stopping && shared_->pinned.empty() && shared_->queue.empty();
        if (shared_->closed)
          break;
      }
      // Edge-triggered. An edge that comes while nobody waits is not lost work: what rang before
      // the drain was drained, and what rings later gives a new edge.
      wakes.whenBecomesReadable().wait(io.waitScope);
    }
    io_ = nullptr;
  } catch (const kj::Exception& problem) {
    if (io_)
      throw; // a defect: nothing that runs on the loop may throw up to here
    started.set_exception(std::make_exception_ptr(
      std::runtime_error{"no event loop for connections: " + plain_reason(problem)}));
  }
}

void edge_loop::drain() {
  std::deque<shared::entry> batch;
  {
    std::lock_guard guard{shared_->mutex};
    batch.swap(shared_->queue);
  }
  for (auto& entry : batch) {
    if (auto* actor = std::get_if<caf::resumable*>(&entry)) {
      resume(*actor);
      continue;
    }
    try {
      std::get<job>(entry)();
    } catch (const std::exception& problem) {
      spdlog::error("edge loop: a job failed: {}", problem.what());
    } catch (const kj::Exception& problem) {
      spdlog::error("edge loop: a job failed: {}", plain_reason(problem));
    }
    entry = job{}; // what it captured goes before the next job runs
  }
}

void edge_loop::resume(caf::resumable* actor) {
  switch (actor->resume(&outside_, limits::loop_messages_max)) {
  case caf::resumable::resume_later: // has more messages; sockets first
    schedule(actor);
    break;
  case caf::resumable::shutdown_execution_unit:
    break;
  default:
    intrusive_ptr_release(actor);
  }
}

} // namespace drover
