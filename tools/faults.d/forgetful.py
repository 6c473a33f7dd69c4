"""Puts a folder on the file system that forgets what was not synced (forgetful.cpp).

SPDX-License-Identifier: Apache-2.0
"""

import os
import shutil
import subprocess

from rig import FarmError, Skip, run, wait_until

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "forgetful.cpp")


def program(folder):
    """The file system's program, made here once a row."""
    made = os.path.join(folder, "forgetful")
    if os.path.exists(made):
        return made
    if not os.path.exists("/dev/fuse"):
        raise Skip("this machine has no /dev/fuse")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True,
                           text=True, check=False)
    if flags.returncode != 0:
        raise Skip("libfuse3-dev is not installed")
    run("c++", "-std=c++20", "-O1", SOURCE, "-o", made, *flags.stdout.split())
    return made


def sizes(top):
    """[(path, bytes)] of the files below."""
    found = []
    for place, _, names in os.walk(top):
        for name in names:
            path = os.path.join(place, name)
            found.append((os.path.relpath(path, top), os.lstat(path).st_size))
    return found


class Forgetful:
    """`place` lies on it from `mount` on; whoever works there is held down meanwhile."""

    def __init__(self, folder, place):
        self.place, self.program = place, program(folder)
        self.backing = os.path.join(folder, os.path.basename(place) + "-backing")
        # By another name: its process must not be taken for one of the host's that lies on it.
        self.alias = os.path.join(folder, os.path.basename(place) + "-mounted")
        os.symlink(place, self.alias)
        self.losses = self.forgotten = 0

    def begin(self):
        os.mkdir(self.backing)
        shutil.move(self.place, self.backing + "/live")
        os.mkdir(self.place)
        self.mount()

    def mount(self):
        run(self.program, self.backing, self.alias, "-s")
        wait_until(lambda: os.path.ismount(self.place), 10, f"{self.place} is mounted")

    def unmount(self):
        def gone():
            run("umount", "-l", self.place, check=False)
            return not os.path.ismount(self.place)
        wait_until(gone, 10, f"{self.place} is not mounted any more")

    def lose_power(self):
        """All that was not synced is gone. Whoever wrote there must be dead."""
        with open(self.place + "/.lose-power", "wb"):
            pass
        self.unmount()
        if not os.path.isdir(self.backing + "/kept"):
            raise FarmError("the file system has not said what it keeps")
        was, is_there = (set(sizes(f"{self.backing}/{name}")) for name in ("live", "kept"))
        self.forgotten += len(was - is_there)
        shutil.rmtree(self.backing + "/live")
        os.rename(self.backing + "/kept", self.backing + "/live")
        self.losses += 1
        self.mount()
