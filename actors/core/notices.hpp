#pragma once
// What people are told, in which words, and who hears it. Pure.
//
// The sentence of a cause is the one that `drover why` gives. All words are printable, whatever
// foreign text went into them: lines end where we end them, and nowhere else.
// SPDX-License-Identifier: Apache-2.0

#include "actors/core/explain/explain.hpp"
#include "schema/incident.hpp"

namespace drover::core {

struct notice_words {
  std::string subject; ///< one line
  std::string text;    ///< lines
  std::string payload; ///< JSON
};

/// What all words of one notice begin with.
struct notice_heading {
  notice_kind kind = notice_kind::problem;
  std::string farm;
  std::string url;    ///< of the farm's pages, without a '/' at its end; empty: not known
  std::string thread; ///< of the incident
  wall_time at;
};

/// A builder that is red, at one place or at several for the same cause.
struct problem_story {
  std::vector<build_record> builds;   ///< not empty; the first one is told in full
  std::vector<std::string> places;    ///< of `builds`; empty: anywhere
  bool another_cause = false;         ///< people know already that it is red
  explanation why;                    ///< of the first build
  std::vector<change_record> changes; ///< since the last good build, newest first
  std::optional<build_record> last_good;
};
notice_words problem_words(const notice_heading& heading, const problem_story& story);

struct recovery_story {
  build_record build;              ///< the green one
  std::vector<std::string> places; ///< that the problem was told of
  wall_time since;                 ///< when it began
};
notice_words recovery_words(const notice_heading& heading, const recovery_story& story);

/// A campaign, or a build that belongs to none, is over.
notice_words campaign_words(const notice_heading& heading, const campaign_record& campaign,
                            const std::vector<build_record>& builds);
notice_words build_words(const notice_heading& heading, const build_record& build,
                         const explanation& why);

/// A host is out, or in again.
notice_words host_words(const notice_heading& heading, const event_record& event);
notice_words test_words(const notice_heading& heading, const std::string& reporter,
                        const std::string& by);

// -- who hears it --------------------------------------------------------------------------------

/// Stands among a reporter's addresses for those whose change may have broken it.
inline constexpr std::string_view authors_word = "authors";

/// Whether the reporter tells this kind, of one of these builders; none: it is of no builder.
bool wants(const reporter_spec& reporter, notice_kind kind,
           const std::vector<std::string>& builders);
/// Where the farm's pages are, as the reporter's `url` says; without a '/' at its end.
std::string base_of(const reporter_spec& reporter);
/// The page that a notice is about; empty if no base is known.
std::string page_of(const std::string& base, const notice_record& notice);

/// An address that can be written into the mail protocol and into a header as it is.
bool is_plain_address(std::string_view address);
/// The address in "Ann <ann@example.org>", or of the user that is named or written like this.
std::optional<std::string> author_address(const std::string& author,
                                          const std::vector<user_spec>& users);
/// "Ann, Bob" of "Ann <ann@example.org>; Bob": addresses are for mail, not for everybody who looks.
std::string author_name(const std::string& authors);
/// The addresses of those who made the changes, each once.
std::vector<std::string> authors_of(const std::vector<change_record>& changes,
                                    const std::vector<user_spec>& users);

/// The notices that one reporter gets of this; `common` has all that is the same in them. Mail
/// makes one for each address, so that each is tried until it has arrived.
std::vector<notice_record> addressed(const reporter_spec& reporter, const notice_record& common,
                                     const std::vector<std::string>& authors);

// -- delivery ------------------------------------------------------------------------------------

/// What a reporter does next: a notice by its place among those that wait, or a wait; neither: it
/// has nothing to do. Notices of one thread to one address stay in order.
struct delivery_choice {
  std::optional<size_t> notice;
  std::optional<milliseconds> wait;
};
/// `waiting`: the oldest first.
delivery_choice choose_delivery(const std::vector<notice_record>& waiting, wall_time now);

/// How a try went.
enum class tried : uint8_t { delivered, later, never };
/// The notice after a try; failed if it can't or won't be tried again. `random`: any 64 bits.
notice_record after_try(notice_record notice, tried how, const std::string& problem, wall_time now,
                        uint64_t random);

} // namespace drover::core
