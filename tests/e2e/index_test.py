#!/usr/bin/env python3
"""Tarballs behind a real nginx: its own listing, uploads under way, a second one of a name.

SPDX-License-Identifier: Apache-2.0

Exit code 77 and the reason where nginx is not installed.
"""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request

import farm
from farm import FarmCase, wait_until
from sinks import free_port

NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")


def tarball(version):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        entry = tarfile.TarInfo("top/version")
        data = (version + "\n").encode() + os.urandom(200_000)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


class Nginx:
    """Serves a folder with listings, `autoindex` as Debian's nginx makes them."""

    def __init__(self, folder):
        self.folder = folder
        self.files = os.path.join(folder, "files")
        os.makedirs(self.files)
        self.port = free_port()
        self.process = None
        owner = "user root;\n" if os.getuid() == 0 else ""
        places = "".join(f"  {name}_temp_path {folder}/{name};\n" for name in
                         ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(os.path.join(folder, "nginx.conf"), "w", encoding="ascii") as file:
            file.write(f"{owner}daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\n"
                       "worker_processes 1;\nevents { worker_connections 64; }\nhttp {\n"
                       f"  access_log off;\n{places}  server {{\n"
                       f"    listen 127.0.0.1:{self.port};\n    root {self.files};\n"
                       "    autoindex on;\n  }\n}\n")

    def start(self):
        self.process = subprocess.Popen(
            [NGINX, "-p", self.folder, "-e", self.folder + "/error.log", "-c",
             self.folder + "/nginx.conf"], stdin=subprocess.DEVNULL)

        def listens():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as page:
                    return b"Index of /" in page.read()
            except urllib.error.URLError:
                return False
        wait_until(listens, 20, "nginx shows its listing")

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None


class Index(FarmCase):
    config = """
farm: index
sources:
  candidates: {tarballs: "http://127.0.0.1:PORT/", match: "*.tar.gz", every: 1s}
builders:
  show:
    source: candidates
    steps: [{name: show, run: "head -n 1 version"}]
"""

    def setUp(self):
        served = tempfile.mkdtemp(prefix="drover-nginx-")
        self.addCleanup(shutil.rmtree, served)
        self.nginx = Nginx(served)
        self.nginx.start()
        self.addCleanup(self.nginx.stop)
        self.config = self.config.replace("PORT", str(self.nginx.port))
        super().setUp()

    def served(self, name):
        return os.path.join(self.nginx.files, name)

    def put(self, name, content):
        with open(self.served(name) + ".part", "wb") as file:
            file.write(content)
        os.rename(self.served(name) + ".part", self.served(name))

    def changes(self):
        return self.farm.ask("changes")["changes"]

    def wait_for_changes(self, count):
        def look():
            found = self.changes()
            return found if len(found) >= count else None
        return wait_until(look, 60, f"{count} changes")

    def built(self, change):
        build = str(change["builds"][0])
        self.assertEqual(self.finished(build)["result"], "success")
        return self.farm.text("log", build, "show", "--raw")

    def look(self):
        self.farm.text("sources", "--look", "candidates", codes=(0, 1))

    def source(self):
        return self.farm.ask("sources")["sources"][0]

    def test_what_nginx_lists_is_taken_once_whole_and_a_second_one_of_a_name_is_flagged(self):
        # nginx shortens long names in what people read, never in what it links to.
        names = ["a b&c-1.tar.gz", "x" * 70 + "-1.tar.gz"]
        for name in names:
            self.put(name, tarball("of " + name))
        self.write("../" + os.path.basename(self.nginx.folder) + "/files/notes.txt", "no tarball")
        for change in self.wait_for_changes(2):
            self.assertIn(change["ref"]["id"], names)
            self.assertEqual(self.built(change).strip(), "of " + change["ref"]["id"])
            self.assertIsNone(change["note"])

        whole = tarball("slow")
        with open(self.served("slow-1.tar.gz"), "wb") as upload:
            for end in range(0, len(whole) // 2, len(whole) // 12):
                upload.write(whole[end:end + len(whole) // 12])
                upload.flush()
                self.look()
            done = upload.tell()
            # It stands still, for several looks: what is there is no whole archive.
            for _ in range(4):
                self.look()
            self.assertEqual(len(self.changes()), 2, "a part of an upload was taken")
            said = self.source()["last_error"]
            self.assertIn("slow-1.tar.gz", said)
            self.assertIn("ends too early", said)
            self.put("other-1.tar.gz", tarball("other"))  # one that hangs holds up no other
            self.assertEqual(self.built(self.wait_for_changes(3)[0]), "other\n")
            upload.write(whole[done:])
        change = self.wait_for_changes(4)[0]
        self.assertEqual(self.built(change), "slow\n")
        self.assertIsNone(change["note"], "it came for the first time")
        wait_until(lambda: self.source()["last_error"] is None, 30, "the source is well again")

        self.put(names[0], tarball("again"))
        again = self.wait_for_changes(5)[0]
        self.assertIn("uploaded again", again["note"])
        self.assertEqual(self.built(again), "again\n")

    def test_a_server_that_is_away_is_told_and_what_it_keeps_back_holds_up_nothing(self):
        os.symlink("/nowhere", self.served("gone-1.tar.gz"))  # listed, and answered with 404
        self.put("a-1.tar.gz", tarball("one"))
        self.assertEqual(self.built(self.wait_for_changes(1)[0]), "one\n")
        self.assertIn("gone-1.tar.gz", self.source()["last_error"])
        self.nginx.stop()
        wait_until(lambda: "onnect" in (self.source()["last_error"] or ""), 30, "it is away")
        self.nginx.start()
        self.put("a-2.tar.gz", tarball("two"))
        self.assertEqual(self.built(self.wait_for_changes(2)[0]), "two\n")


if __name__ == "__main__":
    if NGINX is None:
        print("skipped: nginx is not installed (tools/setup installs it)")
        sys.exit(77)
    farm.main()
