#pragma once
// One transfer of libcurl with this house's bounds; for nodes/reporters alone.
// SPDX-License-Identifier: Apache-2.0

#include "nodes/reporters/reporters.hpp"

#include <curl/curl.h>

#include <string>
#include <vector>

namespace drover::reporters {

/// A handle with its lists. What curl reads later (the body) must outlive `run`.
class transfer {
public:
  explicit transfer(std::shared_ptr<std::atomic<bool>> stopping);
  ~transfer();
  transfer(const transfer&) = delete;
  transfer& operator=(const transfer&) = delete;

  bool usable() const { return curl_ != nullptr; }
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(curl_, option, value);
  }
  /// Adds to a list that goes to `option` (headers, recipients).
  void add_header(const std::string& line);
  void set_recipient(const std::string& address);
  /// Trusts this file's certificates instead of the system's.
  void trust(const std::string& file);

  struct outcome {
    CURLcode code = CURLE_FAILED_INIT;
    long status = 0;     ///< the protocol's answer; 0: none came
    std::string problem; ///< in words; empty if all went well
  };
  outcome run();

private:
  CURL* curl_;
  curl_slist* headers_ = nullptr;
  curl_slist* recipients_ = nullptr;
  std::shared_ptr<std::atomic<bool>> stopping_;
  char problem_[CURL_ERROR_SIZE] = {};
};

} // namespace drover::reporters
