#!/usr/bin/env python3
"""Submitting what no source noticed: any revision of a git or hg repository, a file at an address.

SPDX-License-Identifier: Apache-2.0
"""

import http.server
import os
import threading

from farm import FarmCase, main
from sources_test import Repository, SourcesCase, tarball

BUILDER = "{name: show, run: \"cat version; echo \\\"revision $DROVER_REVISION\\\"\"}"


class Revisions(SourcesCase):
    config = f"""
farm: revisions
sources:
  git-trunk: {{git: FOLDER/git-repo, branches: [main], every: 1h}}
  hg-trunk: {{hg: FOLDER/hg-repo, every: 1h}}
  times: {{cron: "0 3 1 1 *", of: git-trunk}}
builders:
  of-git: {{source: git-trunk, steps: [{BUILDER}]}}
  of-hg: {{source: hg-trunk, steps: [{BUILDER}]}}
  of-timer: {{source: times, steps: [{BUILDER}]}}
  plain: {{steps: [{{name: show, run: "cat version"}}]}}
"""

    def up(self, *options):
        self.repositories = {tool: Repository(tool, self.path(f"{tool}-repo"))
                             for tool in ("git", "hg")}
        self.revisions = {tool: [repository.commit(f"{tool} {number}\n", f"change {number}")
                                 for number in (1, 2, 3)]
                          for tool, repository in self.repositories.items()}
        self.repositories["git"].run("tag", "v1", self.revisions["git"][0])
        self.repositories["git"].run("branch", "side", self.revisions["git"][1])
        self.repositories["hg"].run("tag", "-r", self.revisions["hg"][0], "v1")
        return super().up(*options)

    def built(self, *words):
        build = self.submit(*words)
        record = self.finished(build)
        self.assertEqual(record["result"], "success", record["reason"])
        return record, self.log_of(build)

    def test_branches_tags_and_beginnings_of_revisions_are_built(self):
        git, hg = self.revisions["git"], self.revisions["hg"]
        for builder, name, revision, text in (
                ("of-git", "v1", git[0], "git 1"), ("of-git", "side", git[1], "git 2"),
                ("of-git", "main", git[2], "git 3"), ("of-git", git[1][:10], git[1], "git 2"),
                ("of-git", "main~1", git[1], "git 2"), ("of-timer", "v1", git[0], "git 1"),
                ("of-hg", "v1", hg[0], "hg 1"), ("of-hg", hg[1][:12], hg[1], "hg 2"),
                ("of-hg", hg[2], hg[2], "hg 3")):
            with self.subTest(builder=builder, name=name):
                record, log = self.built(builder, "--source", name)
                self.assertEqual(record["source"]["revision"], revision)
                self.assertIn(text, log)
                self.assertIn("revision " + revision, log)

    def test_a_branch_that_moved_is_fetched_first(self):
        self.built("of-git", "--source", "side")
        self.repositories["git"].run("branch", "--force", "side", self.revisions["git"][2])
        self.assertIn("git 3", self.built("of-git", "--source", "side")[1])

    def test_what_is_unknown_ambiguous_or_hostile_is_refused_in_one_line(self):
        self.assertIn("did you mean 'main'", self.refused("submit", "of-git", "--source", "mian"))
        self.assertIn("has no branch, tag or revision 'v9'",
                      self.refused("submit", "of-hg", "--source", "v9"))
        self.repositories["git"].run("tag", "side", self.revisions["git"][0])
        self.assertIn("is a branch and a tag",
                      self.refused("submit", "of-git", "--source", "side"))
        self.assertIn("git 2", self.built("of-git", "--source", "heads/side")[1])
        self.assertIn("no such file", self.refused("submit", "plain", "--source", "v1"))
        for name in (f"--upload-pack=touch {self.path('pwned')}", "--config=x", "-v1", "a b",
                     "all()", "v1\" or all() or \"", "x\ny", ":/change", "..", "v1..main",
                     "ext::sh -c touch% pwned"):
            for builder in ("of-git", "of-hg"):
                with self.subTest(name=name, builder=builder):
                    done = self.farm.run("submit", builder, "--source=" + name)
                    self.assertIn(done.returncode, (0, 2, 4))
                    if done.returncode == 0:  # git may know it as a revision: then it is one
                        self.assertEqual(name, ":/change")
        self.assertFalse(os.path.exists(self.path("pwned")))

    def test_upstream_may_be_down_for_what_the_mirror_has(self):
        self.built("of-git", "--source", "v1")
        os.rename(self.path("git-repo"), self.path("gone"))
        self.assertIn("git 1", self.built("of-git", "--source", "v1")[1])
        self.refused("submit", "of-git", "--source", "v8", codes=(3, 4))


class Addresses(FarmCase):
    config = """
farm: addresses
builders:
  plain: {steps: [{name: show, run: "cat version"}]}
"""

    def up(self, *options):
        content = tarball({"version": "from an address\n"})

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                found = self.path.startswith("/a-1.tar.gz")
                self.send_response(200 if found else 404)
                self.end_headers()
                self.wfile.write(content if found else b"no")

            def log_message(self, *words):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}/"
        return super().up(*options)

    def test_the_farm_fetches_a_file_and_builds_it(self):
        build = self.submit("plain", "--source", self.url + "a-1.tar.gz?mirror=x")
        record = self.finished(build)
        self.assertEqual(record["source"]["id"], "a-1.tar.gz")
        self.assertEqual(len(record["source"]["sha256"]), 64)
        self.assertIn("from an address", self.farm.text("log", build, "show", "--raw"))

    def test_what_is_not_there_is_refused_with_its_address(self):
        self.assertIn("/b-1.tar.gz", self.refused("submit", "plain", "--source",
                                                  self.url + "b-1.tar.gz", codes=(3, 4)))
        self.refused("submit", "plain", "--source", self.url)
        self.refused("submit", "plain", "--source", "ftp://example.org/a.tar.gz")


if __name__ == "__main__":
    main(at_once=2)
