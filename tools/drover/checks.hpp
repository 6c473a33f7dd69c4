#pragma once
// Checks of option values whose messages people understand.
// SPDX-License-Identifier: Apache-2.0

#include <CLI/CLI.hpp>

#include <string>

namespace drover::cli {

/// A number above 0, whole or not; what the option holds decides that.
inline CLI::Validator above_zero() {
  return {[](std::string& text) {
            double value = 0;
            return CLI::detail::lexical_cast(text, value) && value > 0
                     ? std::string{}
                     : "'" + text.substr(0, 40) + "' is no number above 0";
          },
          ""};
}

} // namespace drover::cli
