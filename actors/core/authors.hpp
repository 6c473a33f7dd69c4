#pragma once
// Who made a change: a push may bring the work of several people at once. Pure.
//
// A change's `author` is a list: "Bob <bob@example.org>; Ann", of its own revision first, then of
// those that it covers, each once.
// SPDX-License-Identifier: Apache-2.0

#include <string>
#include <string_view>
#include <vector>

namespace drover::core {

/// Adds one more to the list, unless it is there; a ';' in a name becomes a ','. False: the list
/// would be longer than a value may be, and is as it was.
bool add_author(std::string& authors, std::string_view one);
/// The list's members, in its order.
std::vector<std::string> each_author(std::string_view authors);

} // namespace drover::core
