#pragma once
// What people may say to the bot, and what it answers: text in, lines and orders out. Pure.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/explain/explain.hpp"
#include "schema/error.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace drover::core::irc {

/// What answers are made from. Each question is answered as the farm stands now; what can't be read
/// is a failure, and its sentence the answer.
class farm_view {
public:
  virtual ~farm_view() = default;
  virtual expected<farm_config> config() const = 0;
  virtual expected<std::vector<host_view>> hosts() const = 0;
  /// The newest builds, newest first; of this builder, or of all where it is empty.
  virtual expected<std::vector<build_record>> builds(const std::string& builder,
                                                     size_t rows) const = 0;
  virtual expected<std::optional<build_record>> build(build_id id) const = 0;
  /// The newest changes, newest first; of this source, or of all where it is empty.
  virtual expected<std::vector<change_record>> changes(const std::string& source,
                                                       size_t rows) const = 0;
  virtual expected<explanation> why(build_id id) const = 0;
  virtual expected<explanation> why(const host_view& host) const = 0;
};

struct asker {
  std::string nick;
  std::string channel;                ///< empty: in private
  std::optional<std::string> account; ///< empty: none; nothing: not known yet
};

struct force_order {
  std::string builder;
  source_ref source; ///< `none`: the newest of the builder's source
  string_map params;
  std::string host; ///< empty: where the builder says
  friend bool operator==(const force_order&, const force_order&) = default;
};
struct stop_order {
  build_id build;
  friend bool operator==(const stop_order&, const stop_order&) = default;
};
struct again_order {
  build_id build;
  friend bool operator==(const again_order&, const again_order&) = default;
};

/// Something to be done for a person who may.
struct order {
  std::variant<force_order, stop_order, again_order> what;
  std::string by; ///< "irc:ann", the name of the user
  std::string reason;
  friend bool operator==(const order&, const order&) = default;
};

/// Tell who asked when this build ends.
struct watch_request {
  build_id build;
  friend bool operator==(const watch_request&, const watch_request&) = default;
};

struct answer {
  std::vector<std::string> lines; ///< foreign text in them is not yet made harmless
  std::optional<order> asked;
  std::optional<watch_request> watch;
  /// Nothing else is set: ask for the account of who spoke, then call again.
  bool needs_account = false;
};

/// Never a failure: what is not understood is answered with what would be.
answer answer_to(std::string_view text, const asker& who, const farm_view& farm);

/// The user behind an account of IRC; null if there is none. Accounts know no case.
const user_spec* user_of(const farm_config& config, std::string_view account);

} // namespace drover::core::irc
