#include "core/format.h"
#include "report/html.h"
#include "report/view.h"

namespace beholder::report {
namespace {

std::string placeholder(const JudgedMedium& medium, const Picture& picture) {
  return format(
      "<div class=\"missing\"><p>This file could not be shown</p><p class=\"small\" dir=\"auto\">{}</p><p class=\"small\" "
      "dir=\"auto\">{}</p></div>",
      escape(medium.path), escape(picture.error));
}

}  // namespace

std::string shortened(std::string_view text, std::size_t characters) {
  std::size_t i = 0, seen = 0;
  for (; i < text.size() && text[i] != '\n'; ++i) {
    const bool starts = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (starts && seen++ == characters) break;
  }
  return std::string(text.substr(0, i)) + (i < text.size() ? "…" : "");
}

std::string thumb_symbols(const View& view) {
  std::string out = "<svg class=\"symbols\" width=\"0\" height=\"0\" aria-hidden=\"true\">";
  for (std::size_t i = 0; i < view.pictures.size(); ++i) {
    const Frame& t = view.pictures[i].thumb;
    out += format("<symbol id=\"{}t{}\" viewBox=\"0 0 1 1\" preserveAspectRatio=\"none\">", view.id, i);
    out += t.uri.empty() ? "<rect class=\"gone\" width=\"1\" height=\"1\"/><path class=\"gone-line\" d=\"M.3 .3L.7 .7M.7 .3L.3 .7\"/>"
                         : format("<image width=\"1\" height=\"1\" preserveAspectRatio=\"xMidYMid slice\" href=\"{}\"/>", t.uri);
    out += "</symbol>";
  }
  return out + "</svg>\n";
}

std::string thumb(const View& view, int medium) {
  return format("<svg class=\"thumb\" data-of=\"{0}m{1}\" role=\"img\" aria-label=\"{2}\"><use href=\"#{0}t{1}\"/></svg>", view.id, medium,
                escape(view.medium(medium).label));
}

std::string figure(const View& view, int medium) {
  const Picture& picture = view.picture(medium);
  const JudgedMedium& m = view.medium(medium);
  std::string out = format("<figure class=\"picture{}\" id=\"{}m{}\" data-name=\"{}\">",
                           picture.video && picture.frames.size() > 1 ? " film" : "", view.id, medium, escape(m.label));
  if (!picture.error.empty()) out += placeholder(m, picture);
  constexpr std::string_view kWhich[] = {"first frame", "middle frame", "last frame"};
  for (std::size_t i = 0; i < picture.frames.size(); ++i) {
    const Frame& frame = picture.frames[i];
    const std::string which = picture.frames.size() == 3 ? format(", {}", kWhich[i]) : "";
    out += format("<img src=\"{}\" width=\"{}\" height=\"{}\" alt=\"{}\">", frame.uri, frame.width, frame.height, escape(m.label + which));
  }
  if (picture.video) out += "<figcaption>video: first, middle and last frame</figcaption>";
  return out + "</figure>";
}

std::string chip(const View& view, int medium) {
  const JudgedMedium& m = view.medium(medium);
  return format("<span class=\"chip\"{}>{}<bdi>{}</bdi></span>", attribute("title", m.path), thumb(view, medium), escape(m.label));
}

}  // namespace beholder::report
