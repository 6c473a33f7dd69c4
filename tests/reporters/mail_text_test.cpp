// SPDX-License-Identifier: Apache-2.0
#include "nodes/reporters/mail_text.hpp"
#include "nodes/reporters/reporters.hpp"
#include "schema/limits_notices.hpp"
#include "tests/catch.hpp"

#include <vector>

using namespace drover;
using namespace drover::reporters;

namespace {

const std::vector<std::string> hostile{"a\r\nBcc: all@example.org",
                                       "a\n.\r\nQUIT\r\n",
                                       "a\rX-Evil: y",
                                       std::string{"a\0b", 3},
                                       "a\xE2\x80\xA8"
                                       "Bcc: b@example.org\xE2\x80\xA9"
                                       "c",
                                       "\xE2\x80\xAEgnitirw",
                                       "=?UTF-8?Q?=0D=0ABcc:_all?=",
                                       std::string(100'000, 'x'),
                                       std::string(3000, ' '),
                                       "\xff\xfe\x80\xC3",
                                       "\xC3\xA4\xF0\x9F\x90\x84 \xE4\xB8\xAD",
                                       ""};

notice_record notice_with(const std::string& text) {
  notice_record out;
  out.id = 12;
  out.reporter = "people";
  out.event = 7;
  out.build = {3};
  out.thread = "herd-7-1769860800000";
  out.subject = out.text = out.builder = out.host.value = text;
  out.made_at = {1'769'860'800'000};
  out.to = {"dev@example.org"};
  return out;
}

const mail_envelope envelope{"herd", "drover@example.org", "dev@example.org"};

std::vector<std::string> lines_of(const std::string& message) {
  std::vector<std::string> out;
  for (size_t at = 0; at < message.size();) {
    auto end = message.find("\r\n", at);
    REQUIRE(end != std::string::npos); // the last line is ended, too
    out.push_back(message.substr(at, end - at));
    at = end + 2;
  }
  return out;
}

} // namespace

TEST_CASE("mail: whatever a notice holds, its mail has our headers and no others") {
  for (const auto& text : hostile) {
    auto lines = lines_of(mail_text(notice_with(text), envelope));
    bool in_header = true;
    for (const auto& line : lines) {
      CHECK(line.size() <= 76 + 22); // a fold's rest, and the longest name of ours
      for (char byte : line)
        CHECK((byte >= 0x20 && byte < 0x7f));
      if (line.empty())
        in_header = false;
      if (!in_header || line[0] == ' ')
        continue;
      auto name = line.substr(0, line.find(':'));
      CHECK((name == "Date" || name == "From" || name == "To" || name == "Subject"
             || name == "Message-ID" || name == "Auto-Submitted" || name == "List-Id"
             || name.rfind("X-Drover-", 0) == 0 || name == "MIME-Version" || name == "Content-Type"
             || name == "Content-Transfer-Encoding"));
    }
    CHECK_FALSE(in_header);
  }
}

TEST_CASE("mail: a subject in other scripts is encoded by whole characters, in short words") {
  auto header = mail_header("Subject", std::string(40, 'a') + "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4");
  CHECK(header
        == "Subject: =?UTF-8?B?YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYcOkw6Q=?=\r\n"
           " =?UTF-8?B?w6TDpA==?=\r\n");
  CHECK(mail_header("Subject", "plain text") == "Subject: plain text\r\n");
}

TEST_CASE("mail: a body's lines are quoted-printable") {
  CHECK(quoted_printable("a = b \nc\n") == "a =3D b=20\r\nc\r\n");
  CHECK(quoted_printable("no end") == "no end\r\n");
  CHECK(quoted_printable("\xC3\xA4\t") == "=C3=A4=09\r\n");
  CHECK(quoted_printable(std::string(80, 'x'))
        == std::string(75, 'x') + "=\r\n" + std::string(5, 'x') + "\r\n");
  CHECK(quoted_printable("").empty());
}

TEST_CASE("mail: the date is that of the notice, in UTC") {
  CHECK(mail_date({1'769'860'800'000}) == "Sat, 31 Jan 2026 12:00:00 +0000");
}

TEST_CASE("mail: one id for each try, and the first one of the thread is what others refer to") {
  auto first = notice_with("x");
  auto again = first;
  again.tries = 7;
  CHECK(message_id(first, envelope.from) == "<herd-7-1769860800000.people@example.org>");
  CHECK(message_id(again, envelope.from) == message_id(first, envelope.from));
  auto later = first;
  later.event = 9;
  CHECK(message_id(later, envelope.from) == "<herd-7-1769860800000.9.people@example.org>");
  auto message = mail_text(later, envelope);
  CHECK(message.find("\r\nIn-Reply-To: " + message_id(first, envelope.from) + "\r\n")
        != std::string::npos);
  CHECK(message.find("\r\nReferences: " + message_id(first, envelope.from) + "\r\n")
        != std::string::npos);
  CHECK(mail_text(first, envelope).find("In-Reply-To") == std::string::npos);
}

TEST_CASE("webhook: the signature is the HMAC-SHA256 that others compute") {
  // Checked with: printf '1769860800.{}' | openssl dgst -sha256 -hmac key
  CHECK(webhook_signature("key", "1769860800", "{}")
        == "71060041e00ec35e10dd345d2d6e4ab8c45da4c5805ea3e31750511356b8754a");
  auto notice = notice_with("x");
  CHECK(delivery_id(notice) == "people-12-1769860800000");
}

TEST_CASE("reporters: a secret that can't be read is named by its file, and tried again later") {
  reporter_spec reporter;
  reporter.settings["secret_file"] = "not-there.key";
  auto secret = read_secret(reporter, "secret_file", "/nowhere");
  REQUIRE_FALSE(secret);
  CHECK(secret.error().text.rfind("/nowhere/not-there.key: ", 0) == 0);
  CHECK((*read_secret(reporter, "password_file", "/nowhere")).empty());
}
