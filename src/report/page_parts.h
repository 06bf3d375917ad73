// The style and the script of a page. Their source is web/report/; cmake/Embed.cmake puts them into the library.
#pragma once

#include <string_view>

namespace beholder::report {

extern const std::string_view kPageCss;
extern const std::string_view kPlotCss;  // of plots alone: goes into standalone SVG files too
extern const std::string_view kPageJs;

}  // namespace beholder::report
