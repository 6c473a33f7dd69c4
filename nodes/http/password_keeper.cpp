// SPDX-License-Identifier: Apache-2.0
#include "nodes/http/password_keeper.hpp"

#include "schema/limits_access.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <sodium.h>

namespace drover::http {

namespace {

struct costs {
  unsigned long long operations = crypto_pwhash_OPSLIMIT_INTERACTIVE;
  size_t memory = crypto_pwhash_MEMLIMIT_INTERACTIVE;
};

costs costs_of(password_cost cost) {
  if (cost == password_cost::least)
    return {crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN};
  return {};
}

/// One of those that may wait at once.
class place_in_line {
public:
  explicit place_in_line(std::shared_ptr<std::atomic<size_t>> waiting)
      : waiting_{std::move(waiting)} {
    ++*waiting_;
  }
  ~place_in_line() { --*waiting_; }
  place_in_line(const place_in_line&) = delete;
  place_in_line& operator=(const place_in_line&) = delete;
  bool is_free() const { return *waiting_ <= limits::password_work_max; }

private:
  std::shared_ptr<std::atomic<size_t>> waiting_;
};

const failure too_busy{ec::unavailable, "too many sign in at this moment; try again"};

struct keeper_state {
  using pointer = password_keeper_actor::stateful_pointer<keeper_state>;
  static inline const char* name = "password_keeper";
  explicit keeper_state(pointer actor) : self{actor}, born{actor->clock().now()} {}

  expected<std::string> make(const std::string& password) {
    std::string out(crypto_pwhash_STRBYTES, '\0');
    if (sodium_init() < 0)
      return failure{ec::internal, "password: the system has no random bytes"};
    if (crypto_pwhash_str_alg(out.data(), password.data(), password.size(), cost.operations,
                              cost.memory, crypto_pwhash_ALG_ARGON2ID13)
        != 0)
      return failure{ec::unavailable, "password: not enough memory at this moment; try again"};
    out.resize(out.find('\0'));
    ++*done;
    return out;
  }

  expected<bool> check(const check_password& asked) {
    // Nobody's account takes as long as anybody's.
    if (nobody.empty()) {
      auto made = make("the password of nobody");
      if (!made)
        return made.error();
      nobody = std::move(*made);
    }
    const auto& stored = asked.stored.empty() ? nobody : asked.stored;
    auto fits =
      crypto_pwhash_str_verify(stored.c_str(), asked.password.data(), asked.password.size()) == 0;
    ++*done;
    return fits && !asked.stored.empty();
  }

  actor_entry describe() const {
    actor_entry out;
    out.name = out.kind = name;
    out.state = "idle";
    out.uptime_ms = (self->clock().now() - born) / milliseconds{1};
    out.activity = std::to_string(*done) + " passwords made or compared";
    return out;
  }

  pointer self;
  caf::actor_clock::time_point born;
  costs cost;
  std::shared_ptr<std::atomic<uint64_t>> done;
  std::string nobody;
};

password_keeper_actor::behavior_type
run_keeper(keeper_state::pointer self, password_cost cost,
           const std::shared_ptr<std::atomic<uint64_t>>& done) {
  self->state.cost = costs_of(cost);
  self->state.done = done;
  return {
    [self](hash_password& order) {
      auto out = self->state.make(order.password);
      sodium_memzero(order.password.data(), order.password.size());
      return out;
    },
    [self](check_password& order) {
      auto out = self->state.check(order);
      sodium_memzero(order.password.data(), order.password.size());
      return out;
    },
    [self](atom::describe) { return self->state.describe(); },
  };
}

} // namespace

password_keeper spawn_password_keeper(caf::actor_system& system, password_cost cost) {
  password_keeper out;
  out.waiting = std::make_shared<std::atomic<size_t>>(0);
  out.done = std::make_shared<std::atomic<uint64_t>>(0);
  out.actor = system.spawn<caf::detached>(run_keeper, cost, out.done);
  return out;
}

void stop_password_keeper(const password_keeper& keeper) {
  caf::anon_send_exit(keeper.actor, caf::exit_reason::user_shutdown);
}

asio::awaitable<expected<std::string>> hash(gateway via, password_keeper keeper,
                                            std::string password) {
  place_in_line place{keeper.waiting};
  if (!place.is_free())
    co_return too_busy;
  hash_password order{std::move(password)};
  co_return co_await ask_for<std::string>(via, keeper.actor, limits::password_patience,
                                          std::move(order));
}

asio::awaitable<expected<bool>> check(gateway via, password_keeper keeper, check_password asked) {
  place_in_line place{keeper.waiting};
  if (!place.is_free())
    co_return too_busy;
  co_return co_await ask_for<bool>(via, keeper.actor, limits::password_patience, std::move(asked));
}

std::optional<std::string> password_problem(const std::string& password) {
  if (password.size() < limits::password_bytes_min)
    return "a password has at least " + std::to_string(limits::password_bytes_min) + " bytes";
  if (password.size() > limits::password_bytes_max)
    return "a password has at most " + std::to_string(limits::password_bytes_max) + " bytes";
  if (password.find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos)
    return "a password is one line";
  return std::nullopt;
}

} // namespace drover::http
