#pragma once
// Which drover this is: the same text for --version, the API and hosts' greetings.
// SPDX-License-Identifier: Apache-2.0

#include <string>

namespace drover {

/// "0.1.0 (1a2b3c4)": the release and the commit it was built from, if that is known.
std::string program_version();

} // namespace drover
