#include "report/completions_view.h"

#include <algorithm>

#include "core/format.h"
#include "report/html.h"
#include "report/media_strip.h"
#include "report/thought.h"

namespace beholder::report {
namespace {

using Group = std::vector<const Json*>;

std::vector<Group> groups_of(const std::vector<Json>& lines) {
  std::vector<Group> out;
  for (const Json& line : lines) {
    if (out.empty() || (*out.back()[0])["id"] != line["id"]) out.emplace_back();
    out.back().push_back(&line);
  }
  return out;
}

std::string number(const Json& value) {
  return value.is_number() ? format("{:.2f}", value.get<double>()) : "–";
}

// The thought with its faults and differences marked; what cannot be read as it stands.
std::string written(const Json& line) {
  const std::string completion = line["completion"].get<std::string>();
  if (!line["parsed"].get<bool>())
    return format("<p class=\"unread\">Not readable: {}</p><pre dir=\"auto\">{}</pre>", escape(line.value("problem", std::string())),
                  escape(completion));
  const std::size_t begin = completion.find("<think>"), end = completion.find("</think>");
  const std::string thought =
      begin == completion.npos || end == completion.npos || end < begin ? completion : completion.substr(begin + 7, end - begin - 7);
  std::string out;
  for (const ThoughtSection& section : read_thought(thought, 2)) {
    out += "<p dir=\"auto\">";
    for (const ThoughtSpan& span : section.spans) {
      const char* kind = span.mark == Mark::kFault ? "fault" : span.mark == Mark::kNoFault ? "no-fault" : "";
      out += span.mark == Mark::kPlain ? escape(span.text) : format("<mark{}>{}</mark>", attribute("class", kind), escape(span.text));
    }
    out += "</p>";
  }
  return out;
}

std::string row(const Json& line, const std::vector<std::string>& rewards) {
  std::string out =
      format("<tr><td>{:+.2f}</td><td>{}</td><td>{}</td>", line["advantage"].get<double>(), line["choice"].get<int>(), number(line["p"]));
  for (const std::string& name : rewards) out += format("<td>{}</td>", number(line["rewards"].value(name, Json())));
  return out + format("<td>{}</td><td class=\"written\">{}</td></tr>\n", number(line.value("listener", Json())), written(line));
}

std::string block(Group group, const std::function<std::string(const std::string&)>& file_of) {
  std::stable_sort(group.begin(), group.end(),
                   [](const Json* a, const Json* b) { return (*a)["advantage"].get<double>() > (*b)["advantage"].get<double>(); });
  const Json& first = *group[0];
  std::vector<std::string> rewards;
  for (const auto& [name, value] : first["rewards"].items()) rewards.push_back(name);
  std::string out = format(
      "<section class=\"group\"><h3 class=\"section\" dir=\"auto\">{}</h3><p class=\"small\">{} · people prefer medium 1 with share "
      "{:.2f}</p><div class=\"group-media\">",
      escape(first["prompt"].get<std::string>()), escape(first["id"].get<std::string>()), first["q"].get<double>());
  for (const Json& medium : first["media"]) {
    const std::string name = medium.get<std::string>();
    out += media_figures(name, file_of(name));
  }
  out += "</div><table class=\"numbers-of arms\"><thead><tr><th>advantage</th><th>choice</th><th>p</th>";
  for (const std::string& name : rewards) out += format("<th>{}</th>", escape(name));
  out += "<th>listener</th><th>thought</th></tr></thead><tbody>\n";
  for (const Json* line : group) out += row(*line, rewards);
  return out + "</tbody></table></section>\n";
}

}  // namespace

bool is_completion(const Json& line) {
  const auto all = [&](std::initializer_list<const char*> names, auto is) {
    return std::all_of(names.begin(), names.end(), [&](const char* name) { return line.contains(name) && is(line[name]); });
  };
  const auto text = [](const Json& v) { return v.is_string(); };
  return line.is_object() && all({"id", "prompt", "completion"}, text) &&
         all({"q", "advantage"}, [](const Json& v) { return v.is_number(); }) &&
         all({"parsed"}, [](const Json& v) { return v.is_boolean(); }) &&
         all({"choice", "step"}, [](const Json& v) { return v.is_number_integer(); }) &&
         all({"rewards"}, [](const Json& v) { return v.is_object(); }) && line.contains("p") &&
         all({"media"}, [&](const Json& v) { return v.is_array() && std::all_of(v.begin(), v.end(), text); }) &&
         (!line.contains("problem") || text(line["problem"]));
}

std::string completions_html(const std::vector<Json>& lines, const std::function<std::string(const std::string&)>& file_of,
                             std::size_t groups) {
  if (lines.empty()) return "";
  const std::vector<Group> all = groups_of(lines);
  const std::size_t shown = std::min(groups, all.size());
  std::string out =
      format("<section class=\"split\"><h2>What it wrote at step {}</h2><p class=\"small\">{} of {} groups; best rewarded first.</p>\n",
             lines[0].value("step", std::int64_t{0}), shown, all.size());
  for (std::size_t i = 0; i < shown; ++i) out += block(all[i * all.size() / shown], file_of);
  return out + "</section>\n";
}

}  // namespace beholder::report
