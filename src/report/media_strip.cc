#include "report/media_strip.h"

#include "core/format.h"
#include "report/html.h"

namespace beholder::report {

std::string media_figures(const std::string& name, const std::string& path, int side_px) {
  return media_figures(name, load_picture(path, side_px));
}

std::string media_figures(const std::string& name, const Picture& picture) {
  std::string out;
  if (picture.frames.empty()) out += format("<figure><p class=\"small\">{}: {}</p></figure>", escape(name), escape(picture.error));
  for (const Frame& frame : picture.frames)
    out += format("<figure><img src=\"{}\" width=\"{}\" height=\"{}\"{}></figure>", frame.uri, frame.width, frame.height,
                  attribute("alt", name));
  return out;
}

}  // namespace beholder::report
