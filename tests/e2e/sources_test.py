#!/usr/bin/env python3
"""Sources on a real farm: a folder of tarballs, an index served by a web server, git and hg.

SPDX-License-Identifier: Apache-2.0
"""

import http.server
import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
import time
import unittest
import unittest.mock

from farm import FarmCase, main, wait_until


def tarball(files):
    """The bytes of a .tar.gz with one top folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo("top/" + name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def settled(path):
    """Makes the file as old as one whose upload is over."""
    long_ago = time.time() - 60
    os.utime(path, (long_ago, long_ago))


class Repository:
    """A git or hg repository with one file that says which version it is."""

    def __init__(self, tool, folder):
        self.tool = tool
        self.folder = folder
        os.makedirs(folder)
        self.run("init", "--quiet", *(["--initial-branch=main"] if tool == "git" else []))

    def run(self, *words):
        env = dict(os.environ, HGPLAIN="1", HGUSER="Ann <ann@example.org>", GIT_AUTHOR_NAME="Ann",
                   GIT_AUTHOR_EMAIL="ann@example.org", GIT_COMMITTER_NAME="Ann",
                   GIT_COMMITTER_EMAIL="ann@example.org")
        done = subprocess.run([self.tool, *words], cwd=self.folder, env=env, check=True,
                              stdout=subprocess.PIPE)
        return done.stdout.decode().strip()

    def commit(self, version, message):
        with open(os.path.join(self.folder, "version"), "w", encoding="utf-8") as file:
            file.write(version)
        self.run("add", "version") if self.tool == "git" else self.run("addremove", "--quiet")
        self.run("commit", "--quiet", "-m", message)
        if self.tool == "git":
            return self.run("rev-parse", "HEAD")
        return self.run("log", "-r", ".", "--template", "{node}")


class SourcesCase(FarmCase):
    """What tests of sources share: the farm's changes, asked until they are there."""

    def changes(self, source):
        return self.api("changes?source=" + source)["changes"]

    def api(self, path, method="GET"):
        done = subprocess.run(["curl", "-sS", "-X", method, "--unix-socket",
                               self.farm.folder + "/drover.sock",
                               "http://localhost/api/v1/" + path], check=True,
                              stdout=subprocess.PIPE)
        return json.loads(done.stdout)

    def wait_for_changes(self, source, count):
        def look():
            found = self.changes(source)
            return found if len(found) >= count else None
        return wait_until(look, 60, f"{count} changes of {source}")

    def log_of(self, build, step="show"):
        self.finished(str(build))
        return self.farm.text("log", str(build), step, "--raw")


class Folder(SourcesCase):
    config = """
farm: folders
sources:
  candidates: {tarballs: FOLDER/incoming, match: "*.tar.gz", every: 1s}
builders:
  show:
    source: candidates
    steps: [{name: show, run: "cat version; echo $DROVER_SOURCE"}]
"""

    def setUp(self):
        with unittest.mock.patch.object(FarmCase, "up", lambda self, *words: None):
            super().setUp()
        os.makedirs(self.path("incoming"))
        self.up("--config", self.path("farm.yaml"))

    def drop(self, name, version):
        path = self.path("incoming/" + name)
        with open(path + ".part", "wb") as file:
            file.write(tarball({"version": version + "\n"}))
        settled(path + ".part")
        os.rename(path + ".part", path)

    def test_a_tarball_is_built_once_and_a_second_one_under_its_name_is_flagged(self):
        self.drop("a-1.tar.gz", "one")
        first = self.wait_for_changes("candidates", 1)[0]
        self.assertIn("one", self.log_of(first["builds"][0]))
        self.assertIn("a-1.tar.gz", self.log_of(first["builds"][0]))
        self.assertIsNone(first["note"])
        self.farm.stop()
        self.up()
        self.api("sources/candidates/look", "POST")
        self.assertEqual(len(self.changes("candidates")), 1, "a restart built it again")
        self.drop("a-1.tar.gz", "two")
        second = self.wait_for_changes("candidates", 2)[0]
        self.assertIn("uploaded again", second["note"])
        self.assertIn("two", self.log_of(second["builds"][0]))
        self.assertIn("uploaded again", self.farm.text("changes"))

    def test_a_file_that_still_grows_is_not_taken(self):
        path = self.path("incoming/slow-1.tar.gz")
        whole = tarball({"version": "slow\n"})
        with open(path, "wb") as file:
            file.write(whole[:20])
            file.flush()
            for _ in range(3):
                self.api("sources/candidates/look", "POST")
                self.assertEqual(self.changes("candidates"), [])
            file.write(whole[20:])
        settled(path)
        change = self.wait_for_changes("candidates", 1)[0]
        self.assertIn("slow", self.log_of(change["builds"][0]))

    def test_a_folder_that_is_gone_is_told_and_found_again(self):
        os.rename(self.path("incoming"), self.path("away"))
        wait_until(lambda: self.api("sources")["sources"][0]["last_error"], 30, "the error is told")
        self.assertIn("incoming", self.api("sources")["sources"][0]["last_error"])
        os.rename(self.path("away"), self.path("incoming"))
        self.assertIn("incoming", self.farm.text("sources"))
        self.assertIn("nothing new", self.farm.text("sources", "--look", "candidates"))
        self.assertIsNone(self.farm.ask("sources")["sources"][0]["last_error"])
        kinds = [event["kind"] for event in self.api("events?limit=500")["events"]]
        self.assertIn("source_failed", kinds)
        self.assertIn("source_back", kinds)


class Index(SourcesCase):
    config = """
farm: index
sources:
  candidates: {tarballs: "http://127.0.0.1:PORT/", match: "*.tar.gz", every: 1s}
builders:
  show:
    source: candidates
    steps: [{name: show, run: "cat version"}]
"""

    def setUp(self):
        import tempfile
        self.served = tempfile.mkdtemp(prefix="drover-index-")
        self.addCleanup(shutil.rmtree, self.served)
        served = self.served

        class Quiet(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *words):
                super().__init__(*words, directory=served)

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.shutdown)
        self.config = self.config.replace("PORT", str(self.server.server_address[1]))
        super().setUp()

    def test_what_an_index_links_to_is_fetched_and_built(self):
        with open(os.path.join(self.served, "b-1.tar.gz"), "wb") as file:
            file.write(tarball({"version": "from the index\n"}))
        change = self.wait_for_changes("candidates", 1)[0]
        self.assertEqual(change["ref"]["id"], "b-1.tar.gz")
        self.assertIn("from the index", self.log_of(change["builds"][0]))


class Repositories(SourcesCase):
    config = """
farm: repositories
sources:
  lib: {git: FOLDER/lib, branches: [main, "release/*"], every: 1h}
  trunk: {hg: FOLDER/trunk, branches: [default], every: 1h}
builders:
  git-show:
    source: lib
    steps: [{name: show, run: "cat version; echo; echo $DROVER_REVISION"}]
  hg-show:
    source: trunk
    steps: [{name: show, run: "cat version; echo; echo $DROVER_REVISION"}]
"""

    def setUp(self):
        if shutil.which("hg") is None:
            self.skipTest("hg is not installed: tools/setup installs it")
        with unittest.mock.patch.object(FarmCase, "up", lambda self, *words: None):
            super().setUp()
        self.git = Repository("git", self.path("lib"))
        self.hg = Repository("hg", self.path("trunk"))
        self.git_first = self.git.commit("g1", "first of git")
        self.hg_first = self.hg.commit("h1", "first of hg")
        self.up("--config", self.path("farm.yaml"))

    def test_heads_are_built_once_then_what_is_pushed(self):
        for source, repository, first in (("lib", self.git, self.git_first),
                                          ("trunk", self.hg, self.hg_first)):
            with self.subTest(source):
                change = self.wait_for_changes(source, 1)[0]
                self.assertEqual(change["ref"]["revision"], first)
                log = self.log_of(change["builds"][0])
                self.assertIn(first, log)
                middle = repository.commit("between", "not built by itself")
                second = repository.commit("second", "evil: \x1b[31m <b>& 'quotes'")
                self.api(f"sources/{source}/look", "POST")  # what a hook does
                change = self.changes(source)[0]
                self.assertEqual(change["ref"]["revision"], second)
                self.assertEqual(change["covers"], [middle])
                self.assertTrue(change["author"].startswith("Ann"), change["author"])
                self.assertNotIn("\x1b", change["title"])
                self.assertIn("second", self.log_of(change["builds"][0]))
                self.api(f"sources/{source}/look", "POST")
                self.assertEqual(len(self.changes(source)), 2)

    def test_upstream_may_be_gone_while_its_revision_is_built(self):
        self.farm.text("host", "h1", "drain")
        change = self.wait_for_changes("lib", 1)[0]
        shutil.move(self.path("lib"), self.path("lib-away"))
        self.farm.text("host", "h1", "resume")
        self.assertIn("g1", self.log_of(change["builds"][0]))

    def test_a_rewritten_branch_is_built_and_covers_nothing_it_lacks(self):
        self.wait_for_changes("lib", 1)
        self.git.run("commit", "--quiet", "--amend", "-m", "rewritten")
        self.api("sources/lib/look", "POST")
        change = self.changes("lib")[0]
        self.assertEqual(change["title"], "rewritten")
        self.assertEqual(change["covers"], [])

    def test_submit_without_a_source_builds_the_newest_change(self):
        self.wait_for_changes("lib", 1)
        build = self.submit("git-show")
        self.assertIn(self.git_first, self.log_of(build))

    def test_killing_the_coordinator_between_looks_builds_nothing_twice(self):
        self.wait_for_changes("lib", 1)
        for _ in range(3):
            os.kill(self.farm.pid("coordinator"), 9)
            wait_until(lambda: self.farm.run("hosts").returncode == 0, 30, "the farm is back")
            self.api("sources/lib/look", "POST")
        self.assertEqual(len(self.changes("lib")), 1)


class LongHistories(SourcesCase):
    """Some hundred commits, of many people, most of which come with one push."""

    config = """
farm: histories
sources:
  lib: {git: FOLDER/lib, branches: [main], every: 1h}
  trunk: {hg: FOLDER/trunk, branches: [default], every: 1h}
builders:
  git-show:
    source: lib
    steps: [{name: show, run: "cat version; echo; echo $DROVER_REVISION"}]
  hg-show:
    source: trunk
    steps: [{name: show, run: "ls; echo $DROVER_REVISION"}]
"""
    COMMITS = 250
    KNOWN = 120  # that are there when the farm begins
    COVERED = 100  # that a change names at most

    def setUp(self):
        with unittest.mock.patch.object(FarmCase, "up", lambda self, *words: None):
            super().setUp()
        os.makedirs(self.path("lib"))
        self.git("init", "--quiet", "--initial-branch=other")
        self.git("fast-import", "--quiet", input=b"".join(map(self.git_commit,
                                                              range(1, self.COMMITS + 1))))
        self.git_all = self.git("rev-list", "whole").split()
        self.git("branch", "main", self.git_all[-self.KNOWN])
        self.hg("init", "--quiet", "all")
        self.hg("-R", "all", "debugbuilddag", "--new-file", f"+{self.COMMITS}")
        self.hg_all = self.hg("-R", "all", "log", "--template", "{node}\n").split()
        self.hg("clone", "--quiet", "-r", str(self.KNOWN - 1), "all", "trunk")
        self.up("--config", self.path("farm.yaml"))

    def git_commit(self, number):
        """Every tenth one is a merge of the one before it and an earlier one."""
        merge = f"merge :{number - 5}\n" if number % 10 == 0 else ""
        parent = f"from :{number - 1}\n" if number > 1 else ""
        return (f"commit refs/heads/whole\nmark :{number}\n"
                f"author A{number} <a{number}@example.org> {1700000000 + number} +0000\n"
                f"committer C <c@example.org> {1700000000 + number} +0000\n"
                f"data <<END\nchange {number}\nEND\n{parent}{merge}"
                f"M 644 inline version\ndata <<END\n{number}\nEND\n\n").encode()

    def run_in(self, folder, words, **how):
        done = subprocess.run(words, cwd=folder, check=True, stdout=subprocess.PIPE,
                              env=dict(os.environ, HGPLAIN="1"), **how)
        return done.stdout.decode().strip()

    def git(self, *words, **how):
        return self.run_in(self.path("lib"), ["git", *words], **how)

    def hg(self, *words):
        return self.run_in(self.folder, ["hg", *words])

    def test_a_push_of_hundreds_is_one_change_that_names_what_came_last(self):
        for source, revisions in (("lib", self.git_all), ("trunk", self.hg_all)):
            first = self.wait_for_changes(source, 1)[0]
            self.assertEqual(first["ref"]["revision"], revisions[-self.KNOWN])
            self.assertEqual(first["covers"], [], "what was there is not news")
        self.git("branch", "-f", "main", "whole")
        self.hg("-R", "trunk", "pull", "--quiet", "all")
        for source, revisions in (("lib", self.git_all), ("trunk", self.hg_all)):
            self.api(f"sources/{source}/look", "POST")
            found = self.wait_for_changes(source, 2)
            self.assertEqual(len(found), 2, "a push is one change")
            self.assertEqual(found[0]["ref"]["revision"], revisions[0])
            self.assertEqual(len(found[0]["covers"]), self.COVERED - 1)
            self.assertLess(set(found[0]["covers"]), set(revisions[1:-self.KNOWN]))
            self.assertIn(revisions[0], self.log_of(found[0]["builds"][0]))
        authors = self.changes("lib")[0]["author"].split(", ")
        self.assertEqual(authors[0], f"A{self.COMMITS}")
        self.assertEqual(len(authors), self.COVERED)


if __name__ == "__main__":
    main()
