#!/usr/bin/env python3
"""Steps in the sandbox and steps on a terminal, on a farm of real processes; and a host without
bubblewrap, whose builds wait and say so.

SPDX-License-Identifier: Apache-2.0
"""

import os
import shutil
import stat
import subprocess
import unittest

import farm
from farm import FarmCase, alive, wait_until, yaml_text

PROBE = """
echo mine > here && cat here
echo x > FOLDER/outside
(echo x > /var/tmp/drover-outside) 2>/dev/null || echo no writing outside
grep -c : /proc/net/dev
ls -d /proc/[0-9]* | wc -l
cat FOLDER/farm/hosts/h1/keys/host.key 2>&1 | head -1
echo kept > "$DROVER_OUT/kept"
touch "$TMPDIR/x" && echo temporary files
"""

LEAVES = """
(setsid sleep 97 > /dev/null 2>&1 &)
echo up
"""

CONFIG = """
builders:
  boxed:
    steps:
      - {name: probe, sandbox: true, run: PROBE}
      - {name: leaves, sandbox: true, run: LEAVES}
      - {name: open, run: "grep -c : /proc/net/dev"}
"""

BUBBLEWRAP = shutil.which("bwrap", path="/usr/bin:/usr/local/bin:/bin")
# It needs namespaces and a root that is a mount point: a plain chroot has neither.
WORKS = BUBBLEWRAP and subprocess.run(
    [BUBBLEWRAP, "--unshare-net", "--ro-bind", "/", "/", "/bin/true"], check=False,
    stderr=subprocess.DEVNULL).returncode == 0


def processes_named(words):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if file.read().split(b"\0")[:-1] == words and alive(int(name)):
                    found.append(int(name))
        except OSError:
            continue
    return found


class Boxed:
    """What holds whoever the steps are."""

    config = CONFIG.replace("PROBE", yaml_text(PROBE)).replace("LEAVES", yaml_text(LEAVES))
    hosts = 1

    def test_a_sandbox_has_no_network_and_nothing_but_its_folders(self):
        self.assertEqual(self.farm.host("h1")["facts"]["sandbox"], "bubblewrap")
        build = self.submit("boxed")
        record = self.finished(build)
        log = self.farm.text("log", build, "probe")
        self.assertEqual(record["result"], "success", log + str(record))
        lines = log.splitlines()
        self.assertEqual(lines[:2], ["mine", "no writing outside"], log)
        self.assertEqual(lines[2], "1", "more than the loopback: " + log)
        self.assertLess(int(lines[3]), 10, "processes of others are seen: " + log)
        self.assertEqual(lines[-1], "temporary files")
        self.assertNotIn("PRIVATE KEY", log)
        self.assertFalse(os.path.exists(self.path("outside")))  # it went to a /tmp of its own
        self.assertEqual(record["artifacts"], 1)
        self.assertEqual(processes_named([b"sleep", b"97"]), [])


@unittest.skipUnless(WORKS, "bubblewrap is not installed or does not work here (tools/setup)")
class BoxedAsTheAgent(Boxed, FarmCase):
    pass


@unittest.skipUnless(WORKS, "bubblewrap is not installed or does not work here (tools/setup)")
@unittest.skipUnless(os.geteuid() == 0, "only root can run steps as another user")
class BoxedAsAnother(Boxed, FarmCase):
    def up(self, *options):
        os.chmod(self.folder, 0o711)  # mkdtemp closes it to everybody
        return super().up("--step-user", "auto", *options)


class Terminal(FarmCase):
    config = """
builders:
  tty:
    steps:
      - {name: shown, pty: true, run: "test -t 1 && test -t 2 && stty size <&1 && echo $TERM"}
      - {name: piped, run: "test -t 1 || echo no terminal"}
      - {name: held, pty: true, run: "sleep 96 & echo done"}
"""
    hosts = 1

    def test_a_step_that_asks_for_a_terminal_has_one(self):
        build = self.submit("tty")
        record = self.finished(build)
        self.assertEqual(self.farm.log(build, "shown"), b"40 120\nxterm-256color\n")
        self.assertEqual(self.farm.log(build, "piped"), b"no terminal\n")
        self.assertEqual(self.farm.log(build, "held"), b"done\n")
        self.assertEqual(record["result"], "success")
        self.assertEqual(processes_named([b"sleep", b"96"]), [])


@unittest.skipUnless(os.geteuid() == 0, "only root can hide bubblewrap from a host")
class NoBubblewrap(FarmCase):
    config = Boxed.config

    def up(self, *options):
        # Programs find each other by their own place, so a script may stand in for `drover`.
        script = os.path.join(self.folder, "bin", "drover")
        os.mkdir(os.path.dirname(script))
        hide = "".join(f"test -e {path} && mount --bind /dev/null {path}; "
                       for path in ("/usr/bin/bwrap", "/usr/local/bin/bwrap"))
        self.write("bin/drover", "#!/bin/sh\nexec unshare --mount --propagation private "
                   f"/bin/sh -c '{hide}exec \"$0\" \"$@\"' {farm.PROGRAMS}/drover \"$@\"\n")
        os.chmod(script, stat.S_IRWXU)
        if subprocess.run(["unshare", "--mount", "true"], capture_output=True,
                          check=False).returncode != 0:
            self.skipTest("no mount namespaces here")
        self.farm.programs = os.path.dirname(script)
        try:
            return super().up(*options)
        finally:
            self.farm.programs = farm.PROGRAMS

    def test_a_host_without_it_says_so_and_the_build_waits(self):
        self.assertNotEqual(self.farm.host("h1")["facts"].get("sandbox"), "bubblewrap")
        build = self.submit("boxed")
        wait_until(lambda: "sandbox" in self.farm.text("why", build, codes=(0, 1)), 30,
                   "`drover why` names the sandbox")
        self.assertIsNone(self.build(build)["host"] or None)
        self.farm.text("cancel", build)
        self.assertEqual(self.finished(build)["result"], "cancelled")


if __name__ == "__main__":
    farm.main()
