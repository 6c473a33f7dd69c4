// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/listener.hpp"

#include "actors/edge/enrolment_door.hpp"
#include "actors/edge/first_bytes.hpp"
#include "actors/edge/guards.hpp"
#include "actors/edge/reason.hpp"
#include "actors/edge/tls.hpp"
#include "schema/limits.hpp"
#include "schema/limits_door.hpp"
#include "schema/limits_enrolment.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>
#include <kj/timer.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <future>
#include <map>

namespace drover {

/// What lives on the loop: the socket, and the handshakes that are under way.
class listener::doorman final : private kj::TaskSet::ErrorHandler {
public:
  struct sides {
    std::unique_ptr<tls_side> for_hosts, for_strangers;
    std::string authority; ///< PEM
  };

  doorman(edge_loop& loop, sides tls, const listener_settings& settings)
      : loop_{loop}, tls_{std::move(tls)},
        coordinator_{settings.coordinator}, enroller_{settings.enroller}, book_{settings.book},
        warden_{settings.warden}, bounds_{settings.bounds}, handshakes_{*this} {}

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
    auto sorted = timer().timeoutAfter(limits::accept_timeout.count() * kj::MILLISECONDS,
                                       kj::evalNow([&] { return sort(kj::mv(stream), address); }));
    handshakes_.add(sorted.then([this] { done(); },
                                [this, address](kj::Exception&& problem) {
                                  turn_away(address, plain_reason(problem));
                                  done();
                                }));
  }

  /// What the peer came for: its first byte tells.
  kj::Promise<void> sort(kj::AuthenticatedStream stream, const std::string& address) {
    auto first = kj::heapArray<kj::byte>(1);
    auto read = stream.stream->read(first.begin(), 1);
    return read.then([this, address, first = kj::mv(first), stream = kj::mv(stream)]() mutable {
      if (enroller_ && first[0] == static_cast<kj::byte>(join_greeting[0]))
        return sort_exchange(kj::mv(stream), address);
      stream.stream = kj::heap<replayed_stream>(kj::mv(stream.stream), first[0]);
      return greet_host(kj::mv(stream));
    });
  }

  kj::Promise<void> greet_host(kj::AuthenticatedStream stream) {
    if (shaking_ >= limits::handshakes_at_once)
      throw call_refused("too many hosts connect at once");
    ++shaking_;
    return tls_.for_hosts->accept(kj::mv(stream), timer())
      .attach(kj::defer([this] { --shaking_; }))
      .then([this](tls_peer peer) { admit(kj::mv(peer)); });
  }

  void admit(tls_peer peer) {
    if (auto problem = name_problem("certificate's common", peer.common_name)) {
      turn_away(peer.address, *problem);
      return;
    }
    auto lines = lines_about(peer.common_name);
    auto problem_of_it = problem_of(peer);
    auto link = spawn_host_link(
      loop_,
      {kj::mv(peer.stream), peer.common_name, peer.address, bounds_, lines, problem_of_it, warden_},
      coordinator_);
    if (book_ && problem_of_it.empty())
      book_->note(peer.common_name, peer.serial, link);
  }

  /// Why its certificate holds no more; empty: it does.
  std::string problem_of(const tls_peer& peer) const {
    return book_ ? book_->problem_of(peer.common_name, peer.serial).value_or("") : std::string{};
  }

  // -- exchanges for certificates
  // ------------------------------------------------------------------

  /// Exchanges that are under way; talks may outlive the doorman.
  struct exchange_count {
    size_t open = 0;
    std::map<std::string, size_t> by_host; ///< the address without its port
  };

  kj::Promise<void> sort_exchange(kj::AuthenticatedStream stream, const std::string& address) {
    auto rest = kj::heapArray<char>(join_greeting.size() - 1);
    auto read = stream.stream->read(rest.begin(), rest.size());
    return read.then([this, address, rest = kj::mv(rest), stream = kj::mv(stream)]() mutable {
      auto said = std::string{join_greeting[0]} + std::string{rest.begin(), rest.size()};
      if (said != join_greeting && said != renewal_greeting)
        throw call_refused("it does not speak the farm's TLS");
      if (auto problem = no_room_for(address); !problem.empty())
        throw call_refused(problem);
      return said == join_greeting ? greet_stranger(kj::mv(stream), address)
                                   : greet_renewal(kj::mv(stream));
    });
  }

  std::string no_room_for(const std::string& address) {
    auto known = exchanges_->by_host.find(host_of(address));
    bool crowd =
      known != exchanges_->by_host.end() && known->second >= limits::enrolments_per_address_max;
    if (crowd || exchanges_->open >= limits::enrolments_max
        || exchange_rate_.exceeded_at(rate_guard::moment{since_start()}))
      return "too many ask for certificates at once";
    return {};
  }

  kj::Promise<void> greet_stranger(kj::AuthenticatedStream stream, const std::string& address) {
    auto said = kj::heapArray<kj::byte>(sizeof(uint32_t) + tls_.authority.size());
    for (size_t at = 0; at < sizeof(uint32_t); ++at)
      said[at] = static_cast<kj::byte>(tls_.authority.size() >> (8 * (3 - at)));
    std::copy(tls_.authority.begin(), tls_.authority.end(), said.begin() + sizeof(uint32_t));
    auto& to = *stream.stream;
    auto bytes = kj::arrayPtr(said.begin(), said.size());
    return write_bytes(to, bytes)
      .attach(kj::mv(said))
      .then([this, stream = kj::mv(stream.stream)]() mutable {
        return tls_.for_strangers->accept_stranger(kj::mv(stream), timer());
      })
      .then([this, address](kj::Own<kj::AsyncIoStream> secured) {
        talk({kj::mv(secured), address, {}, {}});
      });
  }

  kj::Promise<void> greet_renewal(kj::AuthenticatedStream stream) {
    return tls_.for_hosts->accept(kj::mv(stream), timer()).then([this](tls_peer peer) {
      auto problem = name_problem("certificate's common", peer.common_name);
      if (!problem)
        if (auto why = problem_of(peer); !why.empty())
          problem = why;
      if (problem) {
        turn_away(peer.address, *problem);
        return;
      }
      talk({kj::mv(peer.stream), peer.address, peer.common_name, {}});
    });
  }

  void talk(enrolment_guest guest) {
    auto host = host_of(guest.address);
    ++exchanges_->open;
    ++exchanges_->by_host[host];
    guest.over = [counts = exchanges_, host] {
      --counts->open;
      if (--counts->by_host[host] == 0)
        counts->by_host.erase(host);
    };
    spawn_enrolment_talk(loop_, kj::mv(guest), enroller_);
  }

  static std::string host_of(const std::string& address) {
    return address.substr(0, address.rfind(':'));
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
    if (!lines_.admits_at(line_guard::moment{since_start()}))
      return;
    if (auto count = lines_.take_left_out(); count > 0)
      spdlog::warn("listener: {} more lines about strangers were left out", count);
    spdlog::warn("{}", line);
  }

  kj::Timer& timer() { return loop_.io().provider->getTimer(); }

  int64_t since_start() { return (timer().now() - kj::origin<kj::TimePoint>()) / kj::NANOSECONDS; }

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
  sides tls_;
  arrival_taker coordinator_;
  enroller_actor enroller_;
  std::shared_ptr<certificate_book> book_;
  conduct_taker warden_;
  peer_bounds bounds_;
  line_guard lines_{limits::strangers_logged_max, limits::strangers_log_period};
  std::map<std::string, std::shared_ptr<line_guard>> guards_; ///< by name of host
  kj::Own<kj::ConnectionReceiver> socket_;
  size_t open_ = 0;    ///< connections of which it is not known yet who they are
  size_t shaking_ = 0; ///< those of them that have begun a host's TLS
  std::shared_ptr<exchange_count> exchanges_ = std::make_shared<exchange_count>();
  rate_guard exchange_rate_{limits::enrolments_per_second_max};
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
  auto open_tls = tls_side::make_open(*keys);
  if (!open_tls)
    return open_tls.error();
  doorman::sides sides{std::move(*tls), std::move(*open_tls), keys->authority};
  auto door = std::make_shared<doorman>(loop, std::move(sides), settings);
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
