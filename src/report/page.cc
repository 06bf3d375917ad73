#include "report/page.h"

#include "core/format.h"
#include "core/sha256.h"
#include "report/html.h"
#include "report/page_parts.h"

namespace beholder::report {
namespace {

// The page's own script is allowed by its hash; nothing else may run, and only pictures inside the page may load.
std::string content_policy() {
  const std::string hex = sha256_hex(kPageJs);
  std::string raw;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) raw += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return format("default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
                base64(raw));
}

}  // namespace

std::string page_head(std::string_view title) {
  return format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n<title>{}</title>\n<style>\n{}{}</style>\n</head>\n<body>\n"
      "<header class=\"top\"><h1 dir=\"auto\">{}</h1><div class=\"tools\"></div></header>\n<main>\n",
      content_policy(), escape(title), kPlotCss, kPageCss, escape(title));
}

std::string facts_table(const Facts& facts) {
  if (facts.empty()) return "";
  std::string out = "<table class=\"settings\"><tbody>\n";
  for (const auto& [name, value] : facts)
    out += format("<tr><th scope=\"row\">{}</th><td dir=\"auto\">{}</td></tr>\n", escape(name), escape(value));
  return out + "</tbody></table>\n";
}

std::string page_tail(std::string_view footer) {
  return format("</main>\n<footer>\n{}</footer>\n<script>{}</script>\n</body>\n</html>\n", footer, kPageJs);
}

}  // namespace beholder::report
