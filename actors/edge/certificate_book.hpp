#pragma once
// What the door knows of certificates: those that hold no more are refused, and their links end.
// SPDX-License-Identifier: Apache-2.0

#include "actors/types.hpp"
#include "schema/enrolment.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace drover {

/// Used on the loop's thread alone.
class certificate_book {
public:
  explicit certificate_book(const std::vector<host_identity>& known);

  /// Why the certificate `serial` of this name does not hold; nothing: it does. Empty `serial`: one
  /// that was not given for a token.
  std::optional<std::string> problem_of(const std::string& name, const std::string& serial) const;

  /// A link to a host that was let in by `serial`.
  void note(const std::string& name, const std::string& serial, const host_link_actor& link);

  /// The newest record of a name; links whose certificates hold no more get an exit message, unless
  /// their hosts renewed them.
  void put(const host_identity& identity);

private:
  struct live_link {
    std::string serial;
    caf::weak_actor_ptr link;
  };
  std::map<std::string, host_identity> known_;
  std::map<std::string, std::vector<live_link>> links_;
};

} // namespace drover
