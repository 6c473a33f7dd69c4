#pragma once
// Where the farm is: from --farm, DROVER_FARM or the profile in ~/.config/drover.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace drover::cli {

struct farm_address {
  std::string socket; ///< a Unix socket's path; empty: `host`:`port`
  std::string host;   ///< 127.0.0.1 unless `tls`
  uint16_t port = 0;
  bool tls = false;
  std::string prefix; ///< in front of each path, as "/drover"; empty: none
  std::string ca;     ///< a file of certificates to trust instead of the system's; empty: those
  std::string token;  ///< for a port
  std::string text;   ///< as people know it
  friend bool operator==(const farm_address&, const farm_address&) = default;
};

/// The outside as `find_farm` sees it.
struct surroundings {
  std::function<std::optional<std::string>(const char* name)> environment;
  /// The first line of a file, or nothing.
  std::function<std::optional<std::string>(const std::string& path)> first_line;
  std::function<bool(const std::string& path)> is_folder;
};
surroundings real_surroundings();

/// The folder of the profile: files `farm`, `token`, `ca.pem`.
std::string profile_folder(const surroundings& around);

/// A path, http://127.0.0.1:PORT, or https://HOST[:PORT][/PREFIX]; without a token yet. A folder
/// means its drover.sock.
expected<farm_address> parse_address(const std::string& text, const surroundings& around);

/// `flag` goes before DROVER_FARM, that before the profile, that before the service of this
/// machine. None of them: an error that says how to name a farm. The token: DROVER_TOKEN, else the
/// first line of the file DROVER_TOKEN_FILE, else of the file `token` of the profile. Certificates
/// to trust: DROVER_CA, else `ca.pem` of the profile.
expected<farm_address> find_farm(const std::string& flag, const surroundings& around);

} // namespace drover::cli
