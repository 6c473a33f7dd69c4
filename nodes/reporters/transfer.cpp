// SPDX-License-Identifier: Apache-2.0
#include "nodes/reporters/transfer.hpp"

#include "schema/limits_notices.hpp"

namespace drover::reporters {

namespace {

/// What the other side says beside its status is not kept.
size_t drop_bytes(char*, size_t size, size_t count, void*) {
  return size * count;
}

int look_whether_stopping(void* flag, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return *static_cast<std::atomic<bool>*>(flag) ? 1 : 0;
}

} // namespace

transfer::transfer(std::shared_ptr<std::atomic<bool>> stopping)
    : curl_{curl_easy_init()}, stopping_{std::move(stopping)} {
  if (curl_ == nullptr)
    return;
  set(CURLOPT_ERRORBUFFER, problem_);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits::notice_connect_max.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(limits::notice_try_max.count()));
  set(CURLOPT_MAXFILESIZE, static_cast<long>(limits::notice_answer_bytes_max));
  set(CURLOPT_USERAGENT, "drover");
  set(CURLOPT_WRITEFUNCTION, drop_bytes);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, look_whether_stopping);
  set(CURLOPT_XFERINFODATA, stopping_.get());
}

transfer::~transfer() {
  curl_easy_cleanup(curl_);
  curl_slist_free_all(headers_);
  curl_slist_free_all(recipients_);
}

void transfer::add_header(const std::string& line) {
  headers_ = curl_slist_append(headers_, line.c_str());
  set(CURLOPT_HTTPHEADER, headers_);
}

void transfer::set_recipient(const std::string& address) {
  recipients_ = curl_slist_append(recipients_, address.c_str());
  set(CURLOPT_MAIL_RCPT, recipients_);
}

void transfer::trust(const std::string& file) {
  set(CURLOPT_CAINFO, file.c_str());
}

transfer::outcome transfer::run() {
  outcome out;
  out.code = curl_easy_perform(curl_);
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &out.status);
  if (out.code != CURLE_OK)
    out.problem = problem_[0] != '\0' ? problem_ : curl_easy_strerror(out.code);
  return out;
}

} // namespace drover::reporters
