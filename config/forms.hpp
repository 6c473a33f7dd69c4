#pragma once
// The outer form of texts in a configuration: what can be an address, a glob, a variable's name.
// SPDX-License-Identifier: Apache-2.0

#include <string>
#include <string_view>
#include <vector>

namespace drover {

/// Empty, like an option of a program ("-x"), or not of one line: no folder, URL or branch.
bool bad_location(std::string_view text);
/// "scheme://host" or "scheme://host:port", then anything; any one of `schemes`.
bool address_ok(std::string_view address, const std::vector<std::string_view>& schemes);
/// Enough to keep commands and headers of the mail protocol out; the mail server knows the rest.
bool mail_address_ok(std::string_view address);
/// A channel of IRC, "#builds".
bool channel_ok(std::string_view channel);
/// A nick name of IRC.
bool nick_ok(std::string_view nick);
/// What every shell takes as the name of a variable.
bool env_name_ok(std::string_view name);
/// Says why a glob can't be one for files below a folder; empty if it can.
std::string glob_problem(std::string_view glob);
/// Characters (not bytes) of UTF-8.
size_t characters(std::string_view text);

} // namespace drover
