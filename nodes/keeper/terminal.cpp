// SPDX-License-Identifier: Apache-2.0
#include "nodes/keeper/terminal.hpp"

#include "schema/limits_keeper.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

namespace drover {

expected<output_ends> open_terminal(uint32_t user) {
  output_ends ends;
  ends.read = unique_fd{posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)};
  if (!ends.read || grantpt(ends.read.get()) != 0 || unlockpt(ends.read.get()) != 0)
    return io_failure("can't make a terminal", errno);
  // By the first end rather than by its name: that may be another one's in a container.
  ends.write = unique_fd{ioctl(ends.read.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)};
  if (!ends.write)
    return io_failure("can't open the terminal", errno);
  // Programs that open it by its name (`tty`, gpg) are the step's user by then.
  if (user != 0 && fchown(ends.write.get(), user, static_cast<gid_t>(-1)) != 0)
    return io_failure("can't give the terminal to the step's user", errno);
  termios modes{};
  if (tcgetattr(ends.write.get(), &modes) != 0)
    return io_failure("can't set up the terminal", errno);
  modes.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  winsize size{};
  size.ws_col = limits::terminal_columns;
  size.ws_row = limits::terminal_rows;
  if (tcsetattr(ends.write.get(), TCSANOW, &modes) != 0
      || ioctl(ends.write.get(), TIOCSWINSZ, &size) != 0)
    return io_failure("can't set up the terminal", errno);
  return ends;
}

} // namespace drover
