// Mail by SMTP.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/notices.hpp"
#include "nodes/reporters/mail_text.hpp"
#include "nodes/reporters/transfer.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace drover::reporters {

namespace {

using verdict = notice_delivery::verdict;

struct reading {
  std::string_view left;
};

size_t give_bytes(char* to, size_t size, size_t count, void* user) {
  auto& from = *static_cast<reading*>(user);
  auto take = std::min(size * count, from.left.size());
  std::memcpy(to, from.left.data(), take);
  from.left.remove_prefix(take);
  return take;
}

std::string setting(const reporter_spec& reporter, const std::string& key) {
  auto found = reporter.settings.find(key);
  return found == reporter.settings.end() ? std::string{} : found->second;
}

/// Who it is from where the configuration does not say.
std::string own_address() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0)
    return "drover@localhost";
  auto address = std::string{"drover@"} + name.data();
  return core::is_plain_address(address) ? address : "drover@localhost";
}

bool is_on_this_machine(const std::string& address) {
  auto begin = address.find("://") + 3;
  auto host = address.substr(begin, address.find_first_of("/", begin) - begin);
  return host.rfind("127.", 0) == 0 || host.rfind("localhost", 0) == 0
         || host.rfind("[::1]", 0) == 0;
}

/// Whether the server spoke against this mail, and not only against this moment.
bool is_refusal(const transfer::outcome& done) {
  bool of_the_mail = done.code == CURLE_SEND_ERROR || done.code == CURLE_WEIRD_SERVER_REPLY;
  return of_the_mail && done.status >= 500 && done.status < 600;
}

} // namespace

notice_delivery mail_port::deliver(const reporter_spec& reporter, const notice_record& notice) {
  mail_envelope envelope{settings_.farm, setting(reporter, "from"), {}};
  if (envelope.from.empty())
    envelope.from = own_address();
  if (notice.to.size() != 1 || !core::is_plain_address(notice.to[0])
      || !core::is_plain_address(envelope.from))
    return {verdict::never, "the address can't be used in mail"};
  envelope.to = notice.to[0];
  auto password = read_secret(reporter, "password_file", settings_.folder);
  if (!password)
    return {verdict::later, password.error().text};
  auto message = mail_text(notice, envelope);
  reading body{message};
  transfer post{settings_.stopping};
  if (!post.usable())
    return {verdict::later, "no memory for a connection"};
  bool needs_tls = !password->empty() && !is_on_this_machine(reporter.address);
  post.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  post.set(CURLOPT_URL, reporter.address.c_str());
  post.set(CURLOPT_USE_SSL, static_cast<long>(needs_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
  auto user = setting(reporter, "user");
  if (!user.empty())
    post.set(CURLOPT_USERNAME, user.c_str());
  if (!password->empty())
    post.set(CURLOPT_PASSWORD, password->c_str());
  if (auto ca = setting(reporter, "ca"); !ca.empty())
    post.trust(ca[0] == '/' ? ca : settings_.folder + "/" + ca);
  auto from = "<" + envelope.from + ">";
  post.set(CURLOPT_MAIL_FROM, from.c_str());
  post.set_recipient("<" + envelope.to + ">");
  post.set(CURLOPT_READFUNCTION, give_bytes);
  post.set(CURLOPT_READDATA, &body);
  post.set(CURLOPT_UPLOAD, 1L);
  auto done = post.run();
  if (done.code == CURLE_OK)
    return {};
  auto problem = reporter.address + ": " + done.problem;
  return {is_refusal(done) ? verdict::never : verdict::later, std::move(problem)};
}

} // namespace drover::reporters
