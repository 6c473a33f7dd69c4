// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/enrolment_call.hpp"

#include "actors/core/enrolment.hpp"
#include "actors/edge/certify.hpp"
#include "actors/edge/first_bytes.hpp"
#include "actors/edge/reason.hpp"
#include "actors/edge/tls.hpp"
#include "schema/enrolment_codec.hpp"
#include "schema/limits.hpp"
#include "schema/limits_enrolment.hpp"

#include <capnp/message.h>
#include <capnp/serialize-async.h>
#include <fmt/format.h>
#include <kj/timer.h>

namespace drover {
namespace {

using stream_ptr = kj::Own<kj::AsyncIoStream>;
using grant_promise = kj::Promise<expected<enrolment_grant>>;

constexpr size_t fingerprint_digits = 64;
constexpr size_t length_bytes = 4;

grant_promise exchange(stream_ptr stream, const enrolment_request& request) {
  auto message = kj::heap<capnp::MallocMessageBuilder>();
  write(request, message->initRoot<enrolments::Request>());
  auto& to = *stream;
  auto& said = *message;
  return capnp::writeMessage(to, said)
    .then([&to] {
      capnp::ReaderOptions bounds;
      bounds.traversalLimitInWords = limits::enrolment_words_max;
      return capnp::readMessage(to, bounds);
    })
    .then([](kj::Own<capnp::MessageReader> from) -> expected<enrolment_grant> {
      auto answer = read(from->getRoot<enrolments::Answer>());
      if (!answer)
        return answer.error();
      if (const auto* no = std::get_if<enrolment_refusal>(&*answer))
        return failure{ec::refused, no->reason};
      return std::get<enrolment_grant>(std::move(*answer));
    })
    .attach(kj::mv(stream), kj::mv(message));
}

kj::Promise<stream_ptr> reach(kj::AsyncIoContext& io, const std::string& address) {
  return io.provider->getNetwork()
    .parseAddress(address.c_str())
    .then([](kj::Own<kj::NetworkAddress> parsed) {
      auto connecting = parsed->connect();
      return connecting.attach(kj::mv(parsed));
    });
}

kj::Promise<void> greet(kj::AsyncIoStream& stream, std::string_view greeting) {
  return write_bytes(
    stream, kj::arrayPtr(reinterpret_cast<const kj::byte*>(greeting.data()), greeting.size()));
}

/// The certificate that the coordinator says first.
kj::Promise<std::string> hear_authority(kj::AsyncIoStream& from) {
  auto length = kj::heapArray<kj::byte>(length_bytes);
  auto read = from.read(length.begin(), length.size());
  return read.then([&from, length = kj::mv(length)]() -> kj::Promise<std::string> {
    size_t size = 0;
    for (auto byte : length)
      size = size << 8 | byte;
    if (size == 0 || size > limits::enrolment_authority_bytes_max)
      throw call_refused("it is not a coordinator that takes new hosts");
    auto pem = kj::heapArray<char>(size);
    auto body = from.read(pem.begin(), pem.size());
    return body.then([pem = kj::mv(pem)] { return std::string{pem.begin(), pem.size()}; });
  });
}

/// The stream inside TLS, once the farm has proved to be the one that is meant.
kj::Promise<stream_ptr> secure(stream_ptr stream, const std::string& authority,
                               const std::string& fingerprint, kj::Timer& timer) {
  auto found = key_fingerprint(authority);
  if (!found || !core::same_digest(*found, fingerprint))
    throw call_refused(fmt::format(
      "it is another farm than the token is for (its fingerprint is {}); nothing was sent to it",
      found ? *found : "none"));
  auto side = tls_stranger::make(authority);
  if (!side)
    throw call_refused(side.error().text);
  auto kept = kj::heap(std::move(*side));
  auto connecting = (*kept)->connect(kj::mv(stream), timer);
  return connecting.attach(kj::mv(kept));
}

failure not_had(const std::string& address, const kj::Exception& problem) {
  return {ec::unavailable, fmt::format("{}: {}", address, plain_reason(problem))};
}

} // namespace

expected<join_token> parse_join_token(const std::string& text) {
  auto dot = text.rfind('.');
  auto is_hex = [](const std::string& digits) {
    return digits.find_first_not_of("0123456789abcdef") == std::string::npos;
  };
  if (dot == std::string::npos || dot == 0 || text.size() - dot - 1 != fingerprint_digits
      || !is_hex(text.substr(dot + 1)))
    return failure{ec::bad_input, "the token is not whole: it is one word of the form"
                                  " drv_....HEXDIGITS, as `drover admin token` prints it"};
  return join_token{text.substr(0, dot), text.substr(dot + 1)};
}

expected<enrolment_grant> ask_to_join(const std::string& address, const std::string& fingerprint,
                                      const enrolment_request& request) {
  auto io = kj::setupAsyncIo();
  auto& timer = io.provider->getTimer();
  try {
    auto talk = reach(io, address)
                  .then([&](stream_ptr stream) {
                    auto& to = *stream;
                    return greet(to, join_greeting)
                      .then([&to] { return hear_authority(to); })
                      .then([&, stream = kj::mv(stream)](std::string authority) mutable {
                        return secure(kj::mv(stream), authority, fingerprint, timer);
                      });
                  })
                  .then([&](stream_ptr stream) { return exchange(kj::mv(stream), request); });
    return timer.timeoutAfter(limits::enrolment_timeout.count() * kj::MILLISECONDS, kj::mv(talk))
      .wait(io.waitScope);
  } catch (const kj::Exception& problem) {
    return not_had(address, problem);
  }
}

grant_promise ask_to_renew(kj::AsyncIoContext& io, const std::string& address,
                           const key_texts& keys, const enrolment_request& request) {
  auto side = tls_side::make(keys);
  if (!side)
    return expected<enrolment_grant>{side.error()};
  auto kept = kj::heap(std::move(*side));
  auto& tls = **kept;
  auto& timer = io.provider->getTimer();
  auto talk =
    reach(io, address)
      .then([&tls, &timer](stream_ptr stream) {
        auto& to = *stream;
        return greet(to, renewal_greeting).then([&tls, &timer, stream = kj::mv(stream)]() mutable {
          return tls.connect(kj::mv(stream), timer);
        });
      })
      .then([request](stream_ptr stream) { return exchange(kj::mv(stream), request); });
  return timer.timeoutAfter(limits::enrolment_timeout.count() * kj::MILLISECONDS, kj::mv(talk))
    .catch_([address](kj::Exception&& problem) -> expected<enrolment_grant> {
      return not_had(address, problem);
    })
    .attach(kj::mv(kept));
}

} // namespace drover
