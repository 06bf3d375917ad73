#include "report/eval_gallery.h"

#include "core/format.h"
#include "report/html.h"
#include "report/media_strip.h"

namespace beholder::report {
namespace {

std::string people(const Json& error) {
  if (error.contains("ranks"))
    return format("people rank medium 1 as {} and medium 2 as {}", error["ranks"].at(0).dump(), error["ranks"].at(1).dump());
  const std::string votes = error.contains("votes") ? format(" of {} votes", error["votes"].dump()) : "";
  return format("{}{} for medium 1", percent_html(error.at("q").get<double>()), votes);
}

std::string said(const Json& error) {
  if (error.at("p").is_number()) return format("the judge gives it {}", percent_html(error["p"].get<double>()));
  return format("the judge scores it {:+.4g} against medium 2", error.at("margin").get<double>());
}

// Which of the two a thought means by 1 and 2.
std::string thought(const Json& error) {
  const Json reason = error.value("reason", Json());
  if (!reason.is_object()) return "";
  const bool turned = reason.at("shown").at(0) != error.at("media").at(0);
  return format("<p class=\"small\">It thought{}:</p><p dir=\"auto\" class=\"said\">{}</p>",
                turned ? ", with the media in the other order (its 1 is medium 2)" : "", escape(reason.at("thought").get<std::string>()));
}

std::string medium_html(const Json& error, std::size_t side, const GalleryPictures& pictures) {
  const std::string name = error.at("media").at(side).get<std::string>();
  const auto places = error.value("pair", std::vector<std::size_t>{1, 2});
  const auto found = pictures.find(gallery_key(error.at("id").get<std::string>(), places.at(side)));
  return found == pictures.end() ? media_figures(name, name) : media_figures(name, found->second);
}

}  // namespace

std::string gallery_key(const std::string& record, std::size_t place) {
  return format("{}#{}", record, place);
}

std::string worst_errors_html(const Json& result, const GalleryPictures& pictures) {
  const Json errors = result.value("errors", Json::array());
  if (errors.empty()) return "";
  std::string out =
      format("<h3 class=\"section\">The worst errors</h3><p class=\"hint\">{} the judge was surest of and people disagreed with.</p>\n",
             count_of(std::ssize(errors), "pair", "pairs"));
  for (const Json& error : errors) {
    out +=
        format("<section class=\"group\"><h4 dir=\"auto\">{}</h4><p class=\"small\"><bdi>{}</bdi> · {} · {}</p><div class=\"group-media\">",
               escape(error.at("prompt").get<std::string>()), escape(error.at("id").get<std::string>()), people(error), said(error));
    for (const std::size_t side : {0, 1}) out += medium_html(error, side, pictures);
    out += "</div>" + thought(error) + "</section>\n";
  }
  return out;
}

}  // namespace beholder::report
