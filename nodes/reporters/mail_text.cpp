// SPDX-License-Identifier: Apache-2.0
#include "nodes/reporters/mail_text.hpp"

#include "actors/core/incidents.hpp"
#include "schema/limits_notices.hpp"
#include "schema/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <ctime>

namespace drover::reporters {

namespace {

constexpr size_t line_max = 76;          // of a header's line, and of quoted-printable
constexpr size_t encoded_bytes_max = 45; // of text in one encoded word: 60 characters of base64

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char byte) { return byte > 0x1f && byte < 0x7f; });
}

/// Whether it can stand as it is: folded at its blanks, and not like an encoded word.
bool is_plain(std::string_view text) {
  if (!is_ascii(text) || text.find("=?") != std::string_view::npos)
    return false;
  size_t word = 0;
  for (char byte : text) {
    word = byte == ' ' ? 0 : word + 1;
    if (word > line_max / 2)
      return false;
  }
  return true;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t three = 0;
    for (size_t i = 0; i < 3; ++i)
      three = three << 8 | (at + i < bytes.size() ? static_cast<uint8_t>(bytes[at + i]) : 0u);
    for (size_t i = 0; i < 4; ++i)
      out.push_back(at + i > bytes.size() ? '=' : letters[three >> (18 - 6 * i) & 63]);
  }
  return out;
}

/// Encoded words, one a line, each of whole characters.
std::string encoded_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    auto size = std::min(text.size(), encoded_bytes_max);
    while (size < text.size() && size > 1 && (static_cast<uint8_t>(text[size]) & 0xc0) == 0x80)
      --size;
    out +=
      (out.empty() ? "" : "\r\n ") + fmt::format("=?UTF-8?B?{}?=", base64(text.substr(0, size)));
    text.remove_prefix(size);
  }
  return out;
}

std::string folded(std::string_view name, std::string_view text) {
  std::string out;
  auto used = name.size() + 2;
  while (!text.empty()) {
    auto word = text.substr(0, text.find(' ', 1)); // with the blank before it
    if (used + word.size() > line_max && used > 1) {
      out += "\r\n";
      used = 0;
    }
    out += word;
    used += word.size();
    text.remove_prefix(word.size());
  }
  return out;
}

std::string atom(std::string_view text) {
  std::string out;
  for (char byte : text)
    out.push_back(std::isalnum(static_cast<unsigned char>(byte)) != 0 ? byte : '-');
  return out;
}

std::string domain_of(const std::string& from) {
  return from.substr(from.rfind('@') + 1);
}

std::string first_id(const notice_record& notice, const std::string& from) {
  return fmt::format("<{}.{}@{}>", atom(notice.thread), atom(notice.reporter), domain_of(from));
}

} // namespace

std::string mail_header(std::string_view name, std::string_view value) {
  auto clean = printable(value, limits::reason_bytes_max);
  auto text = is_plain(clean) ? folded(name, clean) : encoded_words(clean);
  return fmt::format("{}: {}\r\n", name, text);
}

std::string quoted_printable(std::string_view text) {
  std::string out;
  size_t used = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    auto byte = static_cast<unsigned char>(text[at]);
    if (byte == '\n') {
      out += "\r\n";
      used = 0;
      continue;
    }
    bool last = at + 1 == text.size() || text[at + 1] == '\n';
    bool plain = (byte > 0x20 && byte < 0x7f && byte != '=') || (byte == ' ' && !last);
    auto piece = plain ? std::string(1, text[at]) : fmt::format("={:02X}", byte);
    if (used + piece.size() >= line_max) {
      out += "=\r\n";
      used = 0;
    }
    out += piece;
    used += piece.size();
  }
  return used == 0 ? out : out + "\r\n";
}

std::string mail_date(wall_time when) {
  constexpr std::string_view days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm parts{};
  auto seconds = static_cast<std::time_t>(when.ms / 1000);
  gmtime_r(&seconds, &parts);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000",
                     days[static_cast<size_t>(parts.tm_wday)], parts.tm_mday,
                     months[static_cast<size_t>(parts.tm_mon)], parts.tm_year + 1900, parts.tm_hour,
                     parts.tm_min, parts.tm_sec);
}

std::string message_id(const notice_record& notice, const std::string& from) {
  if (core::begins_thread(notice))
    return first_id(notice, from);
  return fmt::format("<{}.{}.{}@{}>", atom(notice.thread), notice.event, atom(notice.reporter),
                     domain_of(from));
}

std::string mail_text(const notice_record& notice, const mail_envelope& envelope) {
  auto farm = printable(envelope.farm, limits::name_bytes_max);
  // Addresses and ids are made of letters that need no encoding; they are not folded either.
  auto plain = [](std::string_view name, const std::string& value) {
    return fmt::format("{}: {}\r\n", name, value);
  };
  auto out = plain("Date", mail_date(notice.made_at));
  out += plain("From", fmt::format("\"Drover {}\" <{}>", atom(farm), envelope.from));
  out += plain("To", fmt::format("<{}>", envelope.to));
  out += mail_header("Subject", "[" + farm + "] " + notice.subject);
  out += plain("Message-ID", message_id(notice, envelope.from));
  if (!core::begins_thread(notice)) {
    out += plain("In-Reply-To", first_id(notice, envelope.from));
    out += plain("References", first_id(notice, envelope.from));
  }
  out += plain("Auto-Submitted", "auto-generated");
  out += plain("List-Id", fmt::format("<{}.{}.drover>", atom(notice.reporter), atom(farm)));
  out += mail_header("X-Drover-Farm", farm);
  out += mail_header("X-Drover-Kind", to_string(notice.kind));
  out += mail_header("X-Drover-Notice", std::to_string(notice.id));
  auto about = [&out](std::string_view name, const std::string& value) {
    if (!value.empty())
      out += mail_header(name, value);
  };
  about("X-Drover-Builder", notice.builder);
  about("X-Drover-Build", notice.build.value == 0 ? "" : to_string(notice.build));
  about("X-Drover-Campaign", notice.campaign.value == 0 ? "" : to_string(notice.campaign));
  about("X-Drover-Host", notice.host.value);
  out += "MIME-Version: 1.0\r\n"
         "Content-Type: text/plain; charset=UTF-8\r\n"
         "Content-Transfer-Encoding: quoted-printable\r\n"
         "\r\n";
  return out + quoted_printable(notice.text);
}

} // namespace drover::reporters
