// SPDX-License-Identifier: Apache-2.0
#include "nodes/reporters/irc_socket.hpp"

#include "schema/limits_irc.hpp"
#include "schema/names.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

namespace drover {

struct irc_lookup {
  std::atomic<bool> done{false};
  std::vector<std::string> found; ///< written before `done`
  std::string problem;
};

namespace {

void look_up_now(const std::shared_ptr<irc_lookup>& out, const irc_address& to) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* all = nullptr;
  if (int wrong = getaddrinfo(to.host.c_str(), to.port.c_str(), &hints, &all); wrong != 0)
    out->problem = to.host + ": " + gai_strerror(wrong);
  for (auto* one = all; one != nullptr; one = one->ai_next)
    out->found.emplace_back(reinterpret_cast<const char*>(one->ai_addr), one->ai_addrlen);
  if (all != nullptr)
    freeaddrinfo(all);
  out->done = true;
}

bool is_number(const std::string& host) {
  in6_addr six{};
  in_addr four{};
  return inet_pton(AF_INET, host.c_str(), &four) == 1
         || inet_pton(AF_INET6, host.c_str(), &six) == 1;
}

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

constexpr size_t piece_bytes = 16 * 1024;
/// A server that sends more than this at once waits until it was read.
constexpr size_t pieces_at_once = 8;

} // namespace

expected<irc_address> parse_irc_address(std::string_view url) {
  irc_address out;
  auto begins = [&url](std::string_view scheme) { return url.substr(0, scheme.size()) == scheme; };
  auto wrong = failure{ec::bad_input, "irc: '" + printable(url, limits::name_bytes_max)
                                        + "' is no address; write e.g. ircs://irc.example.org"};
  if (begins("ircs://"))
    out.encrypted = true;
  else if (!begins("irc://"))
    return wrong;
  auto place = url.substr(url.find("//") + 2);
  place = place.substr(0, place.find('/'));
  auto colon = place.rfind(':');
  if (!place.empty() && place.front() == '[') { // IPv6
    auto end = place.find(']');
    if (end == std::string_view::npos)
      return wrong;
    out.host = place.substr(1, end - 1);
    colon = end + 1 < place.size() && place[end + 1] == ':' ? end + 1 : std::string_view::npos;
  } else {
    out.host = place.substr(0, colon);
  }
  if (colon == std::string_view::npos)
    out.port = out.encrypted ? "6697" : "6667";
  else
    out.port = place.substr(colon + 1);
  bool digits =
    !out.port.empty() && out.port.size() <= 5
    && std::all_of(out.port.begin(), out.port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (out.host.empty() || !digits)
    return wrong;
  return out;
}

std::string to_string(const irc_address& address) {
  bool is_six = address.host.find(':') != std::string::npos;
  return (is_six ? "[" + address.host + "]" : address.host) + ":" + address.port;
}

irc_socket::irc_socket(irc_address to, std::string ca) : to_{std::move(to)}, ca_{std::move(ca)} {}

irc_socket::~irc_socket() = default;

expected<irc_socket::progress> irc_socket::advance() {
  bool was_open = stage_ == stage::open;
  std::optional<failure> wrong;
  if (stage_ == stage::lookup)
    wrong = look_up();
  if (!wrong && stage_ == stage::connecting)
    wrong = finish_dial();
  if (!wrong && stage_ == stage::handshake)
    wrong = shake_hands();
  if (!wrong && stage_ == stage::open)
    wrong = move_bytes();
  if (wrong)
    return *wrong;
  if (stage_ != stage::open)
    return progress::connecting;
  return was_open ? progress::open : progress::connected;
}

std::optional<failure> irc_socket::look_up() {
  if (!lookup_) {
    lookup_ = std::make_shared<irc_lookup>();
    if (is_number(to_.host))
      look_up_now(lookup_, to_);
    else
      std::thread{look_up_now, lookup_, to_}.detach(); // holds nothing but the answer's place
  }
  if (!lookup_->done)
    return std::nullopt;
  if (lookup_->found.empty())
    return failure{ec::unavailable, lookup_->problem};
  left_ = std::move(lookup_->found);
  return dial_next();
}

std::optional<failure> irc_socket::dial_next() {
  while (!left_.empty()) {
    auto bytes = left_.front();
    left_.erase(left_.begin());
    const auto* address = reinterpret_cast<const sockaddr*>(bytes.data());
    socket_ = owned_fd{socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!socket_.valid())
      return failure{ec::io, std::string{"socket: "} + std::strerror(errno)};
    dialled_at_ = std::chrono::steady_clock::now();
    stage_ = stage::connecting;
    if (connect(socket_.get(), address, static_cast<socklen_t>(bytes.size())) == 0
        || errno == EINPROGRESS)
      return std::nullopt;
    last_problem_ = std::strerror(errno);
  }
  return failure{ec::unavailable, to_string(to_) + ": " + last_problem_};
}

std::optional<failure> irc_socket::finish_dial() {
  pollfd look{socket_.get(), POLLOUT, 0};
  if (poll(&look, 1, 0) == 0) {
    if (std::chrono::steady_clock::now() - dialled_at_ < limits::irc_dial_timeout)
      return std::nullopt;
    last_problem_ = "no answer within "
                    + std::to_string(limits::irc_dial_timeout / limits::milliseconds{1000}) + " s";
    return dial_next();
  }
  int problem = 0;
  socklen_t size = sizeof problem;
  if (getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
    problem = errno;
  if (problem != 0) {
    last_problem_ = std::strerror(problem);
    return dial_next();
  }
  if (!to_.encrypted) {
    stage_ = stage::open;
    return std::nullopt;
  }
  stage_ = stage::handshake;
  return begin_tls();
}

// -- TLS -----------------------------------------------------------------------------------------

failure irc_socket::tls_failure(const std::string& what) const {
  auto text = to_string(to_) + ": " + what;
  if (tls_)
    if (auto verdict = SSL_get_verify_result(tls_.get()); verdict != X509_V_OK)
      return {ec::refused, text + ": its certificate: " + X509_verify_cert_error_string(verdict)};
  auto code = ERR_get_error();
  const auto* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return {ec::unavailable, text + (reason == nullptr ? "" : std::string{": "} + reason)};
}

std::optional<failure> irc_socket::begin_tls() {
  ERR_clear_error();
  context_.reset(SSL_CTX_new(TLS_client_method()));
  if (!context_)
    return tls_failure("no TLS");
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  bool trusted = ca_.empty()
                   ? SSL_CTX_set_default_verify_paths(context_.get()) == 1
                   : SSL_CTX_load_verify_locations(context_.get(), ca_.c_str(), nullptr) == 1;
  if (!trusted)
    return tls_failure("the certificates in " + (ca_.empty() ? "the system" : ca_)
                       + " can't be read");
  tls_.reset(SSL_new(context_.get()));
  if (!tls_ || SSL_set_fd(tls_.get(), socket_.get()) != 1)
    return tls_failure("no TLS");
  bool named = is_number(to_.host)
                 ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_.get()), to_.host.c_str()) == 1
                 : SSL_set1_host(tls_.get(), to_.host.c_str()) == 1
                     && SSL_set_tlsext_host_name(tls_.get(), to_.host.c_str()) == 1;
  if (!named)
    return tls_failure("'" + printable(to_.host, limits::name_bytes_max)
                       + "' can't be in a certificate");
  SSL_set_mode(tls_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return std::nullopt;
}

std::optional<failure> irc_socket::shake_hands() {
  ERR_clear_error();
  int done = SSL_connect(tls_.get());
  if (done == 1) {
    stage_ = stage::open;
    wants_write_ = false;
    return std::nullopt;
  }
  auto why = SSL_get_error(tls_.get(), done);
  wants_write_ = why == SSL_ERROR_WANT_WRITE;
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
    return std::nullopt;
  return tls_failure("TLS failed");
}

// -- bytes ---------------------------------------------------------------------------------------

/// Bytes read; 0: the end; -1: nothing now; -2: broken.
long irc_socket::read_some(char* into, size_t most) {
  if (!tls_) {
    auto got = recv(socket_.get(), into, most, 0);
    return got >= 0 ? got : would_block() ? -1 : -2;
  }
  ERR_clear_error();
  auto got = SSL_read(tls_.get(), into, static_cast<int>(most));
  if (got > 0)
    return got;
  auto why = SSL_get_error(tls_.get(), got);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
    return -1;
  return why == SSL_ERROR_ZERO_RETURN ? 0 : -2;
}

/// Bytes written; -1: none now; -2: broken.
long irc_socket::write_some() {
  auto most = std::min(waiting_.size(), piece_bytes);
  if (!tls_) {
    auto put = ::send(socket_.get(), waiting_.data(), most, MSG_NOSIGNAL);
    return put >= 0 ? put : would_block() ? -1 : -2;
  }
  ERR_clear_error();
  auto put = SSL_write(tls_.get(), waiting_.data(), static_cast<int>(most));
  if (put > 0)
    return put;
  auto why = SSL_get_error(tls_.get(), put);
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -1 : -2;
}

std::optional<failure> irc_socket::move_bytes() {
  std::string piece(piece_bytes, '\0');
  for (size_t i = 0; i < pieces_at_once; ++i) {
    auto got = read_some(piece.data(), piece.size());
    if (got == -1)
      break;
    if (got <= 0 && !received_.empty())
      break; // what came before its end is read first
    if (got == 0)
      return failure{ec::unavailable, "the server has closed the connection"};
    if (got < 0)
      return failure{ec::unavailable,
                     std::string{"the connection broke"}
                       + (errno == 0 ? "" : std::string{": "} + std::strerror(errno))};
    received_.append(piece, 0, static_cast<size_t>(got));
  }
  while (!waiting_.empty()) {
    auto put = write_some();
    if (put == -1)
      break;
    if (put < 0)
      return received_.empty() ? std::optional{failure{ec::unavailable, "the connection broke"}}
                               : std::nullopt;
    waiting_.erase(0, static_cast<size_t>(put));
  }
  return std::nullopt;
}

short irc_socket::events() const {
  switch (stage_) {
  case stage::lookup:
    return 0;
  case stage::connecting:
    return POLLOUT;
  case stage::handshake:
    return wants_write_ ? POLLOUT : POLLIN;
  case stage::open:
    break;
  }
  return waiting_.empty() ? POLLIN : POLLIN | POLLOUT;
}

} // namespace drover
