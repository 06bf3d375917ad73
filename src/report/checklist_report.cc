#include "report/checklist_report.h"

#include <algorithm>
#include <cmath>

#include "core/file.h"
#include "core/format.h"
#include "report/html.h"
#include "report/page.h"
#include "report/svg.h"

namespace beholder::report {
namespace {

std::string text(const Json& json, const char* key) {
  return escape(json.at(key).get<std::string>());
}
double number(const Json& json, const char* key) {
  return json.at(key).get<double>();
}

std::string prompt_html(const Json& record) {
  if (!record.contains("prompt")) return "";
  const std::string prompt = record["prompt"].get<std::string>();
  return format("<h2 class=\"prompt{}\" dir=\"auto\">{}</h2>\n", prompt.size() > 120 ? " long" : "", escape(prompt));
}

// A part of a score between the least and the most that it can be.
std::string part_row(const Json& part, const char* cls) {
  const double low = number(part, "low"), high = number(part, "high"), value = number(part, "value");
  const double share = high > low ? (value - low) / (high - low) : 0;
  return format(
      "<div class=\"part {}\"><span class=\"part-name\">{}</span>{}<span class=\"numbers\"><b>{:+.3f}</b> of {:+.3f} to "
      "{:+.3f}</span></div>\n",
      cls, text(part, "name"), bar({.value = share}, format("{:+.3f}", value)), value, low, high);
}

std::string unanswered_html(const Json& record) {
  const std::int64_t n = record.at("unanswered").get<std::int64_t>();
  if (n == 0) return "";
  return format("<div class=\"box warn\" role=\"note\"><p>{} neither yes nor no and {} as no.</p></div>\n",
                count_of(n, "answer was", "answers were"), n == 1 ? "counts" : "count");
}

std::string answer_word(double value) {
  return value == 1 ? "yes" : value == -1 ? "no" : value == 0 ? "does not count" : format("{:+.2f}", value);
}

// The questions that moved the score most, and those that do not arise.
std::string questions_html(const Json& record) {
  constexpr std::size_t kMost = 8;
  std::string out, masked;
  std::size_t shown = 0, switched_off = 0;
  for (const Json& q : record.value("questions", Json::array())) {
    if (q.value("masked", false)) {
      ++switched_off;
      masked += format("<li>{}</li>\n", text(q, "question"));
    } else if (shown++ < kMost) {
      out += format(
          "<div class=\"part asked\"><span class=\"part-name\">{}<br><span class=\"small\">{}</span></span><span "
          "class=\"numbers\"><b>{:+.3f}</b> {}</span></div>\n",
          text(q, "question"), text(q, "dimension"), number(q, "value"), answer_word(number(q, "answer")));
    }
  }
  if (shown > 0) out = "<details><summary>Questions that moved the score most</summary>\n" + out + "</details>\n";
  if (switched_off > 0)
    out += format("<details><summary>{} not arise here: worth 0</summary>\n<ul>{}</ul></details>\n",
                  count_of(static_cast<std::int64_t>(switched_off), "question does", "questions do"), masked);
  return out;
}

std::string score_html(const Json& record) {
  std::string out = "<section class=\"record\">\n" + prompt_html(record);
  const std::string name = record.contains("media") ? text(record, "media") : text(record, "id");
  out += format("<p class=\"facts\"><span><bdi>{}</bdi></span><span>score <b>{:+.4f}</b></span>", name, number(record, "score"));
  if (record.contains("alignment")) out += format("<span>alignment {:.3f}</span>", number(record, "alignment"));
  out += "</p>\n" + unanswered_html(record);
  for (const Json& d : record.at("dimensions")) {
    if (d.at("subs").size() < 2) {
      out += part_row(d, "");
      continue;
    }
    out += format("<details><summary>{}</summary>\n", part_row(d, ""));
    for (const Json& s : d.at("subs")) out += part_row(s, "inner");
    out += "</details>\n";
  }
  return out + questions_html(record) + "</section>\n";
}

// Which side a difference speaks for: the bar goes from the middle to the left for the first, to the right for the second.
std::string side_strip(double difference, double largest) {
  return vote_strip(0.5 - 0.5 * difference / std::max(largest, 1e-300), {}, format("{:+.3f}", difference));
}

double largest_of(const Json& list) {
  double out = 0;
  for (const Json& entry : list) out = std::max(out, std::abs(number(entry, "difference")));
  return out;
}

std::string side_html(const Json& record, int side) {
  const bool best = !record.at("tie").get<bool>() && record.at("choice").get<int>() == side;
  const double p = number(record, "probability");
  return format("<div class=\"side{}\"><p class=\"chance\">{}</p><h3><bdi>{}</bdi></h3><p class=\"small\">score {:+.4f}</p></div>\n",
                best ? " best" : "", percent_html(side == 1 ? p : 1 - p), text(record, side == 1 ? "first" : "second"),
                record.at("scores")[side == 1 ? 0 : 1].get<double>());
}

}  // namespace

void write_checklist_scores(const std::string& path, const std::vector<Json>& records, std::int64_t total) {
  std::string out = page_head("Checklist scores");
  out += "<p class=\"hint\">A bar goes from the least that a dimension can bring, every answer no, to the most, every answer yes.</p>\n";
  for (const Json& record : records) out += score_html(record);
  if (total > std::ssize(records))
    out += format("<div class=\"box\"><p>These are the first {} of {}.</p></div>\n", records.size(), count_of(total, "record", "records"));
  write_file_atomic(path, out + page_tail("<p class=\"made\">Made by Beholder</p>\n"));
}

void write_checklist_choice(const std::string& path, const Json& record) {
  std::string out = page_head("Which is better, and which questions decided");
  out += "<section class=\"record\">\n" + prompt_html(record) + "<div class=\"versus\">\n" + side_html(record, 1) + side_html(record, 2) +
         "</div>\n";
  if (record.at("tie").get<bool>()) out += "<p class=\"hint\">An exact tie: the scores are the same.</p>\n";
  if (record.contains("mean_of"))
    out += format("<p class=\"hint\">Scores are means over {} questions; differences are sums, as VisionReward compares.</p>\n",
                  record["mean_of"].get<std::int64_t>());
  out += unanswered_html(record) + "<h3 class=\"section\">What each dimension says</h3>\n";
  const Json& dimensions = record.at("dimensions");
  for (const Json& d : dimensions)
    out += format(
        "<div class=\"part\"><span class=\"part-name\">{}</span>{}<span class=\"numbers\"><b>{:+.3f}</b> {:+.3f} against "
        "{:+.3f}</span></div>\n",
        text(d, "name"), side_strip(number(d, "difference"), largest_of(dimensions)), number(d, "difference"), number(d, "first"),
        number(d, "second"));
  const Json& questions = record.at("questions");
  out += "<h3 class=\"section\">Questions that decided</h3>\n";
  if (questions.empty()) out += "<p class=\"hint\">None: every question with a weight is answered alike.</p>\n";
  for (const Json& q : questions)
    out += format(
        "<div class=\"part asked\"><span class=\"part-name\">{}<br><span class=\"small\">{}</span></span>{}<span "
        "class=\"numbers\"><b>{:+.3f}</b> {} against {}</span></div>\n",
        text(q, "question"), text(q, "dimension"), side_strip(number(q, "difference"), largest_of(questions)), number(q, "difference"),
        answer_word(number(q, "first")), answer_word(number(q, "second")));
  write_file_atomic(
      path,
      out + "</section>\n" +
          page_tail("<p>Bars to the left speak for the first, to the right for the second.</p>\n<p class=\"made\">Made by Beholder</p>\n"));
}

void write_checklist_tree(const std::string& path, const Json& tree) {
  std::string out = page_head(tree.at("title").get<std::string>());
  out += format("<p class=\"facts\"><span>{}</span><span>{} about presence</span><span>{}</span></p>\n",
                count_of(tree.at("count").get<int>(), "question", "questions"), tree.at("presence").size(),
                count_of(std::ssize(tree.at("dimensions")), "dimension", "dimensions"));
  if (!tree.at("presence").empty()) {
    out +=
        "<section class=\"branch\"><h2>Asked first</h2>\n<p class=\"hint\">Where one of these is not answered with yes, what needs it does "
        "not count.</p>\n<ul>";
    for (const Json& p : tree.at("presence"))
      out += format("<li>{} <span class=\"small\">{}</span></li>\n", text(p, "question"), text(p, "id"));
    out += "</ul></section>\n";
  }
  for (const Json& d : tree.at("dimensions")) {
    out += format("<section class=\"branch\"><h2>{}</h2>\n<div class=\"twigs\">\n", text(d, "name"));
    for (const Json& s : d.at("subs")) {
      out += format("<div class=\"twig\"><h3>{}{}</h3><ol>\n", text(s, "name"),
                    s.contains("needs") ? format(" <span class=\"small\">needs {}</span>", text(s, "needs")) : "");
      for (const Json& q : s.at("questions"))
        out += format("<li>{}{}{}</li>\n", q.contains("level") ? format("<b>{}</b> ", text(q, "level")) : "", text(q, "question"),
                      q.contains("weight") ? format(" <span class=\"numbers\">{:.4f}</span>", number(q, "weight")) : "");
      out += "</ol></div>\n";
    }
    out += "</div></section>\n";
  }
  write_file_atomic(path, out + page_tail("<p>Levels from the best one down; a question asks whether it is at least that good.</p>\n<p "
                                          "class=\"made\">Made by Beholder</p>\n"));
}

}  // namespace beholder::report
