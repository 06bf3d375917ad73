// What the tests of this room share: a strict reader of pages, records as the judge prints them, and picture files.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "core/file.h"
#include "core/format.h"
#include "core/json.h"
#include "media/image.h"

namespace beholder::report::testing {

// Why `page` is not well-formed, or "" when it is: tags balance, attributes are quoted and not doubled, every & begins one of our
// entities, no control characters. Style and script are passed over; void elements need no end. Collects ids and text.
class Checker {
 public:
  explicit Checker(std::string_view page) : page_(page) {}

  std::string problem() {
    while (at_ < page_.size() && problem_.empty()) page_[at_] == '<' ? tag() : text();
    if (problem_.empty() && !open_.empty()) fail("not closed: " + open_.back());
    std::sort(ids.begin(), ids.end());
    if (const auto twice = std::adjacent_find(ids.begin(), ids.end()); problem_.empty() && twice != ids.end()) fail("id twice: " + *twice);
    for (const std::string& link : links)
      if (problem_.empty() && !std::binary_search(ids.begin(), ids.end(), link)) fail("link to nothing: #" + link);
    return problem_;
  }

  std::vector<std::string> ids, links, tags;

 private:
  void fail(const std::string& what) {
    problem_ = format("at byte {}: {} near '{}'", at_, what, page_.substr(at_ > 40 ? at_ - 40 : 0, 80));
  }

  void check_text(std::string_view text) {
    for (std::size_t i = 0; i < text.size() && problem_.empty(); ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F) fail("control character");
      if (c == '<') fail("bare <");
      if (c != '&') continue;
      const std::string_view rest = text.substr(i);
      const bool known = rest.starts_with("&amp;") || rest.starts_with("&lt;") || rest.starts_with("&gt;") || rest.starts_with("&quot;") ||
                         rest.starts_with("&#39;");
      if (!known) fail("bare &");
    }
  }

  void text() {
    const std::size_t end = std::min(page_.find('<', at_), page_.size());
    check_text(page_.substr(at_, end - at_));
    at_ = end;
  }

  std::string name() {
    const std::size_t begin = at_;
    while (at_ < page_.size() && (std::isalnum(static_cast<unsigned char>(page_[at_])) || page_[at_] == '-' || page_[at_] == ':')) ++at_;
    return std::string(page_.substr(begin, at_ - begin));
  }

  void tag() {
    ++at_;
    if (page_.substr(at_).starts_with("!doctype html>") || page_.substr(at_).starts_with("?xml")) {
      at_ = page_.find('>', at_) + 1;
      return;
    }
    const bool closing = at_ < page_.size() && page_[at_] == '/';
    if (closing) ++at_;
    const std::string tag = name();
    if (tag.empty()) return fail("a tag without a name");
    if (closing) return close(tag);
    tags.push_back(tag);
    const bool self_closing = attributes(tag);
    if (!problem_.empty()) return;
    constexpr std::string_view kVoid = " meta img link br hr input ";
    if (self_closing || kVoid.find(" " + tag + " ") != std::string_view::npos) return;
    open_.push_back(tag);
    if (tag == "style" || tag == "script") at_ = std::min(page_.find("</" + tag + ">", at_), page_.size());
  }

  void close(const std::string& tag) {
    if (open_.empty() || open_.back() != tag) return fail("</" + tag + "> closes " + (open_.empty() ? "nothing" : open_.back()));
    open_.pop_back();
    if (at_ >= page_.size() || page_[at_] != '>') return fail("an end tag with more than a name");
    ++at_;
  }

  bool attributes(const std::string& tag) {
    std::vector<std::string> seen;
    while (problem_.empty()) {
      while (at_ < page_.size() && std::isspace(static_cast<unsigned char>(page_[at_]))) ++at_;
      if (at_ >= page_.size()) return fail("a tag without an end"), false;
      if (page_[at_] == '>') return ++at_, false;
      if (page_.substr(at_).starts_with("/>")) return at_ += 2, true;
      const std::string attribute = name();
      if (attribute.empty() || std::find(seen.begin(), seen.end(), attribute) != seen.end()) return fail("bad attribute of " + tag), false;
      seen.push_back(attribute);
      if (at_ < page_.size() && page_[at_] == '=') value(attribute);
    }
    return false;
  }

  void value(const std::string& attribute) {
    ++at_;
    if (at_ >= page_.size() || page_[at_] != '"') return fail("an attribute without quotes");
    const std::size_t end = page_.find('"', at_ + 1);
    if (end == std::string_view::npos) return fail("an open quote");
    const std::string value(page_.substr(at_ + 1, end - at_ - 1));
    check_text(value);
    at_ = end + 1;
    if (attribute == "id") ids.push_back(value);
    if (attribute == "href" && value.starts_with("#")) links.push_back(value.substr(1));
    const bool loads = attribute == "src" || attribute == "href";
    if (loads && !value.starts_with("#") && !value.starts_with("data:image/png;base64,")) fail("something to fetch: " + value);
    if (attribute.starts_with("on")) fail("an event handler");
  }

  std::string_view page_;
  std::size_t at_ = 0;
  std::vector<std::string> open_;
  std::string problem_;
};

inline std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

// A noisy picture: the hardest to compress.
inline std::string write_picture(const std::string& path, int width, int height, unsigned seed) {
  media::Image image{width, height, {}};
  for (int i = 0; i < 3 * width * height; ++i) image.rgb.push_back(static_cast<std::uint8_t>((seed = seed * 1664525u + 1013904223u) >> 24));
  write_file_atomic(path, media::encode_png(image));
  return path;
}

inline Json vote(const std::string& order, double p, const std::string& thought) {
  return {{"order", order}, {"choice", p >= 0.5 ? 1 : 2}, {"probability", p}, {"thought", thought}, {"parsed", true}};
}

inline Json unread_vote(const std::string& order) {
  return {{"order", order},  {"choice", nullptr},      {"probability", nullptr},        {"thought", ""},
          {"parsed", false}, {"problem", "no answer"}, {"completion", "<b>and and</b>"}};
}

// As judge::to_json(Comparison) prints it.
inline Json comparison(const std::string& first, const std::string& second, double straight, double swapped) {
  const std::string thought = "Image 1 shows a red circle. Faults: none.\nImage 2 shows a blue circle. Faults: wrong colour.";
  const double p = (straight + swapped) / 2;
  return {{"prompt", "a red circle"},
          {"media", {first, second}},
          {"choice", p >= 0.5 ? 1 : 2},
          {"probability", p},
          {"consistent", (straight > 0.5) == (swapped > 0.5)},
          {"tie", p == 0.5},
          {"unparsed", 0},
          {"votes", {vote("12", straight, thought), vote("21", swapped, thought)}},
          {"tokens", {{"prompt", 100}, {"completion", 20}}},
          {"seconds", 0.5}};
}

// As judge::to_json(Ranking) prints it for the strategy "pairs": media best first, every pair compared.
inline Json ranking(const std::string& prompt, const std::vector<std::string>& media) {
  Json order = Json::array(), verdicts = Json::array();
  for (std::size_t i = 0; i < media.size(); ++i) {
    const double strength = 1.0 - static_cast<double>(i) / 4;
    const Json reason = {{"shown", {media[i], media[(i + 1) % media.size()]}}, {"thought", "Image 1 is sharp.\nImage 2 is blurred."}};
    order.push_back(
        {{"rank", i + 1}, {"media", media[i]}, {"strength", strength}, {"interval", {strength - 1, strength + 1}}, {"reason", reason}});
    for (std::size_t j = 0; j < i; ++j) verdicts.push_back(comparison(media[i], media[j], 0.3, 0.4));
  }
  return {{"prompt", prompt},
          {"ranking", order},
          {"comparisons", verdicts.size()},
          {"strategy", "pairs"},
          {"votes", 1},
          {"both_orders", true},
          {"verdicts", verdicts},
          {"unparsed", 0},
          {"skipped", Json::array()},
          {"tokens", {{"prompt", 900}, {"completion", 60}}},
          {"seconds", 1.5}};
}

}  // namespace beholder::report::testing
