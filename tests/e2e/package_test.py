#!/usr/bin/env python3
"""What is in the Debian packages, and their scripts. Installing them: tools/package --check 12

SPDX-License-Identifier: Apache-2.0
"""

import glob
import os
import shutil
import subprocess
import tempfile
import unittest

import farm
from farm import TOP

DEBIAN = os.path.join(TOP, "packaging", "debian")

PROGRAMS = {
    "drover": {"/usr/bin/drover"},
    "coordinator": {"/usr/bin/drover-coordinator"},
    "host": {"/usr/bin/drover-host", "/usr/bin/drover-keeper"},
}
SETTINGS = {
    "drover": set(),
    "coordinator": {"/etc/default/drover-coordinator", "/etc/drover/farm.yaml"},
    "host": {"/etc/default/drover-host"},
}


def run(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, check=False, **options)


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="drover-package-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.files = {component: cls.install(component) for component in PROGRAMS}

    @classmethod
    def install(cls, component):
        """The paths that CPack would put into the component's package."""
        top = os.path.join(cls.folder, component)
        done = run("cmake", "--install", os.path.dirname(farm.PROGRAMS), "--prefix", "/usr",
                   "--component", component, env=dict(os.environ, DESTDIR=top))
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)
        return {os.path.join(folder, name)[len(top):]
                for folder, _, names in os.walk(top) for name in names}

    def path(self, component, name):
        return os.path.join(self.folder, component) + name

    def test_each_has_its_programs_and_no_file_is_in_two(self):
        seen = set()
        for component, files in self.files.items():
            programs = {path for path in files if path.startswith("/usr/bin/")}
            self.assertEqual(programs, PROGRAMS[component])
            self.assertFalse(seen & files, component)
            seen |= files

    def test_services_come_with_their_unit_and_their_settings(self):
        for component, files in self.files.items():
            units = {path for path in files if path.endswith(".service")}
            if component == "drover":
                self.assertEqual(units, set())
                continue
            self.assertEqual(units, {f"/usr/lib/systemd/system/drover-{component}.service"})

    def test_every_setting_is_one_that_dpkg_asks_about_and_a_purge_removes(self):
        for component, files in self.files.items():
            settings = {path for path in files if path.startswith("/etc/")}
            self.assertEqual(settings, SETTINGS[component])
            if settings:
                with open(os.path.join(DEBIAN, component, "conffiles"), encoding="ascii") as file:
                    self.assertEqual(set(file.read().split()), settings)

    def test_a_plain_install_leaves_etc_alone(self):
        top = os.path.join(self.folder, "all")
        done = run("cmake", "--install", os.path.dirname(farm.PROGRAMS), "--prefix", "/usr",
                   env=dict(os.environ, DESTDIR=top))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.listdir(top), ["usr"])
        shutil.rmtree(top)

    def test_the_first_configuration_has_no_mistakes(self):
        done = run(os.path.join(farm.PROGRAMS, "drover"), "check",
                   self.path("coordinator", "/etc/drover/farm.yaml"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_scripts_are_good_shell(self):
        scripts = glob.glob(DEBIAN + "/*/p*[mt]")
        self.assertEqual(len(scripts), 6)
        for script in [*scripts, os.path.join(TOP, "packaging", "check")]:
            self.assertTrue(os.access(script, os.X_OK), script)
            done = run("sh", "-n", script)
            self.assertEqual((done.returncode, done.stderr), (0, ""), script)
        for settings in glob.glob(DEBIAN + "/*/default"):
            self.assertEqual(run("sh", "-n", settings).returncode, 0, settings)

    def test_the_coordinator_is_shut_off_from_what_it_does_not_need(self):
        program = shutil.which("systemd-analyze")
        if program is None:
            self.skipTest("systemd-analyze is not installed here")
        unit = os.path.join(TOP, "packaging", "systemd", "drover-coordinator.service")
        # In tenths: 17 when this was written, and 92 for a unit that says nothing.
        done = run(program, "security", "--offline=true", "--threshold=20", unit)
        self.assertEqual(done.returncode, 0, done.stdout[-200:] + done.stderr)


if __name__ == "__main__":
    farm.main()
