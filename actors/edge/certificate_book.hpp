#pragma once
// What the door knows of certificates: those that hold no more are refused, and their links end.
// SPDX-License-Identifier: Apache-2.0

#include "actors/types.hpp"
#include "schema/enrolment.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace drover {

/// Used on the loop's thread alone.
class certificate_book {
public:
  explicit certificate_book(const std::vector<host_identity>& known);

  /// What a certificate under this name turned out to be.
  struct finding {
    std::string serial;  ///< empty: one that the farm keeps no record of
    std::string problem; ///< empty: it holds
  };
  /// `has_name` tells whether the certificate that was shown has a DNS name.
  finding look_up(const std::string& name,
                  const std::function<bool(const std::string&)>& has_name) const;

  /// A link to a host that was let in by `serial`.
  void note(const std::string& name, const std::string& serial, const host_link_actor& link);

  /// The newest record of a name; links whose certificates hold no more get an exit message.
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
