#!/usr/bin/env python3
"""Mail to servers that want TLS and a name with a password: aiosmtpd with a certificate of ours.

SPDX-License-Identifier: Apache-2.0
"""

import os
import shutil
import ssl
import tempfile

from aiosmtpd.smtp import AuthResult, LoginPassword

from farm import FarmCase, main, wait_until
from irc_people import make_certificate
from sinks import MailSink, free_port

PASSWORD = "correct horse"
# The same machine by an address that does not say so: a password goes there by TLS or not at all.
ELSEWHERE = str(127 << 24 | 1)


class Mail(FarmCase):
    """Each reporter has a server of its own; what it is told is the test notice."""

    def setUp(self):
        self.keys = tempfile.mkdtemp(prefix="drover-mail-")
        self.addCleanup(shutil.rmtree, self.keys)
        self.asked = []  # (mechanism, name, password) of each sign-in
        self.ca, certificate, key = make_certificate(self.keys)
        with open(os.path.join(self.keys, "password"), "w", encoding="ascii") as file:
            file.write(PASSWORD + "\n")
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate, key)
        sinks = {"starttls": self.sink(tls_context=self.tls, require_starttls=True),
                 "whole": self.sink(ssl_context=self.tls, auth_require_tls=False),
                 "bare": self.sink(auth_require_tls=False)}
        self.sinks = sinks
        reporters = {
            "starttls": self.reporter(f"smtp://127.0.0.1:{sinks['starttls'].port}", self.ca),
            "whole": self.reporter(f"smtps://127.0.0.1:{sinks['whole'].port}", self.ca),
            "stranger": self.reporter(f"smtp://127.0.0.1:{sinks['starttls'].port}"),
            "strangers": self.reporter(f"smtps://127.0.0.1:{sinks['whole'].port}"),
            "misnamed": self.reporter(f"smtps://localhost:{sinks['whole'].port}", self.ca),
            "bare": self.reporter(f"smtp://{ELSEWHERE}:{sinks['bare'].port}", self.ca),
            "thief": self.reporter(f"smtp://127.0.0.1:{sinks['starttls'].port}", self.ca, "eve"),
        }
        self.config = "farm: post\nreporters:\n" + "".join(
            f"  {name}: {text}\n" for name, text in reporters.items())
        super().setUp()

    def sink(self, **more):
        """A server to which only ann may send."""
        made = MailSink(free_port(), auth_required=True, authenticator=self.judge, **more)
        made.start()
        self.addCleanup(made.stop)
        return made

    def judge(self, _server, _session, _envelope, mechanism, data):
        name, password = b"", b""
        if isinstance(data, LoginPassword):
            name, password = data.login, data.password
        self.asked.append((mechanism, name.decode(), password.decode()))
        right = (name, password) == (b"ann", PASSWORD.encode())
        return AuthResult(success=right, handled=False)  # the server says 535 by itself

    def reporter(self, url, ca="", user="ann"):
        return (f"{{mail: \"{url}\", from: drover@example.org, to: [dev@example.org], "
                f"user: {user}, password: {{file: {self.keys}/password}}"
                + (f", ca: {ca}" if ca else "") + "}")

    def error_of(self, reporter):
        """Why the newest notice of the reporter has not arrived, once that is known."""
        def look():
            found = [one for one in self.farm.ask("notices")["notices"]
                     if one["reporter"] == reporter]
            return found[0] if found and found[0]["last_error"] else None
        notice = wait_until(look, 30, f"{reporter} has tried")
        self.assertEqual(notice["state"], "waiting", "it is tried again")
        return notice["last_error"]

    def test_mail_goes_by_tls_with_a_name_and_a_password_to_the_right_server_only(self):
        for reporter in ("starttls", "whole"):
            with self.subTest(reporter):
                self.assertIn("was delivered", self.farm.text("admin", "notices", "test", reporter))
                (mail,) = self.sinks[reporter].mails()
                self.assertEqual(mail.defects, [])
                self.assertEqual(mail["to"].addresses[0].addr_spec, "dev@example.org")
                self.assertEqual(self.asked.pop()[1:], ("ann", PASSWORD))
        wrong = {"stranger": "certificate", "strangers": "certificate", "misnamed": "certificate",
                 "bare": "STARTTLS"}
        for reporter, words in wrong.items():
            with self.subTest(reporter):
                self.farm.run("admin", "notices", "test", reporter)
                self.assertIn(words, self.error_of(reporter))
                self.assertEqual(self.asked, [], "no password was said")
        self.farm.run("admin", "notices", "test", "thief")
        self.assertIn("ogin denied", self.error_of("thief"))
        self.assertEqual({asked[1] for asked in self.asked}, {"eve"})
        self.assertEqual([len(sink.taken) for sink in self.sinks.values()], [1, 1, 0])
        with open(self.farm.folder + "/logs/coordinator.log", encoding="utf-8") as log:
            self.assertNotIn(PASSWORD, log.read() + self.farm.text("notices"))


if __name__ == "__main__":
    main()
