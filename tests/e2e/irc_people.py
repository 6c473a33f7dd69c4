"""IRC for end-to-end tests: a person with a client, a real ngircd, and a scripted server.

SPDX-License-Identifier: Apache-2.0

ngircd has TLS and a password of its own, but neither SASL nor accounts; what needs them is tested
with the scripted server, which speaks CAP, SASL PLAIN and account-tag over real sockets with TLS.
"""

import base64
import os
import select
import shutil
import socket
import ssl
import subprocess
import threading
import time

from farmctl import FarmError, wait_until


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(folder, name="127.0.0.1"):
    """A CA of our own and a server's certificate: (ca, certificate, key)."""
    def path(file):
        return os.path.join(folder, file)

    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test CA",
            "-keyout", path("ca.key"), "-out", path("ca.pem"))
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=irc", "-keyout", path("irc.key"),
            "-out", path("irc.csr"))
    kind = "IP" if name[0].isdigit() else "DNS"
    with open(path("irc.ext"), "w", encoding="ascii") as file:
        file.write(f"subjectAltName={kind}:{name}\n")
    openssl("x509", "-req", "-in", path("irc.csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"),
            "-CAcreateserial", "-days", "2", "-extfile", path("irc.ext"), "-out", path("irc.pem"))
    return path("ca.pem"), path("irc.pem"), path("irc.key")


class Ngircd:
    """A real server on ports of its own; with TLS too where there is a certificate."""

    def __init__(self, folder, certificate=None, password=None):
        self.password = password
        self.port = free_port()
        self.tls_port = free_port() if certificate else None
        self.process = None
        self.config = os.path.join(folder, "ngircd.conf")
        self.log = os.path.join(folder, "ngircd.log")
        lines = ["[Global]", "Name = irc.example.test", "Info = test",
                 "Listen = 127.0.0.1", f"Ports = {self.port}",
                 f"Password = {password}" if password else "",
                 "ServerGID = nogroup" if os.getuid() == 0 else "",
                 "ServerUID = nobody" if os.getuid() == 0 else "",
                 "[Limits]", "MaxConnectionsIP = 0", "MaxJoins = 50", "MaxPenaltyTime = 0",
                 "PingTimeout = 30", "PongTimeout = 10", "[Options]", "DNS = no", "Ident = no",
                 "PAM = no", "SyslogFacility = local1", "MorePrivacy = no"]
        if certificate:
            lines += ["[SSL]", f"CertFile = {certificate[1]}", f"KeyFile = {certificate[2]}",
                      f"Ports = {self.tls_port}"]
        with open(self.config, "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [shutil.which("ngircd", path=os.environ["PATH"] + ":/usr/sbin"), "-n", "-f",
                 self.config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self.listens, 20, "ngircd listens")

    def listens(self):
        if self.process.poll() is not None:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                raise FarmError("ngircd has ended: " + log.read()[-800:])
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class Proxy:
    """Stands before a server: lets bytes through, loses them in silence, or lets nobody in."""

    def __init__(self, port):
        self.target = port
        self.mode = "open"
        self.pairs = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                if self.mode == "closed":
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self.target), 10)
            except OSError:
                if self.listener.fileno() < 0:
                    return
                client.close()
                continue
            self.pairs += [client, server]
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=(*pair, []), daemon=True).start()

    def pump(self, source, sink, lost):
        """Once a byte was lost nothing comes after it: a connection has no holes."""
        try:
            while piece := source.recv(65536):
                if self.mode == "frozen":
                    lost.append(piece)
                if not lost:
                    sink.sendall(piece)
        except OSError:
            pass  # the other side has closed it
        for each in (source, sink):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it was closed before

    def shut(self):
        """Nobody is in, nobody comes in."""
        self.mode = "closed"
        for each in self.pairs:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it was closed before
        for each in self.pairs:
            each.close()
        self.pairs.clear()

    def close(self):
        self.listener.close()
        self.shut()


class Person:
    """Somebody with a client: keeps all lines that came, and waits for those that are wanted."""

    def __init__(self, port, nick, channel="#builds", tls=None, password=None):
        self.nick = nick
        self.lines = []
        self.rest = b""
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="127.0.0.1")
        if password is not None:
            self.say_line(f"PASS :{password}")
        self.say_line(f"NICK {nick}")
        self.say_line(f"USER {nick} 0 * :{nick}")
        self.wait_for(lambda line: " 001 " in line, "the welcome")
        if channel:
            self.say_line(f"JOIN {channel}")
            self.wait_for(lambda line: " 366 " in line, "the channel")

    def close(self):
        self.socket.close()

    def say_line(self, line):
        self.socket.sendall(line.encode() + b"\r\n")

    def say(self, target, text):
        self.say_line(f"PRIVMSG {target} :{text}")

    def read(self, seconds):
        """Takes what comes within so many seconds; false: nothing came."""
        pending = getattr(self.socket, "pending", lambda: 0)()
        if not pending and not select.select([self.socket], [], [], seconds)[0]:
            return False
        piece = self.socket.recv(65536)
        if not piece:
            raise FarmError(f"{self.nick} was thrown out: {self.lines[-3:]}")
        *whole, self.rest = (self.rest + piece).split(b"\n")
        for line in whole:
            text = line.rstrip(b"\r").decode(errors="replace")
            if text.startswith("PING"):
                self.say_line("PONG" + text[4:])
            self.lines.append(text)
        return True

    def wait_for(self, wanted, what, seconds=60, since=0):
        """The first line from `since` on that is wanted."""
        end = time.monotonic() + seconds
        while True:
            for line in self.lines[since:]:
                if wanted(line):
                    return line
            if time.monotonic() > end:
                raise FarmError(f"{self.nick}: not within {seconds} s: {what}; the last lines: "
                                + " | ".join(self.lines[-8:]))
            self.read(min(1, max(0, end - time.monotonic())))

    def ask(self, text, wanted, bot="drover", target="#builds", seconds=60):
        """Says it and waits for an answer of the bot's that has `wanted` in it."""
        since = len(self.lines)
        self.say(target, text)
        return self.wait_for(lambda line: line.startswith(f":{bot}!") and " PRIVMSG " in line
                             and wanted in line, f"{wanted!r} in answer to {text!r}",
                             seconds, since)

    def heard(self, text):
        """How many of the messages that came have this text."""
        return sum(text in line for line in self.lines if " PRIVMSG " in line)


class ScriptedServer:
    """Speaks CAP, SASL PLAIN and account-tag; for the bot and people. `accounts`: password by name.
    A person is signed in by ACCOUNT, which real servers have not. WHOIS tells accounts too."""

    def __init__(self, certificate=None, accounts=None, capabilities="sasl=PLAIN account-tag"):
        self.accounts = accounts or {}
        self.capabilities = capabilities
        self.clients = []
        self.seen = []  # every line that came, with the nick of who sent it
        self.lock = threading.Lock()
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate[1], certificate[2])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def close(self):
        self.listener.close()
        for client in list(self.clients):
            client.close()

    def serve(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            Client(self, connection).run()
        except (OSError, ssl.SSLError):
            connection.close()

    def others(self, nick):
        with self.lock:
            return [client for client in self.clients if client.nick == nick]


class Client:
    """One connection to the scripted server."""

    def __init__(self, server, connection):
        self.server = server
        self.connection = connection
        self.nick = "*"
        self.account = ""
        self.tags = self.negotiating = self.welcomed = False
        self.guard = threading.Lock()

    def close(self):
        self.connection.close()

    def send(self, line):
        with self.guard:
            self.connection.sendall(line.encode() + b"\r\n")

    def run(self):
        with self.server.lock:
            self.server.clients.append(self)
        try:
            for line in self.connection.makefile("rb"):
                text = line.rstrip(b"\r\n").decode(errors="replace")
                with self.server.lock:
                    self.server.seen.append((self.nick, text))
                self.take(text)
        finally:
            with self.server.lock:
                self.server.clients.remove(self)
            self.connection.close()

    def take(self, line):
        head, _, trailing = line.partition(" :")
        command, *words = head.split() + ([trailing] if " :" in line else [])
        handler = getattr(self, "on_" + command.lower(), None)
        if handler:
            handler(words)
        if not self.welcomed and not self.negotiating and self.nick != "*":
            self.welcomed = True
            self.send(f":irc.test 001 {self.nick} :Welcome")

    def on_cap(self, words):
        if words[0] == "LS":
            self.negotiating = True
            self.send(f":irc.test CAP * LS :{self.server.capabilities}")
        elif words[0] == "REQ":
            self.tags = "account-tag" in words[1]
            self.send(f":irc.test CAP * ACK :{words[1]}")
        elif words[0] == "END":
            self.negotiating = False

    def on_authenticate(self, words):
        if words[0] == "PLAIN":
            return self.send("AUTHENTICATE +")
        _, name, password = base64.b64decode(words[0]).decode().split("\0")
        if self.server.accounts.get(name) != password:
            return self.send(":irc.test 904 * :SASL authentication failed")
        self.account = name
        self.send(":irc.test 903 * :SASL authentication successful")

    def on_account(self, words):
        self.account = words[0]

    def on_nick(self, words):
        self.nick = words[0]

    def on_ping(self, words):
        self.send(f":irc.test PONG irc.test :{words[0]}")

    def on_whois(self, words):
        for client in self.server.others(words[0]):
            self.send(f":irc.test 311 {self.nick} {client.nick} u h * :x")
            if client.account:
                self.send(f":irc.test 330 {self.nick} {client.nick} {client.account} :logged in")
        self.send(f":irc.test 318 {self.nick} {words[0]} :End of WHOIS")

    def on_join(self, words):
        with self.server.lock:
            everybody = list(self.server.clients)
        for client in everybody:
            client.send(f":{self.nick}!u@h JOIN {words[0]}")
        self.send(f":irc.test 366 {self.nick} {words[0]} :End of NAMES")

    def on_privmsg(self, words):
        with self.server.lock:
            everybody = list(self.server.clients)
        for client in everybody:
            if client is self or (words[0][0] != "#" and client.nick != words[0]):
                continue
            tag = f"@account={self.account} " if client.tags and self.account else ""
            client.send(f"{tag}:{self.nick}!u@h PRIVMSG {words[0]} :{words[1]}")
