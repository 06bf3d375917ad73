// A contact sheet: items of the world side by side, each under its prompt and over its faults, for a person to look at.
#pragma once

#include <span>
#include <string_view>

#include "media/image.h"
#include "world/item.h"

namespace beholder::world {

// Copies `from` into `into` with its top left corner at (x, y) px, each pixel `scale` wide; what lies outside is left out.
void paste(media::Image& into, const media::Image& from, int x, int y, int scale);

// Writes upper-case text (A-Z, 0-9 and . , : - / ? ; other characters are blank) in a 3x5 px face, each pixel `scale` wide.
void write_text(media::Image& into, std::string_view text, int x, int y, int scale, std::uint8_t grey);

// One row per item, one column per medium (a video gives its first, middle and last frame), at most 64 items.
media::Image contact_sheet(std::span<const Item> items);

}  // namespace beholder::world
