"""Faults that steps cause by what they print: floods, lines without end, bytes that are no text.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import itertools
import os
import re
import subprocess
import time
import urllib.request

from history import Outcome
from rig import Broken, wait_until
from row import row_list

ROWS, row = row_list()

GROWTH_MAX = 200  # MiB: what the coordinator's memory may grow by, with its store's own buffers
PAGE_SECONDS = 2.0  # the criterion is 0.2 s; this machine may be busy


def resident(rig):
    """The coordinator's memory in MiB."""
    with open(f"/proc/{rig.programs['coordinator'].pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) // 1024


def flood(rig, builder):
    """(record, memory before, memory at most) of one build that prints much."""
    before = peak = resident(rig)
    build = rig.submit(builder)[0]

    def over():
        nonlocal peak
        peak = max(peak, resident(rig))
        return rig.build(build)["state"] == "finished"
    wait_until(over, 600, "the flood ends")
    record = rig.build(build)
    if record["result"] != "success":
        raise Broken(f"{record['result']}: {record['reason']}")
    if peak - before > GROWTH_MAX:
        raise Broken(f"the coordinator grew from {before} to {peak} MiB")
    return record, before, peak


def page(rig, path):
    """(text, seconds) of a page."""
    begin = time.monotonic()
    with urllib.request.urlopen(f"http://127.0.0.1:{rig.web}{path}", timeout=60) as answer:
        text = answer.read()
    return text.decode(), time.monotonic() - begin


def sha256_of_log(rig, build, step):
    """Of the log as the farm gives it, read in pieces: (digest, bytes)."""
    words = [os.path.join(rig.bin, "drover"), "--farm", rig.farm.address, "log", str(build), step,
             "--raw"]
    digest, size = hashlib.sha256(), 0
    with subprocess.Popen(words, stdout=subprocess.PIPE) as reading:
        while piece := reading.stdout.read(1 << 20):
            digest.update(piece)
            size += len(piece)
    if reading.returncode != 0:
        raise Broken(f"the log can't be read: exit code {reading.returncode}")
    return digest.hexdigest(), size


@row(30, "a step that prints 1 GB", hosts=1, web=True,
     steps={"bad": ["yes 'a line of the flood' | head -c 1G"]})
def log_flood(rig):
    record, before, peak = flood(rig, "bad")
    wanted = hashlib.sha256()
    lines = b"a line of the flood\n" * 65536
    for start in range(0, 1 << 30, len(lines)):
        wanted.update(lines[:min(len(lines), (1 << 30) - start)])
    return compared(rig, record, wanted.hexdigest(), (before, peak))


@row(31, "a line of 1 GB without a newline", hosts=1, web=True,
     steps={"bad": ["head -c 1G /dev/zero | tr '\\0' x"]})
def endless_line(rig):
    record, before, peak = flood(rig, "bad")
    wanted = hashlib.sha256()
    for _ in range(1 << 10):
        wanted.update(b"x" * (1 << 20))
    return compared(rig, record, wanted.hexdigest(), (before, peak))


def compared(rig, record, digest, memory):
    """The log is what was printed, and any part of its page comes at once."""
    before, peak = memory
    got, size = sha256_of_log(rig, record["id"], "s1")
    slowest, largest = 0.0, 0
    for where in ("", "?at=end", f"?at={size // 2}"):
        text, took = page(rig, f"/builds/{record['id']}/steps/s1{where}")
        slowest, largest = max(slowest, took), max(largest, len(text))
    if slowest > PAGE_SECONDS:
        raise Broken(f"a page of the log took {slowest:.1f} s")
    peak = max(peak, resident(rig))
    if peak - before > GROWTH_MAX:
        raise Broken(f"read again, the coordinator grew from {before} to {peak} MiB")
    return Outcome(lost=int(got != digest),
                   note=f"{size >> 20} MiB byte for byte; memory {before} to {peak} MiB; "
                        f"slowest page {slowest * 1000:.0f} ms of {largest >> 10} KiB")


# What terminals and browsers would obey. Each piece stands on a line of its own.
NASTY = [
    b"\x1b[31mred\x1b[0m and \x1b[1;32mbold green\x1b[m",  # colours: allowed
    b"\x1b[2J\x1b[H wiped", b"\x1b[?1049h other screen", b"\x1b[6n asks", b"\x1bc reset",
    b"\x1b]0;title\x07 title", b"\x1b]8;;http://evil.example/\x1b\\link\x1b]8;;\x1b\\ OSC 8",
    b"\x1b]52;c;ZXZpbA==\x07 clipboard", b"\x1bP1$r\x1b\\ DCS", b"\x9b31m C1 CSI", b"\xc2\x9b31m",
    b"over\rwritten", b"back\x08\x08\x08space", b"bell\x07", b"null\x00byte", b"del\x7fete",
    b"\xff\xfe\xfa no UTF-8", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc0\xaf overlong",
    b"\xed\xa0\x80 surrogate", b"\xf4\x90\x80\x80 beyond",
    "bidi \u202eevil\u202c \u2066x\u2069 \u200f".encode(), "zero\u200bwidth \ufeff".encode(),
    "lines \u2028 and \u2029 and \u0085".encode(),
    b"<script>alert(1)</script>", b"<img src=x onerror=alert(1)>", b"&lt;not&amp;twice&gt;",
    b"</div></pre></body>", b"\"'><svg/onload=alert(1)>", b"javascript:alert(1)",
    "ordinary: \u00e4\u00f6\u00fc \u65e5\u672c \U0001f600".encode(), b"\x1b[31", b"\x1b",
]
ALLOWED = re.compile(r"\x1b\[[0-9;:]*m")
# Controls but newline and tab, C1, and what turns or hides text.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029"
                    "\u202a-\u202e\u2066-\u2069]")


def nasty_bytes():
    """The corpus line by line, then all its pairs without a newline between."""
    lines = b"".join(piece + b"\n" for piece in NASTY)
    return lines + b"".join(a + b for a, b in itertools.product(NASTY, NASTY)) + bytes(range(256))


@row(32, "output that terminals and browsers would obey", quick=True, hosts=1, web=True,
     steps={"bad": ["cat FOLDER/nasty"]})
def nasty(rig):
    written = nasty_bytes()
    with open(rig.folder + "/nasty", "wb") as file:
        file.write(written)
    record = rig.finished(rig.submit("bad"), 60)[0]
    build = record["id"]
    lost = int(rig.farm.log(build, "s1") != written)
    shown = rig.farm.run("log", build, "s1").stdout
    try:
        text = shown.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise Broken(f"the command line printed what is no UTF-8: {problem}") from None
    if found := OBEYED.search(ALLOWED.sub("", text)):
        at = found.start()
        raise Broken(f"the command line printed {text[max(0, at - 20):at + 20]!r}")
    html, _ = page(rig, f"/builds/{build}/steps/s1")
    raw, _ = page_bytes(rig, f"/builds/{build}/steps/s1/log.txt")
    lost += int(raw != written)
    if found := OBEYED.search(html):
        at = found.start()
        raise Broken(f"the page has {html[max(0, at - 20):at + 20]!r}")
    for name, where in (("command line", text), ("page", html)):
        if "ordinary: \u00e4\u00f6\u00fc" not in where or "\\x1B]52;c" not in where:
            raise Broken(f"the {name} does not show what was printed")
    for word in ("<script>alert", "<img src=x", "<svg/onload", "</pre></body>", "href=\"http://evil"):
        if word in html:
            raise Broken(f"the page has {word}")
    return Outcome(lost=lost, note=f"{len(written)} bytes kept, {len(NASTY)} tricks shown harmless")


def page_bytes(rig, path):
    """(bytes, headers), whatever the path gives."""
    with urllib.request.urlopen(f"http://127.0.0.1:{rig.web}{path}", timeout=60) as answer:
        return answer.read(), dict(answer.headers)
