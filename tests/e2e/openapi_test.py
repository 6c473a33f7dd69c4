#!/usr/bin/env python3
"""docs/openapi.json and docs/API.md against a real farm: answers fit their schemas, examples work.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import http.client
import io
import json
import os
import re
import socket
import subprocess
import tarfile
import unittest

import jsonschema
from farm import TOP, FarmCase, main, wait_until

# Nobody listens at the reporter's address: what is sent there waits.
CONFIG = """
farm: documented
reporters:
  program: {webhook: "http://127.0.0.1:9/hook", on: [quarantined]}
builders:
  hello:
    steps:
      - {name: build, run: "mkdir out; echo built > out/hello.deb"}
      - {name: test, run: "yes line | head -n 20000"}
    artifacts: ["out/**"]
  failing:
    steps: [{name: test, run: "exit 3"}]
  cached:
    steps: [{name: tune, run: "echo tuned", cache: {outputs: []}}]
  cells:
    on: each host
    steps: [{name: test, run: "true"}]
"""

GATED = "echo > FOLDER/witness; while [ ! -e FOLDER/gate ]; do sleep 0.05; done"

# Answers of these have no schema of JSON, or no end.
PLAIN = ("application/octet-stream", "text/event-stream")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def tarball():
    """A source's bytes: one file in one folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        entry = tarfile.TarInfo("hello/README")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"hello"))
    return out.getvalue()


class ApiCase(FarmCase):
    """Asks a farm, and holds each answer to the document."""

    config = CONFIG

    def setUp(self):
        super().setUp()
        with open(os.path.join(TOP, "docs", "openapi.json"), encoding="ascii") as file:
            self.document = json.load(file)
        self.asked = set()

    def ask(self, method, target, body=None):
        connection = UnixConnection(self.farm.address)
        self.addCleanup(connection.close)
        connection.request(method, target, body)
        answer = connection.getresponse()
        kind = answer.getheader("Content-Type")
        content = b"" if kind == "text/event-stream" else answer.read()
        return answer.status, kind, content

    def operation(self, method, path):
        """The document's path and operation for a request's path; fixed words go before names."""
        words = path.strip("/").split("/")
        best = None
        for known, methods in self.document["paths"].items():
            parts = known.strip("/").split("/")
            if parts[-1] == "{path}" and len(words) > len(parts):
                parts += ["{path}"] * (len(words) - len(parts))
            fits = len(parts) == len(words) and all(
                part == word or part.startswith("{") for part, word in zip(parts, words))
            if fits and method.lower() in methods:
                fixed = sum(not part.startswith("{") for part in parts)
                if best is None or fixed > best[0]:
                    best = (fixed, known, methods[method.lower()])
        self.assertIsNotNone(best, f"{method} {path} is not in the document")
        return best[1:]

    def alive(self):
        try:
            return self.ask("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def check(self, method, target, status=None, body=None):
        """Asks, checks the answer against the document, and returns it."""
        path, operation = self.operation(method, target.split("?")[0])
        got, kind, content = self.ask(method, target, body)
        answers = operation["responses"]
        answer = answers.get(str(got), answers["default"])
        if "$ref" in answer:
            answer = self.document["components"]["responses"][answer["$ref"].split("/")[-1]]
        if status is not None:
            self.assertEqual(got, status, f"{method} {target}: {content[:300]}")
        self.assertIn(kind, answer.get("content", {kind: 0}), f"{method} {target}")
        if status is None or status < 400:
            self.asked.add((method.lower(), path))
        if kind in PLAIN:
            return content
        value = json.loads(content)
        schema = answer.get("content", {}).get(kind, {}).get("schema", {})
        whole = {**schema, "components": self.document["components"]}
        try:
            jsonschema.Draft202012Validator(whole).validate(value)
        except jsonschema.ValidationError as wrong:
            self.fail(f"{method} {target}: {wrong.message} at {list(wrong.absolute_path)}")
        return value


class OpenApi(ApiCase):
    def test_answers_of_every_route_fit_the_document(self):
        schemas = self.document["components"]["schemas"]
        jsonschema.Draft202012Validator.check_schema({"$defs": schemas})
        content = tarball()  # its header has the time: another one differs
        source = self.check("POST", "/api/v1/sources?name=a.tar.gz", 201, content)
        self.assertEqual(source["sha256"], hashlib.sha256(content).hexdigest())
        order = {"orders": [{"builder": "hello", "source": source}], "reason": "docs"}
        first = self.check("POST", "/api/v1/builds", 201, json.dumps(order))["id"]
        self.finished(first)
        order = {"orders": [{"builder": "failing"}, {"builder": "cached"}, {"builder": "cells"}]}
        campaign = self.check("POST", "/api/v1/builds", 201, json.dumps(order))
        for build in campaign["builds"]:
            self.finished(build)
        again = self.check("POST", f"/api/v1/builds/{campaign['builds'][0]}/retry", 201)["id"]
        self.finished(again)
        self.check_reads(first, campaign["id"])
        self.check_orders(first)
        self.check_notices()
        self.check_cache()
        self.check_refusals(first)
        missing = {(method, path) for path, methods in self.document["paths"].items()
                   for method in methods} - self.asked
        # No source is configured, so there are no changes; each of the rest has been asked.
        self.assertEqual({path for _, path in missing},
                         {"/api/v1/sources/{name}/look", "/api/v1/sources/{name}/revision",
                          "/api/v1/changes/{id}"})

    def check_reads(self, build, campaign):
        log = self.check("GET", f"/api/v1/builds/{build}/steps/test/log")
        self.assertEqual(log, b"line\n" * 20000)
        kept = self.check("GET", f"/api/v1/builds/{build}/artifacts")["artifacts"]
        self.check("GET", f"/api/v1/builds/{build}/artifacts/{kept[0]['path']}")
        facts = self.check("GET", f"/api/v1/builds/{build}/facts", 200)["placements"]
        self.assertEqual([each["host"] for each in facts], ["h1"])
        for target in ("/api/v1", "/api/v1/builds", "/api/v1/builds?state=finished&limit=2",
                       f"/api/v1/builds/{build}?wait=1", f"/api/v1/builds/{build}/why",
                       f"/api/v1/builds/{build}/tests", "/api/v1/tests?name=x",
                       "/api/v1/sources", "/api/v1/changes",
                       "/api/v1/campaigns", f"/api/v1/campaigns/{campaign}",
                       f"/api/v1/campaigns/{campaign}/why", "/api/v1/hosts", "/api/v1/hosts/h1",
                       "/api/v1/hosts/h1/why", "/api/v1/actors", "/api/v1/builders",
                       "/api/v1/builders/hello", "/api/v1/builders/hello/where",
                       "/api/v1/users", "/api/v1/events?limit=500",
                       "/api/v1/events?tail=3",
                       "/api/v1/events/stream?after=0", "/api/v1/config",
                       "/api/v1/config/generations", "/api/v1/config/generations/1",
                       "/api/v1/tokens", "/api/v1/openapi.json", "/healthz", "/readyz",
                       "/api/v1/healthz", "/api/v1/readyz"):
            self.check("GET", target, 200)

    def check_orders(self, build):
        self.check("POST", "/api/v1/hosts/h1/drain?reason=docs&for=60", 202)
        order = {"orders": [{"builder": "failing"}]}
        waiting = self.check("POST", "/api/v1/builds", 201, json.dumps(order))["id"]
        self.check("GET", f"/api/v1/builds/{waiting}/why", 200)
        self.check("GET", "/api/v1/hosts/h1", 200)
        self.check("POST", f"/api/v1/builds/{waiting}/cancel?reason=docs", 202)
        self.check("POST", "/api/v1/hosts/h1/resume", 202)
        token = self.check("POST", "/api/v1/tokens", 201,
                           '{"name": "ann", "role": "view", "expires_in": 60}')
        self.check("GET", "/api/v1/tokens", 200)
        self.check("DELETE", f"/api/v1/tokens/{token['id']}", 202)
        self.check("POST", "/api/v1/users", 201, '{"name": "ann", "password": "long enough"}')
        self.check("GET", "/api/v1/users", 200)
        self.check("POST", "/api/v1/users/ann/password", 202, '{"password": "another one"}')
        self.check("DELETE", "/api/v1/users/ann?reason=docs", 202)
        self.check("POST", "/api/v1/config/reload", 202)
        self.assertTrue(self.check("POST", "/api/v1/store/verify", 200)["ok"])
        backup = self.path("backup")
        self.check("POST", f"/api/v1/store/backup?to={backup}", 201)
        self.assertEqual(sorted(os.listdir(backup)),
                         ["farm.yaml", "keys", "store", "store.high-water"])
        self.assertEqual(os.stat(backup).st_mode & 0o077, 0)
        self.check("POST", "/api/v1/store/gc?older_than=0&preview=yes", 200)
        removed = self.check("POST", "/api/v1/store/gc?older_than=0", 200)
        self.assertGreater(removed["builds"], 0)
        self.check("GET", f"/api/v1/builds/{build}", 200)  # the newest success stays
        self.assertTrue(self.check("POST", "/api/v1/store/verify", 200)["ok"])

    def check_notices(self):
        notice = self.check("POST", "/api/v1/reporters/program/test?reason=docs", 202)["id"]
        rows = self.check("GET", "/api/v1/notices?reporter=program&state=waiting", 200)["notices"]
        self.assertEqual([row["id"] for row in rows], [notice])
        whole = self.check("GET", f"/api/v1/notices/{notice}", 200)
        self.assertEqual((whole["kind"], whole["payload"]["kind"]), ("test", "test"))
        self.check("POST", f"/api/v1/notices/{notice}/retry", 202)
        self.check("POST", "/api/v1/notices/retry", 202)

    def check_cache(self):
        kept = wait_until(lambda: self.check("GET", "/api/v1/cache", 200)["entries"], 60,
                          "the step's result is kept")
        self.assertEqual([(each["builder"], each["step"]) for each in kept], [("cached", "tune")])
        self.check("DELETE", f"/api/v1/cache/{kept[0]['key']}?reason=docs", 202)
        self.assertEqual(self.check("GET", "/api/v1/cache", 200)["entries"], [])
        self.check("DELETE", "/api/v1/cache", 202)

    def check_refusals(self, build):
        self.check("GET", "/api/v1/builds/4711", 404)
        self.check("GET", "/api/v1/builds?color=red", 400)
        self.check("POST", f"/api/v1/builds/{build}/cancel", 409)
        self.check("POST", f"/api/v1/store/backup?to={self.path('backup')}", 409)
        self.check("POST", "/api/v1/builds", 400, "{")
        self.write("farm/farm.yaml", "farm: documented\nbuilder: {}\n")
        refused = self.check("POST", "/api/v1/config/reload", 400)
        self.assertEqual(refused["errors"][0]["line"], 2)

    def test_the_journal_tells_who_did_what_and_a_stream_goes_on_over_a_restart(self):
        build = self.check("POST", "/api/v1/builds", 201, '{"orders":[{"builder":"failing"}],'
                           '"by":"ann"}')["id"]
        self.finished(build)
        self.check("POST", "/api/v1/hosts/h1/drain?by=bob&reason=disk", 202)
        kinds = [event["kind"] for event in self.check("GET", "/api/v1/events?limit=500")["events"]]
        for kind in ("farm_started", "config_loaded", "build_submitted", "build_started",
                     "build_finished", "host_ordered"):
            self.assertIn(kind, kinds)
        ordered = self.check("GET", "/api/v1/events?by=bob")["events"]
        self.assertEqual([event["kind"] for event in ordered], ["host_ordered"])
        self.assertIn("disk", ordered[0]["text"])
        order = '{"orders":[{"builder":"failing"}]}'
        waiting = self.check("POST", "/api/v1/builds", 201, order)["id"]
        self.check("POST", f"/api/v1/builds/{waiting}/cancel?by=carl&reason=wrong", 202)
        self.write("farm/farm.yaml", CONFIG + "    requires: \"os == 'linux'\"\n")
        self.check("POST", "/api/v1/config/reload?by=dora", 202)
        for who, kind in (("carl", "cancel_requested"), ("dora", "config_loaded")):
            found = self.check("GET", f"/api/v1/events?by={who}")["events"]
            self.assertIn(kind, [event["kind"] for event in found])
        last = self.check("GET", "/api/v1/events?tail=1")["last"]
        with open(self.farm.folder + "/pids/coordinator.pid", encoding="ascii") as file:
            os.kill(int(file.read()), 9)
        wait_until(lambda: self.alive(), 60, "the coordinator is back")
        page = self.check("GET", f"/api/v1/events?after={last}&wait=30")
        self.assertEqual(page["events"][0]["sequence"], last + 1)
        self.assertEqual(page["events"][0]["kind"], "farm_started")


class Backups(ApiCase):
    """A copy made while a build runs, and the store read while hosts beat."""

    config = """
farm: copied
builders:
  gated: {steps: [{name: wait, run: "GATED"}]}
""".replace("GATED", GATED)

    def test_a_backup_made_while_a_build_runs_opens_as_a_farm_with_that_build(self):
        build = self.check("POST", "/api/v1/builds", 201, '{"orders":[{"builder":"gated"}]}')["id"]
        wait_until(lambda: os.path.exists(self.path("witness")), 60, "the step runs")
        self.assertTrue(self.check("POST", "/api/v1/store/verify", 200)["ok"])
        copy = self.path("copy")
        self.check("POST", f"/api/v1/store/backup?to={copy}", 201)
        self.assertEqual(self.check("GET", "/api/v1/hosts/h1", 200)["state"], "up")
        self.write("gate", "")
        self.finished(build)
        sock = self.path("copy.sock")
        second = subprocess.Popen(
            [os.path.join(self.farm.programs, "drover-coordinator"), "--dir", copy, "--config",
             copy + "/farm.yaml", "--socket", sock], stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: os.path.exists(sock), 60, "the copy is served")
            connection = UnixConnection(sock)
            self.addCleanup(connection.close)
            connection.request("GET", f"/api/v1/builds/{build}")
            record = json.loads(connection.getresponse().read())
            self.assertEqual((record["id"], record["builder"]), (build, "gated"))
            self.assertNotEqual(record["state"], "finished")  # as it was when it was copied
        finally:
            second.terminate()
            self.assertEqual(second.wait(30), 0)


class Examples(FarmCase):
    """docs/API.md: curl does what the command line does, from that page alone."""

    config = CONFIG

    def blocks(self):
        with open(os.path.join(TOP, "docs", "API.md"), encoding="utf-8") as file:
            return re.findall(r"^```sh\n(.*?)^```$", file.read(), re.S | re.M)

    def prepared(self):
        """The ids and names of the page, as they are on this farm."""
        os.mkdir(self.path("backups"))
        content = tarball()
        self.write("hello-2.12.1.tar.gz", content)
        for builders in (["hello"], ["hello", "cells"]):
            orders = {"orders": [{"builder": builder} for builder in builders]}
            answer = subprocess.run(
                ["curl", "-sS", "--unix-socket", self.farm.address, "http://localhost/api/v1/builds",
                 "-d", json.dumps(orders)], capture_output=True, check=True)
            said = json.loads(answer.stdout)
            for build in said["builds"]:
                self.finished(build)
            first = said["builds"][0]
        return {"/builds/12": f"/builds/{first}", "build=12": f"build={first}",
                "/campaigns/c3": f"/campaigns/{said['id']}",
                "8d99142afd92576f30b0cd7cb42a8dc6809998bc5d607d88761f512e26c7db20":
                    hashlib.sha256(content).hexdigest()}

    def test_every_example_of_the_page_does_what_it_says(self):
        names = self.prepared()
        last_id = max(int(name.rsplit("/", 1)[1]) for name in names.values() if "/builds/" in name)
        done = 0
        for block in self.blocks():
            for old, new in names.items():
                block = block.replace(old, new)
            # What the page calls 13 is the retry that it has just made.
            script = f"""
                set -eu
                BACKUPS={self.path("backups")}
                curl() {{
                  command curl -sS --fail-with-body --unix-socket {self.farm.address} "$@" || {{
                    status=$?
                    [ $status = 28 ] || exit $status  # a stream has no end; it was cut as asked
                  }}
                }}
                """
            if "/builds/13/cancel" in block:
                block = block.replace("/builds/13/", f"/builds/{self.newest() + 1}/")
            ran = subprocess.run(["bash", "-c", script + block], cwd=self.folder,
                                 capture_output=True, timeout=120, check=False)
            conflict = b'"status":409' in ran.stdout  # the retry was over before it was cancelled
            self.assertTrue(ran.returncode == 0 or conflict,
                            f"{block}\n{ran.stdout.decode()}\n{ran.stderr.decode()}")
            done += 1
        self.assertGreater(done, 10)
        self.assertGreater(last_id, 0)
        self.assertTrue(os.path.exists(self.path("backups/today/store/CURRENT")))

    def newest(self):
        return self.farm.ask("builds", "--limit", "1")["builds"][0]["id"]


if __name__ == "__main__":
    main()
