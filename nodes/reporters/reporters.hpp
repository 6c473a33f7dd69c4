#pragma once
// How notices reach people and programs outside, for real: mail by SMTP, webhooks by HTTP.
// SPDX-License-Identifier: Apache-2.0

#include "actors/notice_port.hpp"
#include "actors/ports.hpp"

#include <atomic>

namespace drover::reporters {

/// What ports share.
struct port_settings {
  std::string farm;   ///< its name
  std::string folder; ///< that files of secrets are relative to
  wall_clock clock;
  std::shared_ptr<std::atomic<bool>> stopping; ///< ends a try at once; it counts as `later`
};

/// SMTP, with STARTTLS where the server has it, or TLS from the start (smtps). A password goes over
/// TLS only, but for a server on this machine. 4xx is `later`, 5xx `never`.
class mail_port : public notice_port {
public:
  explicit mail_port(port_settings settings) : settings_{std::move(settings)} {}
  notice_delivery deliver(const reporter_spec& reporter, const notice_record& notice) override;

private:
  port_settings settings_;
};

/// POST of the notice's JSON, signed if there is a secret. 2xx is `delivered`; 408, 429 and 5xx are
/// `later`; everything else `never`. Redirects are not followed.
class webhook_port : public notice_port {
public:
  explicit webhook_port(port_settings settings) : settings_{std::move(settings)} {}
  notice_delivery deliver(const reporter_spec& reporter, const notice_record& notice) override;

private:
  port_settings settings_;
};

/// The first line of the file that `key` of the reporter's settings names; empty if it names none.
/// The text of a failure names the file, never what is in it.
expected<std::string> read_secret(const reporter_spec& reporter, const std::string& key,
                                  const std::string& folder);

/// Hex HMAC-SHA256 of "TIMESTAMP.BODY": what `X-Drover-Signature` carries behind "sha256=".
std::string webhook_signature(const std::string& secret, const std::string& timestamp,
                              const std::string& body);
/// Names a delivery of a webhook: the same for each try.
std::string delivery_id(const notice_record& notice);

} // namespace drover::reporters
