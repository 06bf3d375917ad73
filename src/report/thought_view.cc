#include "core/format.h"
#include "report/html.h"
#include "report/thought.h"
#include "report/view.h"

namespace beholder::report {
namespace {

std::string span_html(const ThoughtSpan& span) {
  switch (span.mark) {
    case Mark::kDifferent:
      return format("<mark>{}</mark>", escape(span.text));
    case Mark::kFault:
      return format("<mark class=\"fault\">{}</mark>", escape(span.text));
    case Mark::kNoFault:
      return format("<mark class=\"no-fault\">{}</mark>", escape(span.text));
    case Mark::kPlain:
      break;
  }
  return escape(span.text);
}

std::string said(const ThoughtSection& section) {
  std::string out = "<p class=\"said\" dir=\"auto\">";
  for (const ThoughtSpan& span : section.spans) out += span_html(span);
  return out + "</p>";
}

// "1 = this, 2 = that": for a text that does not say by its structure what it talks about.
std::string key(const View& view, const Reason& reason) {
  std::string out = "<p class=\"shown\">The judge saw ";
  for (std::size_t i = 0; i < reason.shown.size(); ++i)
    out += format("<span class=\"number\">{}</span>{}", i + 1, chip(view, reason.shown[i]));
  return out + "</p>";
}

}  // namespace

std::string thought_html(const View& view, const Reason& reason) {
  if (reason.thought.empty()) return "<p class=\"small\">The judge wrote no thought.</p>";
  const auto sections = read_thought(reason.thought, static_cast<int>(reason.shown.size()));
  const bool structured = sections.size() > 1 || sections[0].medium != 0;
  std::string out = "<div class=\"thought\">";
  if (!structured && reason.shown.size() > 1) out += key(view, reason);
  for (const ThoughtSection& section : sections) {
    if (section.medium == 0) {
      out += said(section);
    } else {
      const int medium = reason.shown[static_cast<std::size_t>(section.medium - 1)];
      out += format("<div class=\"about-one\">{}<div><p class=\"who\"><bdi>{}</bdi></p>{}</div></div>", thumb(view, medium),
                    escape(view.medium(medium).label), said(section));
    }
  }
  return out + "</div>";
}

std::string unread_html(std::string_view problem, std::string_view completion) {
  std::string out = format("<p class=\"unread\">Not readable: <span dir=\"auto\">{}</span></p>",
                           escape(problem.empty() ? "no reason recorded" : problem));
  if (!completion.empty())
    out += format("<details><summary>What it wrote</summary><pre dir=\"auto\">{}</pre></details>", escape(completion));
  return out;
}

std::string pair_votes_html(const View& view, const PairVerdict& pair, bool left_first) {
  std::string out;
  for (const PairVote& vote : pair.votes) {
    if (vote.left_first != left_first) continue;
    out += "<div class=\"vote-card\">";
    if (vote.parsed) {
      out += format("<p class=\"vote-line\"><b>{}</b> for <bdi>{}</bdi>", percent_html(vote.p), escape(view.medium(pair.left).label));
      if (vote.scores.size() == 2) out += format(", scores {:.3g} and {:.3g}", vote.scores[0], vote.scores[1]);
      out += "</p>" + thought_html(view, vote.reason);
    } else {
      out += unread_html(vote.problem, vote.completion);
    }
    out += "</div>";
  }
  return out;
}

}  // namespace beholder::report
