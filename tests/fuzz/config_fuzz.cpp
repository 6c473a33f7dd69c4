// farm.yaml from any bytes.
// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"
#include "schema/limits.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace drover;
  auto report = check_config(fuzz::text_of(data, size));
  fuzz::require(report.config.has_value() == report.errors.empty(),
                "there is a config or there are errors");
  fuzz::require(report.errors.size() <= limits::config_errors_max, "errors are bounded");
  return 0;
}
