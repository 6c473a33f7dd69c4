#pragma once
// Bounds of the IRC bot, each with its reason.
// SPDX-License-Identifier: Apache-2.0

#include "schema/limits.hpp"

namespace drover::limits {

/// A line with its CR LF, of RFC 1459: servers cut or refuse what is longer.
inline constexpr size_t irc_line_bytes_max = 512;
/// What stands before a line's command as "@tags "; IRCv3 message-tags.
inline constexpr size_t irc_tags_bytes_max = 8191;
/// Of RFC 1459: a command has so many parameters, the last one takes the rest.
inline constexpr size_t irc_params_max = 15;
/// A text in one message: what is left of a line when the server has put our name, user and host,
/// the command and the channel before it.
inline constexpr size_t irc_text_bytes_max = 400;
/// A piece of AUTHENTICATE, of IRCv3 SASL.
inline constexpr size_t irc_sasl_piece_bytes = 400;
/// Bytes of a server's list of capabilities, over all of its lines.
inline constexpr size_t irc_capabilities_bytes_max = 16 * 1024;

/// To one address of a server that has several.
inline constexpr milliseconds irc_dial_timeout = 10s;
/// From the dial to the welcome: a server may look names up for half a minute.
inline constexpr milliseconds irc_registration_timeout = 60s;
/// After so much silence we ask whether the server still lives ...
inline constexpr milliseconds irc_silence_max = 60s;
/// ... and leave it when it does not answer. Also the time that a notice waits for its answer.
inline constexpr milliseconds irc_answer_timeout = 20s;
/// A connection that has lasted so long was a good one: the next wait begins anew.
inline constexpr milliseconds irc_settled_after = 60s;
/// Waits between two tries to connect.
inline constexpr milliseconds irc_reconnect_first = 2s;
inline constexpr milliseconds irc_reconnect_most = 5min;
/// Waits before a channel is joined again that threw us out or did not let us in.
inline constexpr milliseconds irc_rejoin_first = 5s;
inline constexpr milliseconds irc_rejoin_most = 10min;
/// Tries to get the nick back that somebody else has.
inline constexpr milliseconds irc_regain_every = 60s;
/// Nicks with one more `_` each that are tried before a number is put behind.
inline constexpr size_t irc_nick_tails_max = 3;
/// Of a nick without and with its tail: most networks cut at 16 or 30.
inline constexpr size_t irc_nick_bytes_max = 30;

/// Lines that may go out at once, and how long it takes until one more may: servers throw out who
/// is faster for long.
inline constexpr uint32_t irc_burst_lines = 5;
inline constexpr milliseconds irc_line_every = 1s;
/// Lines that wait for their turn; an answer or notice that does not fit is refused as a whole.
inline constexpr size_t irc_queue_lines_max = 200;
/// A notice that comes while there is no connection waits so long for one before its outbox is
/// told to try again.
inline constexpr milliseconds irc_presence_patience = 20s;
/// Notices that some channels have and others have not, remembered so that nobody hears one twice.
inline constexpr size_t irc_half_told_max = 1000;
/// Lines of one notice; what is more is not told in a channel.
inline constexpr size_t irc_notice_lines_max = 4;

/// Lines of an answer in a channel; what is more is counted.
inline constexpr size_t irc_answer_lines_max = 5;
/// The same in a private message: `help` and lists.
inline constexpr size_t irc_private_lines_max = 12;
/// Commands that one connection's people may give at once, and how long it takes until one more
/// is heard; what is more is not answered, so that two bots can't talk each other to death.
inline constexpr uint32_t irc_commands_burst = 15;
inline constexpr milliseconds irc_command_every = 2s;
/// One question of a command to the coordinator: people wait for it.
inline constexpr milliseconds irc_question_timeout = 10s;
/// A bot that could not be started (its password's file is missing) tries again.
inline constexpr milliseconds irc_start_again = 30s;
/// How long the bot waits for the journal in one go.
inline constexpr milliseconds irc_journal_patience = 60s;
/// Entries of the journal that it takes at once.
inline constexpr size_t irc_events_max = 500;
/// People whose account the server is asked for at one time.
inline constexpr size_t irc_whois_open_max = 16;
/// What is watched for all people of a connection together, and for one of them.
inline constexpr size_t irc_watches_max = 200;
inline constexpr size_t irc_watches_each_max = 10;
/// Newest builds among which those of a builder are looked for.
inline constexpr size_t irc_builds_searched = 2000;
/// Newest changes among which the one that `source=` names is looked for.
inline constexpr size_t irc_changes_searched = 200;

} // namespace drover::limits
