// SPDX-License-Identifier: Apache-2.0
#include "tools/drover/secret.hpp"

#include "schema/limits_access.hpp"

#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace drover::cli {

namespace {

constexpr char ctrl_c = 3, ctrl_d = 4, backspace = 8, ctrl_u = 21, delete_key = 127;

/// Standard input without echo, each byte as it is typed. Ctrl-C comes as a byte, so that no signal
/// can leave the terminal like this.
class quiet_terminal {
public:
  quiet_terminal() {
    ok_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    auto quiet = before_;
    quiet.c_lflag &= static_cast<tcflag_t>(~(ECHO | ICANON | ISIG));
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    ok_ = ok_ && ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
  }
  ~quiet_terminal() {
    if (ok_)
      ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  quiet_terminal(const quiet_terminal&) = delete;
  quiet_terminal& operator=(const quiet_terminal&) = delete;
  bool ok() const { return ok_; }

private:
  termios before_{};
  bool ok_ = false;
};

failure given_up() {
  return {ec::bad_input, "password: given up, nothing was changed"};
}

bool read_byte(char& into) {
  for (;;) {
    auto count = ::read(STDIN_FILENO, &into, 1);
    if (count == 1)
      return true;
    if (count == 0 || errno != EINTR)
      return false;
  }
}

expected<std::string> ask_once(const std::string& question) {
  std::fprintf(stderr, "%s", question.c_str());
  std::fflush(stderr);
  std::string out;
  for (char c = 0; read_byte(c);) {
    if (c == '\n' || c == '\r') {
      std::fprintf(stderr, "\n");
      return out;
    }
    if (c == ctrl_c || c == ctrl_d)
      break;
    if (c == ctrl_u)
      out.clear();
    else if (c != backspace && c != delete_key)
      out += c;
    else if (!out.empty()) {
      while (out.size() > 1 && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80)
        out.pop_back(); // the rest of one character
      out.pop_back();
    }
    if (out.size() > limits::password_bytes_max)
      break;
  }
  std::fprintf(stderr, "\n");
  return given_up();
}

} // namespace

expected<std::string> ask_new_password(const std::string& account) {
  if (::isatty(STDIN_FILENO) == 0)
    return failure{ec::bad_input,
                   "password: there is no terminal to ask on; give it with --password-stdin"};
  quiet_terminal quiet;
  if (!quiet.ok())
    return failure{ec::io, "password: the terminal can't be kept from showing it; give it with "
                           "--password-stdin"};
  auto first = ask_once("Password for " + account + ": ");
  if (!first)
    return first.error();
  auto second = ask_once("Once more: ");
  if (!second)
    return second.error();
  if (*first != *second)
    return failure{ec::bad_input, "password: the two are not the same; nothing was changed"};
  return first;
}

expected<std::string> read_password_line() {
  std::string out;
  for (char c = 0; read_byte(c) && c != '\n';) {
    out += c;
    if (out.size() > limits::password_bytes_max)
      return failure{ec::bad_input, "password: the line is longer than "
                                      + std::to_string(limits::password_bytes_max) + " bytes"};
  }
  if (!out.empty() && out.back() == '\r')
    out.pop_back();
  if (out.empty())
    return failure{ec::bad_input, "password: standard input holds none"};
  return out;
}

} // namespace drover::cli
