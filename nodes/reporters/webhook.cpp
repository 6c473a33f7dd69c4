// Webhooks: a POST of JSON, signed.
// SPDX-License-Identifier: Apache-2.0
#include "nodes/reporters/transfer.hpp"
#include "schema/names.hpp"

namespace drover::reporters {

namespace {

using verdict = notice_delivery::verdict;

verdict verdict_of(long status) {
  constexpr long request_timeout = 408, too_many_requests = 429;
  if (status >= 200 && status < 300)
    return verdict::delivered;
  bool passes = status == request_timeout || status == too_many_requests || status >= 500;
  return passes ? verdict::later : verdict::never;
}

} // namespace

notice_delivery webhook_port::deliver(const reporter_spec& reporter, const notice_record& notice) {
  auto secret = read_secret(reporter, "secret_file", settings_.folder);
  if (!secret)
    return {verdict::later, secret.error().text};
  transfer post{settings_.stopping};
  if (!post.usable())
    return {verdict::later, "no memory for a connection"};
  auto timestamp = std::to_string(settings_.clock().ms / 1000);
  post.set(CURLOPT_PROTOCOLS_STR, "http,https");
  post.set(CURLOPT_URL, reporter.address.c_str());
  if (auto ca = reporter.settings.find("ca"); ca != reporter.settings.end())
    post.trust(ca->second[0] == '/' ? ca->second : settings_.folder + "/" + ca->second);
  post.add_header("Content-Type: application/json");
  post.add_header("Expect:");
  post.add_header("X-Drover-Event: " + std::string{to_string(notice.kind)});
  post.add_header("X-Drover-Delivery: " + delivery_id(notice));
  post.add_header("X-Drover-Timestamp: " + timestamp);
  if (!secret->empty())
    post.add_header("X-Drover-Signature: sha256="
                    + webhook_signature(*secret, timestamp, notice.payload));
  post.set(CURLOPT_POST, 1L);
  post.set(CURLOPT_POSTFIELDSIZE, static_cast<long>(notice.payload.size()));
  post.set(CURLOPT_POSTFIELDS, notice.payload.c_str());
  auto done = post.run();
  // An answer that is too long, or that breaks off, has its status all the same.
  if (done.status == 0)
    return {verdict::later, reporter.address + ": " + done.problem};
  auto how = verdict_of(done.status);
  if (how == verdict::delivered)
    return {};
  auto problem = reporter.address + ": answered " + std::to_string(done.status);
  if (done.status >= 300 && done.status < 400)
    problem += "; redirects are not followed: write the address where it really is";
  return {how, std::move(problem)};
}

} // namespace drover::reporters
