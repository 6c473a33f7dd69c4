// SPDX-License-Identifier: Apache-2.0
#include "actors/edge/reason.hpp"

#include "schema/limits.hpp"
#include "schema/names.hpp"

#include <kj/exception.h>
#include <kj/string.h>

#include <array>
#include <string_view>

namespace drover {
namespace {

struct known_cause {
  std::string_view sign; ///< found in the library's description
  std::string_view words;
};

/// The first that fits; the order matters where one description holds two signs.
constexpr std::array causes{
  known_cause{"ertificate required", "this side's certificate is missing"},
  known_cause{"did not return a certificate", "the other side has no certificate"},
  known_cause{"alert unknown ca", "this side's certificate is of another farm"},
  known_cause{"alert certificate expired", "this side's certificate has expired"},
  known_cause{"alert bad certificate", "this side's certificate was not accepted"},
  known_cause{"alert certificate unknown", "this side's certificate was not accepted"},
  known_cause{"alert unsupported certificate", "this side's certificate is for another role"},
  known_cause{"certificate has expired", "the other side's certificate has expired"},
  known_cause{"certificate is not yet valid", "the other side's certificate is not valid yet"},
  known_cause{"certificate purpose", "the other side's certificate is for another role"},
  known_cause{"ostname mismatch", "the other side's certificate is not a coordinator's"},
  known_cause{"issuer certificate", "the other side's certificate is not of this farm"},
  known_cause{"signed certificate", "the other side's certificate is not of this farm"},
  known_cause{"signature failure", "the other side's certificate is not of this farm"},
  known_cause{
    "certificate verify failed",
    "the other side's certificate is not of this farm, out of date, or for another role or "
    "name"},
  known_cause{"onnection refused", "connection refused"},
  known_cause{"onnection reset", "the connection was reset"},
  known_cause{"roken pipe", "the connection was closed"},
  known_cause{"isconnected", "the connection was closed"},
  known_cause{"RpcSystem was destroyed", "the connection was closed"},
  known_cause{"o route to host", "no route to it"},
  known_cause{"etwork is unreachable", "the network is unreachable"},
  known_cause{"onnection timed out", "no answer"},
  known_cause{"timed out", "no answer in time"},
  known_cause{"no files open", "no descriptors are left"},
  known_cause{"oo many open files", "no descriptors are left"},
  known_cause{"SSL", "it does not speak the farm's TLS"},
  known_cause{"too large", "it sent a message that is larger than allowed"},
  known_cause{"too many segments", "it sent a message that is larger than allowed"},
  known_cause{"wrong version number", "it does not speak the farm's TLS"},
};

} // namespace

std::string plain_reason(const kj::Exception& problem) {
  auto description = problem.getDescription();
  std::string_view text{description.begin(), description.size()};
  for (const auto& cause : causes)
    if (text.find(cause.sign) != std::string_view::npos)
      return std::string{cause.words};
  if (problem.getType() == kj::Exception::Type::DISCONNECTED)
    return "the connection was closed";
  constexpr std::string_view prefix = "remote exception: ";
  if (text.substr(0, prefix.size()) == prefix)
    text.remove_prefix(prefix.size());
  return printable(text, limits::reason_bytes_max);
}

kj::Exception call_refused(const std::string& text) {
  return kj::Exception(kj::Exception::Type::FAILED, "drover", 0, kj::heapString(text.c_str()));
}

} // namespace drover
