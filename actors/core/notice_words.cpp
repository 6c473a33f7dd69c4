// The words of notices.
// SPDX-License-Identifier: Apache-2.0
#include "actors/core/explain/words.hpp"
#include "actors/core/json_text.hpp"
#include "actors/core/notices.hpp"
#include "schema/limits_explain.hpp"
#include "schema/limits_notices.hpp"
#include "schema/names.hpp"

#include <algorithm>

namespace drover::core {

namespace {

constexpr size_t revision_shown = 12;

/// Lines of text, each printable, whatever went into it.
class lines {
public:
  lines& add(const std::string& line) {
    all_ += printable(line, limits::reason_bytes_max) + "\n";
    return *this;
  }
  lines& gap() {
    if (!all_.empty())
      all_ += "\n";
    return *this;
  }
  std::string done() const { return all_; }

private:
  std::string all_;
};

std::string builder_name(const build_record& build) {
  return printable(build.builder, limits::name_bytes_max);
}

/// " on h1", " on h1 and h2", "": where several are meant, all of them.
std::string on_places(const std::vector<std::string>& places) {
  std::vector<std::string> named;
  for (const auto& place : places)
    if (!place.empty() && std::find(named.begin(), named.end(), place) == named.end())
      named.push_back(printable(place, limits::name_bytes_max));
  if (named.empty())
    return {};
  if (named.size() > limits::sentence_hosts_max)
    return " on " + std::to_string(named.size()) + " hosts";
  std::string all;
  for (size_t i = 0; i < named.size(); ++i)
    all += (i == 0 ? "" : i + 1 == named.size() ? " and " : ", ") + named[i];
  return " on " + all;
}

/// The cause without its subject: "step 'test' failed on h1 with exit code 2: ...".
std::string tail_of(const std::string& sentence) {
  auto colon = sentence.find(": ");
  return colon == std::string::npos ? sentence : sentence.substr(colon + 2);
}

std::string source_words(const source_ref& source) {
  auto text = printable(source.id, limits::name_bytes_max);
  if (!source.revision.empty())
    text += " " + printable(source.revision.substr(0, revision_shown), revision_shown);
  return text;
}

std::string build_line(const build_record& build, const std::string& place) {
  auto text = subject_of(build);
  auto where = build.host.value.empty() ? place : build.host.value;
  if (!where.empty())
    text += " on " + printable(where, limits::name_bytes_max);
  if (build.source.kind != source_kind::none)
    text += ", from " + source_words(build.source);
  return text;
}

std::string change_line(const change_record& change) {
  auto text = change.ref.revision.empty() ? printable(change.ref.id, limits::name_bytes_max)
                                          : change.ref.revision.substr(0, revision_shown);
  if (!change.author.empty())
    text += " by " + printable(author_name(change.author), limits::name_bytes_max);
  if (!change.title.empty() && change.title != change.ref.id)
    text += ": " + printable(change.title, limits::error_line_bytes_max);
  if (!change.covers.empty())
    text += " (with " + counted(change.covers.size(), "revision") + " before it)";
  return text;
}

void add_link(lines& out, const std::string& url, const std::string& path,
              const std::string& command) {
  out.gap();
  if (!url.empty())
    out.add("Look: " + url + path);
  out.add("Ask:  " + command);
}

json_object begin(const notice_heading& heading, const std::string& subject) {
  json_object out;
  out.text("kind", to_string(heading.kind))
    .text("farm", heading.farm)
    .text("at", to_string(heading.at))
    .text("thread", heading.thread)
    .text("subject", subject);
  return out;
}

std::string url_or_nothing(const notice_heading& heading, const std::string& path) {
  return heading.url.empty() ? std::string{} : heading.url + path;
}

std::string json_of(const build_record& build, const std::string& place) {
  json_object source;
  source.text("kind", to_string(build.source.kind))
    .text_or_null("id", build.source.id)
    .text_or_null("sha256", build.source.sha256)
    .text_or_null("revision", build.source.revision);
  json_object out;
  out.id("id", build.id.value)
    .text("builder", build.builder)
    .text_or_null("host", build.host.value)
    .text_or_null("place", place)
    .text_or_null("campaign", build.campaign.value == 0 ? "" : to_string(build.campaign))
    .text("result", to_string(build.outcome))
    .text_or_null("reason", build.reason)
    .raw("source", source.done());
  return out.done();
}

std::string json_of(const change_record& change) {
  json_object out;
  out.id("id", change.id.value)
    .text_or_null("revision", change.ref.revision)
    .text_or_null("author", author_name(change.author))
    .text("title", change.title);
  return out.done();
}

std::string path_of(const build_record& build) {
  return "/builds/" + to_string(build.id);
}

void add_changes(const problem_story& story, lines& out, json_array& listed) {
  for (const auto& change : story.changes)
    if (&change < story.changes.data() + limits::notice_changes_told)
      listed.raw(json_of(change));
  if (story.changes.empty())
    return;
  out.gap().add(story.last_good
                  ? "Changes since the last good build, " + subject_of(*story.last_good) + ":"
                  : "The change:");
  for (size_t i = 0; i < story.changes.size() && i < limits::notice_changes_told; ++i)
    out.add("  " + change_line(story.changes[i]));
  if (story.changes.size() > limits::notice_changes_told)
    out.add("  and " + std::to_string(story.changes.size() - limits::notice_changes_told)
            + " more");
}

} // namespace

notice_words problem_words(const notice_heading& heading, const problem_story& story) {
  const auto& build = story.builds.front();
  auto where = on_places(story.places);
  notice_words out;
  out.subject =
    one_line(builder_name(build) + (story.another_cause ? " is still red" : " is red") + where
             + (story.another_cause ? ", by another cause: " : ": ") + tail_of(story.why.sentence));
  lines text;
  text.add(story.why.sentence);
  json_array builds, changes;
  if (story.builds.size() > 1)
    text.gap().add("The same cause in " + counted(story.builds.size(), "build") + ":");
  for (size_t i = 0; i < story.builds.size(); ++i) {
    const auto& place = i < story.places.size() ? story.places[i] : std::string{};
    if (i < limits::notice_cells_told)
      builds.raw(json_of(story.builds[i], place));
    if (i < limits::notice_cells_told && story.builds.size() > 1)
      text.add("  " + build_line(story.builds[i], place));
  }
  if (!story.why.evidence.empty())
    text.gap();
  for (size_t i = 0; i < story.why.evidence.size() && i < limits::notice_evidence_told; ++i)
    text.add("  " + story.why.evidence[i]);
  add_changes(story, text, changes);
  add_link(text, heading.url, path_of(build), "drover why " + to_string(build.id));
  out.text = text.done();
  auto json = begin(heading, out.subject);
  json.text("cause", story.why.sentence)
    .yes_no("another_cause", story.another_cause)
    .raw("builds", builds.done())
    .raw("changes", changes.done())
    .id("last_good", story.last_good ? story.last_good->id.value : 0)
    .text_or_null("blame", build.fault == blame::none ? "" : to_string(build.fault))
    .text_or_null("url", url_or_nothing(heading, path_of(build)));
  out.payload = json.done();
  return out;
}

notice_words recovery_words(const notice_heading& heading, const recovery_story& story) {
  notice_words out;
  auto sentence = build_sentence(story.build);
  out.subject = one_line(builder_name(story.build) + " is green again" + on_places(story.places)
                         + ": " + sentence);
  lines text;
  text.add(sentence);
  text.add(build_line(story.build, {}));
  if (auto lasted = span_between(story.since, story.build.finished_at); !lasted.empty())
    text.add("It was red since " + moment(story.since) + ", for " + lasted);
  add_link(text, heading.url, path_of(story.build), "drover build " + to_string(story.build.id));
  out.text = text.done();
  auto json = begin(heading, out.subject);
  json_array builds;
  builds.raw(json_of(story.build, story.places.empty() ? "" : story.places.front()));
  json.text_or_null("red_since", to_string(story.since))
    .raw("builds", builds.done())
    .text_or_null("url", url_or_nothing(heading, path_of(story.build)));
  out.payload = json.done();
  return out;
}

notice_words build_words(const notice_heading& heading, const build_record& build,
                         const explanation& why) {
  notice_words out;
  out.subject = one_line(why.sentence);
  lines text;
  text.add(why.sentence).add(build_line(build, {}));
  add_link(text, heading.url, path_of(build), "drover why " + to_string(build.id));
  out.text = text.done();
  auto json = begin(heading, out.subject);
  json_array builds;
  builds.raw(json_of(build, {}));
  json.text("result", to_string(build.outcome))
    .raw("builds", builds.done())
    .text_or_null("url", url_or_nothing(heading, path_of(build)));
  out.payload = json.done();
  return out;
}

notice_words host_words(const notice_heading& heading, const event_record& event) {
  auto host = printable(event.host.value, limits::name_bytes_max);
  bool misused = event.kind == event_kind::host_misbehaved;
  bool out_of_work = heading.kind == notice_kind::quarantined && !misused;
  notice_words out;
  out.subject =
    one_line("host " + host
             + (misused       ? " may be misused"
                : out_of_work ? " is quarantined"
                              : " is back")
             + (event.text.empty() ? "" : ": " + printable(event.text, limits::reason_bytes_max)));
  lines text;
  text.add(out.subject);
  if (out_of_work)
    text.add("It gets no new work until it has proved that it is well, or until somebody says so: "
             "drover host "
             + host + " resume");
  if (misused)
    text.add("If that is not your doing, take its key back: drover admin revoke " + host);
  add_link(text, heading.url, "/hosts/" + host, "drover why " + host);
  out.text = text.done();
  auto json = begin(heading, out.subject);
  json.text("host", host)
    .text_or_null("reason", event.text)
    .text_or_null("url", url_or_nothing(heading, "/hosts/" + host));
  out.payload = json.done();
  return out;
}

notice_words test_words(const notice_heading& heading, const std::string& reporter,
                        const std::string& by) {
  notice_words out;
  out.subject = one_line("test notice of farm " + printable(heading.farm, limits::name_bytes_max)
                         + " by reporter " + printable(reporter, limits::name_bytes_max));
  lines text;
  text.add("Asked for by " + printable(by, limits::name_bytes_max)
           + ", to see whether notices arrive. Nothing is wrong.");
  add_link(text, heading.url, "", "drover notices --reporter " + reporter);
  out.text = text.done();
  auto json = begin(heading, out.subject);
  json.text_or_null("url", url_or_nothing(heading, "/"));
  out.payload = json.done();
  return out;
}

} // namespace drover::core
