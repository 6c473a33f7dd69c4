#pragma once
// Words to the service manager (systemd) that started this process, if one did.
// SPDX-License-Identifier: Apache-2.0

#include <string_view>

namespace drover {

namespace service {
inline constexpr std::string_view ready = "READY=1";
inline constexpr std::string_view stopping = "STOPPING=1";
} // namespace service

/// Sends one datagram to the socket that NOTIFY_SOCKET names, as sd_notify(3) describes; without
/// that variable nothing happens. A manager that can't be reached is no reason to stop: the log
/// gets a warning, and the manager its time-out.
void tell_service_manager(std::string_view news);

} // namespace drover
