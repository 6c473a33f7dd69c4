#pragma once
// A client that keeps no rules, and the certificates that one could come with.
// SPDX-License-Identifier: Apache-2.0

#include "actors/edge/connection.hpp"
#include "actors/edge/pem_files.hpp"
#include "actors/edge/tls.hpp"
#include "schema/wire_codec.hpp"
#include "tests/edge/edge_fixture.hpp"

#include <kj/timer.h>
#include <openssl/x509v3.h>
#include <spdlog/sinks/base_sink.h>

namespace drover::test {

/// A client that may do anything, on the test's own thread.
struct stranger {
  stranger() = default;
  explicit stranger(const farm_fixture& farm) : address{farm.address()} {}

  kj::Own<kj::AsyncIoStream> plain() {
    auto& network = io.provider->getNetwork();
    return network.parseAddress(address.c_str()).wait(io.waitScope)->connect().wait(io.waitScope);
  }

  kj::Own<kj::AsyncIoStream> secured(const key_files& keys) {
    auto texts = load_keys(keys);
    REQUIRE(texts.ok());
    side = std::move(*tls_side::make(*texts));
    return side->connect(plain(), io.provider->getTimer()).wait(io.waitScope);
  }

  /// Whether the other side closes the stream; what it sends before is of no matter.
  bool is_closed(kj::AsyncIoStream& stream) {
    auto limit = std::chrono::seconds{patience}.count() * kj::SECONDS;
    auto& timer = io.provider->getTimer();
    try {
      timer.timeoutAfter(limit, stream.readAllBytes()).wait(io.waitScope);
    } catch (const kj::Exception& problem) {
      return problem.getType() != kj::Exception::Type::OVERLOADED;
    }
    return true;
  }

  /// The arrival at the coordinator; meanwhile this thread's loop runs.
  arrival arrival_of(farm_fixture& farm) {
    for (auto tries = patience / 1ms; tries > 0 && farm.arrivals.empty(); --tries)
      io.provider->getTimer().afterDelay(1 * kj::MILLISECONDS).wait(io.waitScope);
    return farm.arrivals.pop();
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  std::string address;
  std::unique_ptr<tls_side> side;
};

/// kj's later versions take an array, earlier ones a pointer and a size.
template <class Stream>
kj::Promise<void> write_all(Stream& to, const std::string& text) {
  if constexpr (requires { to.write(text.data(), text.size()); })
    return to.write(text.data(), text.size());
  else
    return to.write(kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size()));
}

/// How a certificate of the farm's own authority may be wrong.
struct forgery {
  long valid_from = -3600; ///< seconds from now
  long valid_until = 3600;
  const char* usage = "clientAuth";
};

/// Keys for `name`, signed by the authority in `farm`, without the checks of who makes them for
/// good.
inline key_texts forge(const std::string& farm, const std::string& name, const forgery& how) {
  auto authority = read_certificate(farm + "/ca.crt");
  auto signer = read_private_key(farm + "/ca.key");
  REQUIRE((authority.ok() && signer.ok()));
  private_key_ptr key{EVP_EC_gen("P-256")};
  certificate_ptr made{X509_new()};
  X509* x = made.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 4711);
  X509_gmtime_adj(X509_getm_notBefore(x), how.valid_from);
  X509_gmtime_adj(X509_getm_notAfter(x), how.valid_until);
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_commonName, MBSTRING_UTF8, text, -1, -1,
                             0);
  X509_set_issuer_name(x, X509_get_subject_name(authority->get()));
  X509_set_pubkey(x, key.get());
  auto extend = [&](int what, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, authority->get(), x, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
    REQUIRE(extension != nullptr);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
  };
  extend(NID_ext_key_usage, how.usage);
  extend(NID_subject_alt_name, "DNS:" + name);
  REQUIRE(X509_sign(x, signer->get(), EVP_sha256()) != 0);
  return {*to_pem(authority->get()), *to_pem(x), *to_pem(key.get())};
}

/// Catches what is logged while it lives.
class log_catcher {
public:
  log_catcher() : before_{spdlog::default_logger()} {
    spdlog::set_default_logger(kept(std::make_shared<spdlog::logger>("caught", sink_)));
  }
  ~log_catcher() { spdlog::set_default_logger(before_); }
  log_catcher(const log_catcher&) = delete;
  log_catcher& operator=(const log_catcher&) = delete;

  /// "level text", of every line so far.
  std::vector<std::string> lines() const { return sink_->lines(); }

  /// The first line that holds `part`; waits for it. Empty: none came.
  std::string wait_for(const std::string& part) const { return sink_->wait_for(part); }

private:
  class sink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    std::vector<std::string> lines() {
      std::lock_guard guard{lines_mutex_};
      return lines_;
    }

    std::string wait_for(const std::string& part) {
      std::unique_lock guard{lines_mutex_};
      std::string found;
      news_.wait_for(guard, patience, [&] {
        for (const auto& line : lines_)
          if (line.find(part) != std::string::npos)
            found = line;
        return !found.empty();
      });
      return found;
    }

  private:
    void sink_it_(const spdlog::details::log_msg& message) override {
      auto level = spdlog::level::to_string_view(message.level);
      std::lock_guard guard{lines_mutex_};
      lines_.push_back(std::string{level.data(), level.size()} + " "
                       + std::string{message.payload.data(), message.payload.size()});
      news_.notify_all();
    }
    void flush_() override {}

    std::mutex lines_mutex_;
    std::condition_variable news_;
    std::vector<std::string> lines_;
  };

  /// Until the process ends: an actor that logs while this goes has a bare pointer to the logger.
  static std::shared_ptr<spdlog::logger> kept(std::shared_ptr<spdlog::logger> logger) {
    static std::vector<std::shared_ptr<spdlog::logger>> all;
    all.push_back(logger);
    return logger;
  }

  std::shared_ptr<sink> sink_ = std::make_shared<sink>();
  std::shared_ptr<spdlog::logger> before_;
};

inline void check_that_hosts_join(farm_fixture& farm) {
  host_end host;
  coordinator_end end;
  farm.join(host, end, "good");
}

} // namespace drover::test
