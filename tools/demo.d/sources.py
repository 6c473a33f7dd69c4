"""Release tarballs as Debian's source packages carry them, from the machine's own mirror.

SPDX-License-Identifier: Apache-2.0
"""

import glob
import hashlib
import os
import re
import subprocess


class NoSources(Exception):
    """Says in one sentence why there are none, and what to do."""


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "drover", "sources")


def codename():
    with open("/etc/os-release", encoding="utf-8") as file:
        match = re.search(r'^VERSION_CODENAME="?([a-z]+)', file.read(), re.M)
    return match[1] if match else ""


def source_lines(text, release):
    """deb-src lines made from the deb lines of a .list file that offer Debian's main section."""
    lines = []
    for line in text.splitlines():
        match = re.match(r"\s*deb(?:-src)?\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)", line)
        if match and match[3].startswith(release) and "main" in match[4].split("#")[0].split():
            options = re.sub(r"\barch=\S+", "", match[1] or "")
            lines.append(f"deb-src {options}{match[2]} {match[3]} main")
    return sorted(set(lines))


def source_stanzas(text, release):
    """The same for the stanzas of a .sources file."""
    stanzas = []
    for stanza in re.split(r"\n\s*\n", text):
        stanza = "\n".join(line for line in stanza.splitlines() if not line.startswith("#"))
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.M))
        wanted = (fields.get("Enabled", "yes") != "no" and "deb" in fields.get("Types", "")
                  and "main" in fields.get("Components", "").split()
                  and any(suite.startswith(release) for suite in fields.get("Suites", "").split()))
        if wanted:
            stanza = re.sub(r"^Architectures:.*\n?", "", stanza, flags=re.M)
            stanza = re.sub(r"^Types:.*$", "Types: deb-src", stanza, flags=re.M)
            stanza = re.sub(r"^Components:.*$", "Components: main", stanza, flags=re.M)
            stanzas.append(stanza.strip())
    return stanzas


def private_apt(folder):
    """Makes an apt configuration of our own below `folder`; returns the options that use it."""
    values = subprocess.run(["apt-config", "shell", "LIST", "Dir::Etc::sourcelist/f",
                             "PARTS", "Dir::Etc::sourceparts/d"],
                            capture_output=True, text=True, check=True).stdout
    places = dict(re.findall(r"^(\w+)='(.*)'$", values, re.M))
    files = [places.get("LIST", "")] + sorted(glob.glob(places.get("PARTS", "") + "/*"))
    lines, stanzas, release = [], [], codename()
    for path in files:
        if not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        if path.endswith(".list"):
            lines += source_lines(text, release)
        elif path.endswith(".sources"):
            stanzas += source_stanzas(text, release)
    if not lines and not stanzas:
        raise NoSources("apt's configuration names no Debian mirror: put the tarballs into "
                        + cache_folder())
    parts = os.path.join(folder, "parts")
    for name in (parts, os.path.join(folder, "lists", "partial"),
                 os.path.join(folder, "cache", "archives", "partial")):
        os.makedirs(name, exist_ok=True)
    for name, text in (("demo.list", "\n".join(lines)), ("demo.sources", "\n\n".join(stanzas))):
        with open(os.path.join(parts, name), "w", encoding="utf-8") as file:
            file.write(text + "\n")
    settings = {"Dir::Etc::sourcelist": "/dev/null", "Dir::Etc::sourceparts": parts,
                "Dir::State::lists": os.path.join(folder, "lists"),
                "Dir::Cache": os.path.join(folder, "cache"),
                # Our folder is not one that apt's own user may enter.
                "APT::Sandbox::User": "root", "Acquire::Retries": "3", "Acquire::Languages": "none"}
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def run_apt(options, words, folder):
    done = subprocess.run(["apt-get", *options, *words], cwd=folder, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False,
                          env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"})
    if done.returncode != 0:
        errors = [line for line in (done.stdout + done.stderr).splitlines() if line[:2] == "E:"]
        why = "; ".join(errors) or f"exit code {done.returncode}"
        raise NoSources(f"apt-get {' '.join(words)} failed: {why}; is the network there? "
                        f"Tarballs in {cache_folder()} are used without it")


def cached(package):
    """The tarball of `package` in the cache, if it is whole."""
    for path in sorted(glob.glob(os.path.join(cache_folder(), package + "_*.orig.tar.*"))):
        if path.endswith((".asc", ".sha256")):
            continue
        try:
            with open(path, "rb") as file, open(path + ".sha256", encoding="ascii") as digest:
                if hashlib.sha256(file.read()).hexdigest() == digest.read().strip():
                    return path
        except FileNotFoundError:
            continue
    return None


def fetch(packages, say):
    """{package: path of its tarball}; asks the network only for what is not cached."""
    folder = cache_folder()
    os.makedirs(folder, exist_ok=True)
    missing = [package for package in packages if not cached(package)]
    if missing:
        say(f"fetching the source packages of {', '.join(missing)} from this machine's mirror")
        apt = os.path.join(os.path.dirname(folder), "apt")
        options = private_apt(apt)
        run_apt(options, ["update"], apt)
        # The upstream tarball alone: Debian's own changes to it are of no use here.
        run_apt(options, ["source", "--download-only", "--tar-only", "--only-source", *missing],
                folder)
        for package in missing:  # apt has checked their signatures and digests
            for path in glob.glob(os.path.join(folder, package + "_*.orig.tar.*")):
                if path.endswith((".asc", ".sha256")):
                    continue
                with open(path, "rb") as file:
                    digest = hashlib.sha256(file.read()).hexdigest()
                with open(path + ".sha256", "w", encoding="ascii") as file:
                    file.write(digest + "\n")
    found = {package: cached(package) for package in packages}
    for package, path in found.items():
        if path is None:
            raise NoSources(f"the source package of {package} has no upstream tarball")
    return found
