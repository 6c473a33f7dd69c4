// SPDX-License-Identifier: Apache-2.0
#include "nodes/sources/fetch.hpp"

#include "nodes/process.hpp"
#include "nodes/sha256.hpp"
#include "schema/limits.hpp"
#include "schema/limits_sources.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

namespace drover::sources {

namespace {

struct free_curl {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using curl_handle = std::unique_ptr<CURL, free_curl>;

size_t take_bytes(char* bytes, size_t size, size_t count, void* user) {
  auto& into = *static_cast<sink*>(user);
  auto length = size * count;
  if (length > into.left || !into.take({bytes, length}))
    return 0;
  into.left -= length;
  return length;
}

int look_whether_stopping(void* flag, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return *static_cast<const stop_flag*>(flag) ? 1 : 0;
}

} // namespace

expected<head> fetch(const std::string& url, sink into, const stop_flag& stopping, bool only_head) {
  curl_handle handle{curl_easy_init()};
  if (!handle)
    return failure{ec::unavailable, "no memory for a download"};
  auto* curl = handle.get();
  char problem[CURL_ERROR_SIZE] = {};
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, limits::source_redirects_max);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 20L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 100L); // bytes a second ...
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 60L);   // ... for so many seconds: it is dead
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "drover");
  curl_easy_setopt(curl, CURLOPT_NOBODY, only_head ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &into);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_whether_stopping);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &stopping);
  auto code = curl_easy_perform(curl);
  if (code == CURLE_ABORTED_BY_CALLBACK)
    return failure{ec::unavailable, "the coordinator is stopping"};
  if (code != CURLE_OK)
    return failure{ec::unavailable,
                   url + ": " + (problem[0] != '\0' ? problem : curl_easy_strerror(code))};
  head seen;
  curl_header* field = nullptr;
  if (curl_easy_header(curl, "ETag", 0, CURLH_HEADER, -1, &field) == CURLHE_OK)
    seen.etag = field->value;
  if (curl_easy_header(curl, "Last-Modified", 0, CURLH_HEADER, -1, &field) == CURLHE_OK)
    seen.modified = field->value;
  if (curl_easy_header(curl, "Content-Length", 0, CURLH_HEADER, -1, &field) == CURLHE_OK)
    seen.length = std::atol(field->value);
  return seen;
}

expected<download> fetch_file(const std::string& url, const std::string& folder,
                              const stop_flag& stopping) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  auto path = folder + "/incoming-XXXXXX";
  owned_fd file{mkostemp(path.data(), O_CLOEXEC)};
  if (!file.valid())
    return system_failure(folder);
  sha256 digest;
  sink into{[&](std::string_view bytes) {
              digest.add(bytes);
              while (!bytes.empty()) {
                auto wrote = write(file.get(), bytes.data(), bytes.size());
                if (wrote <= 0)
                  return false;
                bytes.remove_prefix(static_cast<size_t>(wrote));
              }
              return true;
            },
            limits::blob_bytes_max};
  auto got = fetch(url, std::move(into), stopping);
  if (!got) {
    unlink(path.c_str());
    return got.error();
  }
  return download{path, digest.hex()};
}

} // namespace drover::sources
