#!/usr/bin/python3
"""Records what a host and a coordinator of an earlier version say to each other.

SPDX-License-Identifier: Apache-2.0

Usage: record.py --bin FOLDER --earlier FOLDER --into FILE

The farm is of the programs in --earlier; `record_session` of --bin stands between the host and the
coordinator. What they do is what tests/edge/frames_test.cpp looks for. tools/earlier-version calls
this.
"""

import argparse
import io
import os
import platform
import subprocess
import sys
import tarfile
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, "tools", "demo.d"))

from farmctl import Farm, wait_until  # noqa: E402

HOST = "vega"
CONFIG = """
farm: recorded
builders:
  work:
    requires: "class == 'fast'"
    params: {FLAVOUR: plain}
    steps:
      - name: make
        run: |
          cat data; echo made of $FLAVOUR; mkdir -p out; cp data out/result
          echo kept > "$DROVER_OUT/kept.txt"
        env: {LC_ALL: C}
        cache: {inputs: [data], outputs: ["out/**"]}
        timeout: 5m
        limits: {files: 256}
      - {name: fail, run: "echo to no avail; exit 3", tests: ["out/*.xml"]}
      - {name: clean, run: "seq 1 2000", always: true, warn_only: true}
  long:
    requires: "class == 'fast'"
    steps:
      - {name: wait, run: "echo waits; while :; do sleep 1; done"}
"""


def source_in(folder):
    path = os.path.join(folder, "thing-1.0.tar.gz")
    data = b"the recorded source\n"
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo("thing-1.0/data")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return path


def make_host(farm, folder):
    """A host that has joined by a token, and its folder."""
    program = os.path.join(farm.programs, "drover-host")
    line = farm.text("admin", "token", "--labels", "class=fast").split()
    words = line[line.index("drover-host") + 1:]
    where = os.path.join(folder, HOST)
    subprocess.run([program, *words, "--dir", where, "--name", HOST, "--slots", "2"], check=True,
                   capture_output=True)
    return where, words[1]


def send_through(recorder, where, address):
    """From now on the host finds the coordinator where the recorder waits."""
    port = recorder.stdout.readline().strip()
    settings = os.path.join(where, "host.conf")
    with open(settings, encoding="utf-8") as file:
        text = file.read()
    if address not in text:
        raise SystemExit(f"record.py: {settings} does not name {address}")
    with open(settings, "w", encoding="utf-8") as file:
        file.write(text.replace(address, f"127.0.0.1:{port}"))


def submit(farm, *words):
    return farm.text("submit", *words).split()[-1].lstrip("#")


def finished(farm, build):
    def look():
        record = farm.ask("build", build, codes=(0, 1))
        return record if record["state"] == "finished" else None
    return wait_until(look, 120, f"build {build} is finished")


def act(farm, source):
    """All that a recording is to hold."""
    def is_up():
        return farm.host(HOST)["state"] == "up"
    # Who joins by a token shows first what it can: those builds are in the recording, too.
    wait_until(lambda: is_up() and farm.host(HOST)["stage"] == "trusted", 120,
               "the host is trusted")
    for _ in range(2):  # the second one finds the step in the cache
        record = finished(farm, submit(farm, "work", "--source", source))
        if record["result"] != "failure":
            raise SystemExit(f"record.py: not as it should be: {record['reason']}")
    farm.text("actors")
    farm.text("host", HOST, "restart")
    wait_until(lambda: not is_up() or farm.host(HOST)["restarts"] > 0, 60, "the agent is restarted")
    wait_until(is_up, 60, "the host is back")
    build = submit(farm, "long")
    wait_until(lambda: b"waits" in farm.run("log", build).stdout, 60, "the long step runs")
    farm.text("cancel", build)
    finished(farm, build)


def forget_machine(path):
    """Puts as many other letters where the recording names the machine that it was made on."""
    with open(path, "rb") as file:
        content = bytearray(file.read())
    for name in (platform.release(), platform.node()):
        text = name.encode() + b"\0"
        at = content.find(text)
        while at >= 0:
            if at % 8 == 0:  # where Cap'n Proto begins a text
                content[at:at + len(name)] = (b"recorded" * len(name))[:len(name)]
            at = content.find(text, at + 1)
    with open(path, "wb") as file:
        file.write(content)


def record(present, earlier, into):
    with tempfile.TemporaryDirectory(prefix="drover-record-") as folder:
        config = os.path.join(folder, "farm.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG)
        farm = Farm(earlier, os.path.join(folder, "farm"))
        farm.start("--config", config, "--hosts", "1")
        helpers = []
        try:
            where, address = make_host(farm, folder)
            helpers.append(subprocess.Popen(
                [os.path.join(present, "record_session"), address,
                 os.path.join(farm.folder, "coordinator", "keys"), os.path.join(where, "keys"),
                 into], stdout=subprocess.PIPE, text=True))
            send_through(helpers[0], where, address)
            with open(os.path.join(folder, "host.log"), "wb") as log:
                helpers.append(subprocess.Popen(
                    [os.path.join(earlier, "drover-host"), "run", "--dir", where],
                    stdout=log, stderr=log))
            act(farm, source_in(folder))
        finally:
            for helper in reversed(helpers):
                helper.terminate()
                helper.wait(30)
            farm.stop()
    forget_machine(into)


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for name in ("--bin", "--earlier", "--into"):
        words.add_argument(name, required=True)
    given = words.parse_args()
    record(os.path.abspath(given.bin), os.path.abspath(given.earlier),
           os.path.abspath(given.into))


if __name__ == "__main__":
    main()
