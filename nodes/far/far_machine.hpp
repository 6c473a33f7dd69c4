#pragma once
// A machine where no agent runs, reached by the program ssh.
// SPDX-License-Identifier: Apache-2.0

#include "schema/error.hpp"
#include "schema/model.hpp"

#include <optional>
#include <string>

namespace drover {

/// ssh://USER@HOST[:PORT]/PATH; the path is where work is done over there.
struct far_address {
  std::string user_at_host;
  uint16_t port = 22;
  std::string path; ///< absolute
  std::string text; ///< as it was given
};

/// Names and paths hold letters, digits and a few signs alone: nothing that a shell would treat.
expected<far_address> parse_far_address(const std::string& text);

/// 'text' as one word of a POSIX shell.
std::string shell_word(const std::string& text);

/// The files of a call; empty: nothing to read, the output is the answer.
struct call_files {
  std::string input;
  std::string output;
  uint64_t output_bytes_max = 0;
};

/// Calls may come from any thread, and take long.
class far_machine {
public:
  /// `config`: a file for `ssh -F`; empty: the user's own.
  far_machine(far_address where, std::string host, const std::string& config);

  /// The call of ssh, as words for a shell, without the command.
  const std::string& ssh() const { return ssh_; }
  const far_address& address() const { return where_; }
  /// The folder of this host's work over there.
  std::string folder() const { return where_.path + "/" + host_; }
  std::string workspace(const std::string& name) const { return folder() + "/" + name; }

  /// Runs a command over there; its output, or one line that says why not.
  expected<std::string> call(const std::string& command, int seconds,
                             const call_files& files = {}) const;

  /// What the machine is. Takes some seconds.
  expected<host_facts> probe(const std::string& notes) const;

  /// Why no work can be done there now; empty: it can.
  std::string trouble() const;

private:
  far_address where_;
  std::string host_;
  std::string ssh_;
};

} // namespace drover
