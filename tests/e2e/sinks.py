"""Where notices arrive in tests: a mail server (aiosmtpd) and a web server that keep what they get.

SPDX-License-Identifier: Apache-2.0
"""

import email
import email.policy
import http.server
import socket
import threading
import time

from aiosmtpd.controller import Controller  # python3-aiosmtpd, by tools/setup


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MailSink:
    """A mail server that keeps what it takes; `refusals`: answers to recipients in their turn.

    `more`: aiosmtpd's own settings, of TLS and who may send. `at_step` is called before each answer
    with "EHLO", "MAIL", "RCPT", "DATA" (the bytes are there, and taken) or "QUIT".
    """

    def __init__(self, port, **more):
        self.port = port
        self.more = more
        self.taken = []
        self.times = []  # when each was taken
        self.refusals = {}
        self.at_step = lambda step: None
        self.controller = None

    async def handle_EHLO(self, _server, session, _envelope, hostname, responses):
        self.at_step("EHLO")
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, _server, _session, envelope, address, options):
        self.at_step("MAIL")
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        self.at_step("RCPT")
        answers = self.refusals.get(address)
        if answers:
            return answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):
        self.taken.append((envelope.rcpt_tos, envelope.content))
        self.times.append(time.monotonic())
        self.at_step("DATA")
        return "250 taken"

    async def handle_QUIT(self, _server, _session, _envelope):
        self.at_step("QUIT")
        return "221 Bye"

    def start(self):
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, **self.more)
        self.controller.start()

    def stop(self):
        if self.controller is not None:
            self.controller.stop()
            self.controller = None

    def mails(self):
        return [email.message_from_bytes(content, policy=email.policy.default)
                for _, content in self.taken]


def text_of(mail):
    return mail.get_content().replace("\r\n", "\n")


class HookSink:
    """A web server that keeps what is posted; `answers` are statuses in their turn.

    `at_step` is called with "read" once it is asked, "taken" before its answer and "answered".
    """

    def __init__(self, port):
        self.taken = []
        self.times = []
        self.answers = []
        self.port = port
        self.at_step = lambda step: None
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                sink.at_step("read")
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.taken.append((dict(self.headers), body))
                sink.times.append(time.monotonic())
                sink.at_step("taken")
                status = sink.answers.pop(0) if sink.answers else 204
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                sink.at_step("answered")

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, _request, _address):
                pass  # who asked has gone: the tests kill it on purpose

        self.server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
