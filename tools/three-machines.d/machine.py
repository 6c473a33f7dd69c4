"""One of the unlike machines: its root, its network, its processes.

SPDX-License-Identifier: Apache-2.0
"""

import glob
import os
import shutil
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "drover")
ARCHITECTURES = {"arm64": "aarch64", "s390x": "s390x"}

# The machine's service manager in a few lines: the agent is started again when it has ended.
INIT = """
while [ ! -e /run/off ]; do
  drover-host run & agent=$!
  until [ -e /run/off ] || [ -e /run/restart ] || ! kill -0 $agent 2> /dev/null; do sleep 0.1; done
  rm -f /run/restart
  kill $agent 2> /dev/null
  wait $agent
done
"""

# A native machine's namespaces: its mounts, and the shell stays to collect orphans.
ENTER = """
root="$1"; name="$2"; shift 2
hostname "$name"
mount -t proc proc "$root/proc" && mount --rbind /sys "$root/sys" && mount --rbind /dev "$root/dev"
env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 chroot "$root" "$@"
exit $?
"""


class Wrong(Exception):
    """Something is not as it should be."""


def run(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise Wrong(f"{' '.join(words[:6])}: exit code {done.returncode}\n{done.stdout[-800:]}"
                    f"{done.stderr[-800:]}")
    return done.stdout


def run_bytes(*words):
    return subprocess.run(words, capture_output=True, check=True).stdout


def wait_until(question, seconds, what):
    """The first true answer, and after how many seconds it came."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        answer = question()
        if answer:
            return answer, time.monotonic() - begun
        time.sleep(0.1)
    raise Wrong(f"not in {seconds} s: {what}")


def package_of(release):
    found = glob.glob(os.path.join(TOP, "build", "packages", f"drover-host_*~deb{release}_*.deb"))
    if not found:
        raise Wrong(f"no package for Debian {release}: tools/package {release}")
    return max(found, key=os.path.getmtime)


class Machine:
    """One of the three, numbered for its addresses."""

    def __init__(self, kind, number, folder, programs):
        self.kind = kind
        self.programs = programs  # of the kind `here`: at first, and then
        self.number = number
        self.name = kind if not kind.isdigit() else f"debian{kind}"
        self.net = f"drover-{self.name}"
        self.cable = f"to-{self.name}"
        self.folder = os.path.join(folder, self.name)
        self.root = os.path.join(self.folder, "root")
        self.init = None

    def make(self):
        if self.kind in ARCHITECTURES:
            run(os.path.join(TOP, "tools", "cross"), self.kind, "--root", self.root)
            return
        for name in ("root", "layer"):
            os.makedirs(os.path.join(self.folder, name))
        # Not in this machine's own files, where an overlay over them must not be.
        run("mount", "-t", "tmpfs", "tmpfs", self.folder + "/layer")
        for name in ("upper", "work"):
            os.makedirs(os.path.join(self.folder, "layer", name))
        if self.kind == "here":
            self.lay_over("/")
            return self.install(self.programs[0])
        package = package_of(self.kind)
        base = os.path.join(CACHE, f"debian-{self.kind}-machine")
        run(os.path.join(TOP, "tools", "in-debian"), "--root", "machine", "--with",
            os.path.dirname(package), self.kind, "sh", "-c",
            "apt-get -q update && apt-get -q -y --no-install-recommends install "
            f"--reinstall /src/with/{os.path.basename(package)}")
        return self.lay_over(base)

    def lay_over(self, base):
        layer = self.folder + "/layer"
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir={base},upperdir={layer}/upper,workdir={layer}/work", self.root)

    def install(self, programs):
        """Puts programs in the place of those that run, as a package does: by new files."""
        for name in ("drover-host", "drover-keeper"):
            fresh = os.path.join(self.root, "usr", "bin", name + ".new")
            shutil.copy2(os.path.join(programs, name), fresh)
            os.replace(fresh, fresh[:-len(".new")])

    def upgrade(self):
        """Its version is another one if it began with an earlier one; what is said of it."""
        if self.kind == "here":
            self.install(self.programs[-1])
            said = "the programs of --bin in the place of those before"
        elif self.kind in ARCHITECTURES:
            said = "its agent started anew"
        else:
            package = os.path.basename(package_of(self.kind))
            run(*self.command("dpkg", "-i", f"/src/with/{package}"))
            said = package + " installed over the old one"
        self.tell("restart")
        return said

    def plug_in(self, farm_net):
        run("ip", "netns", "add", self.net)
        run("ip", "link", "add", self.cable, "netns", farm_net, "type", "veth", "peer", "name",
            "eth0", "netns", self.net)
        ours, theirs = f"10.77.{self.number}.1", f"10.77.{self.number}.2"
        run("ip", "-n", farm_net, "addr", "add", ours + "/30", "dev", self.cable)
        run("ip", "-n", farm_net, "link", "set", self.cable, "up")
        run("ip", "-n", self.net, "addr", "add", theirs + "/30", "dev", "eth0")
        run("ip", "-n", self.net, "link", "set", "lo", "up")
        self.cable_is_up(farm_net)

    def cable_is_up(self, farm_net):
        run("ip", "-n", farm_net, "link", "set", self.cable, "up")
        run("ip", "-n", self.net, "link", "set", "eth0", "up")
        run("ip", "-n", self.net, "route", "replace", "default", "via", f"10.77.{self.number}.1")

    def command(self, *words):
        inside = ["nsenter", f"--net=/run/netns/{self.net}"]
        if self.kind in ARCHITECTURES:
            return [*inside, os.path.join(TOP, "tools", "cross"), self.kind, "--in", self.root,
                    *words]
        return [*inside, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "sh",
                "-c", ENTER, "sh", self.root, self.name, *words]

    def switch_on(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.init = subprocess.Popen(self.command("sh", "-c", INIT), stdin=subprocess.DEVNULL,
                                         stdout=log, stderr=log)

    def tell(self, word):
        with open(os.path.join(self.root, "run", word), "w", encoding="ascii"):
            pass

    def clean(self):
        if self.init is not None and self.init.poll() is None:
            self.tell("off")
            try:
                self.init.wait(20)
            except subprocess.TimeoutExpired:
                self.init.kill()
                self.init.wait()
        for mounted in (self.root, self.folder + "/layer"):
            subprocess.run(["umount", "-l", mounted], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "del", self.net], capture_output=True, check=False)
