#pragma once
// What went wrong with a connection, in words for people and for the other side.
// SPDX-License-Identifier: Apache-2.0

#include <string>

namespace kj {
class Exception;
}

namespace drover {

/// One printable line without file names and traces: a known cause in plain words, else the
/// library's own description, cut.
std::string plain_reason(const kj::Exception& problem);

/// An exception that carries `text` to the peer of a call and nothing of where it arose.
kj::Exception call_refused(const std::string& text);

} // namespace drover
