// The pieces of a rank report, each from one record to HTML. Internal to the room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/picture.h"
#include "report/record.h"

namespace beholder::report {

// A record with its pictures and its place in the page.
struct View {
  const Judged& judged;
  std::vector<Picture> pictures;  // one per medium
  std::string id;                 // "r1": prefix of the ids of its parts

  const JudgedMedium& medium(int i) const { return judged.media[static_cast<std::size_t>(i)]; }
  const Picture& picture(int i) const { return pictures[static_cast<std::size_t>(i)]; }
};

// Media: all thumbs once, as symbols; one of them in use; the full picture or a placeholder; thumb and name in a line.
std::string thumb_symbols(const View& view);
std::string thumb(const View& view, int medium);
std::string figure(const View& view, int medium);
std::string chip(const View& view, int medium);

// A thought with its decisive words marked and the pictures it talks about beside its sentences.
std::string thought_html(const View& view, const Reason& reason);
// One or more votes of one order under each other: chances, thoughts, unreadable answers.
std::string pair_votes_html(const View& view, const PairVerdict& pair, bool left_first);
// What could not be read of an answer: the problem, and the completion behind a click.
std::string unread_html(std::string_view problem, std::string_view completion);

// The sections of a page. Each is empty where the record has nothing for it.
std::string notes_html(const Judged& judged);  // skipped media, unread answers, a failed record
std::string facts_html(const Judged& judged);
std::string ranks_html(const View& view);
std::string versus_html(const View& view);
std::string matrix_html(const View& view);
std::string pairs_html(const View& view);
std::string list_votes_html(const View& view);

// The first `characters` of a text on one line, with an ellipsis where more follows. Never cuts inside a UTF-8 sequence.
std::string shortened(std::string_view text, std::size_t characters);

}  // namespace beholder::report
