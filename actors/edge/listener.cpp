// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/listener.hpp"

#include "actors/edge/reason.hpp"
#include "actors/edge/tls.hpp"
#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>
#include <kj/timer.h>
#include <spdlog/spdlog.h>

#include <future>
#include <map>

namespace drover {

/// What lives on the loop: the socket, and the handshakes that are under way.
class listener::doorman final : private kj::TaskSet::ErrorHandler {
public:
  doorman(edge_loop& loop, std::unique_ptr<tls_side> tls, const listener_settings& settings)
      : loop_{loop}, tls_{std::move(tls)},
        coordinator_{settings.coordinator}, bounds_{settings.bounds}, handshakes_{*this} {}

  /// Binds and begins to accept; the port, or why not.
  kj::Promise<uint16_t> open(const std::string& address) {
    return loop_.io()
      .provider->getNetwork()
      .parseAddress(address.c_str())
      .then([this](kj::Own<kj::NetworkAddress> parsed) {
        socket_ = parsed->listen();
        accepting_ = accept_next().eagerlyEvaluate([](kj::Exception&& problem) {
          spdlog::error("listener: accepts no more: {}", plain_reason(problem));
        });
        return static_cast<uint16_t>(socket_->getPort());
      });
  }

private:
  kj::Promise<void> accept_next() {
    if (open_ >= limits::handshakes_max) {
      auto pair = kj::newPromiseAndFulfiller<void>();
      room_ = kj::mv(pair.fulfiller);
      return pair.promise.then([this] { return accept_next(); });
    }
    // `accept` itself may throw, for want of a descriptor: that must not end the loop of accepts.
    return kj::evalNow([this] { return socket_->acceptAuthenticated(); })
      .then(
        [this](kj::AuthenticatedStream stream) {
          greet(kj::mv(stream));
          return accept_next();
        },
        [this](kj::Exception&& problem) {
          warn(fmt::format("listener: a connection could not be accepted, goes on: {}",
                           plain_reason(problem)));
          return loop_.io()
            .provider->getTimer()
            .afterDelay(limits::accept_backoff.count() * kj::MILLISECONDS)
            .then([this] { return accept_next(); });
        });
  }

  void greet(kj::AuthenticatedStream stream) {
    ++open_;
    auto address = std::string{stream.peerIdentity->toString().cStr()};
    auto shaken =
      kj::evalNow([&] { return tls_->accept(kj::mv(stream), loop_.io().provider->getTimer()); });
    handshakes_.add(shaken.then([this](tls_peer peer) { admit(kj::mv(peer)); },
                                [this, address](kj::Exception&& problem) {
                                  turn_away(address, plain_reason(problem));
                                  done();
                                }));
  }

  void admit(tls_peer peer) {
    done();
    if (auto problem = name_problem("certificate's common", peer.common_name)) {
      turn_away(peer.address, *problem);
      return;
    }
    auto lines = lines_about(peer.common_name);
    spawn_host_link(loop_, {kj::mv(peer.stream), peer.common_name, peer.address, bounds_, lines},
                    coordinator_);
  }

  /// One guard for all connections under a name; those of names that are gone make room.
  std::shared_ptr<line_guard> lines_about(const std::string& name) {
    if (guards_.size() >= limits::hosts_max)
      std::erase_if(guards_, [](const auto& known) { return known.second.use_count() == 1; });
    auto& guard = guards_[name];
    if (!guard)
      guard =
        std::make_shared<line_guard>(limits::strangers_logged_max, limits::strangers_log_period);
    return guard;
  }

  void turn_away(const std::string& address, const std::string& why) {
    warn(fmt::format("listener: address={} refused: {}", address, why));
  }

  /// Strangers must not fill the log: what they cause is bounded, and the rest counted.
  void warn(const std::string& line) {
    auto since = loop_.io().provider->getTimer().now() - kj::origin<kj::TimePoint>();
    if (!lines_.admits_at(line_guard::moment{since / kj::NANOSECONDS}))
      return;
    if (auto count = lines_.take_left_out(); count > 0)
      spdlog::warn("listener: {} more lines about strangers were left out", count);
    spdlog::warn("{}", line);
  }

  void done() {
    --open_;
    if (room_.get() != nullptr)
      room_->fulfill();
    room_ = nullptr;
  }

  void taskFailed(kj::Exception&& problem) override {
    spdlog::error("listener: a handshake was dropped: {}", plain_reason(problem));
  }

  edge_loop& loop_;
  std::unique_ptr<tls_side> tls_;
  arrival_taker coordinator_;
  peer_bounds bounds_;
  line_guard lines_{limits::strangers_logged_max, limits::strangers_log_period};
  std::map<std::string, std::shared_ptr<line_guard>> guards_; ///< by name of host
  kj::Own<kj::ConnectionReceiver> socket_;
  size_t open_ = 0; ///< handshakes under way
  kj::Own<kj::PromiseFulfiller<void>> room_;
  kj::TaskSet handshakes_;
  kj::Promise<void> accepting_ = nullptr;
};

expected<std::unique_ptr<listener>> listener::open(edge_loop& loop,
                                                   const listener_settings& settings) {
  auto keys = load_keys(settings.keys);
  if (!keys)
    return keys.error();
  auto tls = tls_side::make(*keys);
  if (!tls)
    return tls.error();
  auto door = std::make_shared<doorman>(loop, std::move(*tls), settings);
  std::promise<expected<uint16_t>> opened;
  auto answer = opened.get_future();
  kj::Promise<void> opening = nullptr; // touched on the loop's thread only
  auto& address = settings.address;
  bool posted = loop.post([&] {
    opening = kj::evalNow([&] { return door->open(address); })
                .then([&](uint16_t port) { opened.set_value(port); },
                      [&](kj::Exception&& problem) {
                        opened.set_value(
                          failure{ec::unavailable, fmt::format("listening on {}: {}", address,
                                                               plain_reason(problem))});
                      })
                .eagerlyEvaluate(nullptr);
  });
  if (!posted)
    return failure{ec::unavailable, "the event loop has stopped"};
  auto port = answer.get();
  loop.run([&] {
    opening = nullptr;
    if (!port)
      door = nullptr;
  });
  if (!port)
    return port.error();
  spdlog::info("listener: port={} open for hosts", *port);
  return std::unique_ptr<listener>{new listener{loop, std::move(door), *port}};
}

listener::listener(edge_loop& loop, std::shared_ptr<doorman> door, uint16_t port)
    : loop_{loop}, door_{std::move(door)}, port_{port} {}

listener::~listener() {
  stop();
}

void listener::stop() {
  if (!door_)
    return;
  try {
    loop_.run([this] { door_ = nullptr; });
  } catch (const std::future_error&) {
    // The loop is gone and with it the thread on which a doorman may end: it stays, for good.
    spdlog::error("listener: was stopped after its event loop");
    new std::shared_ptr<doorman>{std::move(door_)};
  }
}

} // namespace drover
