#include "world/sheet.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "core/format.h"
#include "world/render.h"

namespace beholder::world {
namespace {

// A glyph's pixels, row by row from the top: 5 rows of 3.
std::string_view glyph(char c) {
  static constexpr std::array<std::string_view, 26> kLetters = {
      "010101111101101", "110101110101110", "011100100100011", "110101101101110", "111100110100111", "111100110100100", "011100101101011",
      "101101111101101", "111010010010111", "001001001101010", "101101110101101", "100100100100111", "101111111101101", "110101101101101",
      "010101101101010", "110101110100100", "010101101110011", "110101110101101", "011100010001110", "111010010010010", "101101101101111",
      "101101101101010", "101101111111101", "101101010101101", "101101010010010", "111001010100111"};
  static constexpr std::array<std::string_view, 10> kDigits = {"111101101101111", "010110010010111", "110001010100111", "110001010001110",
                                                               "101101111001001", "111100110001110", "011100111101111", "111001010010010",
                                                               "111101111101111", "111101111001110"};
  const char upper = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (upper >= 'A' && upper <= 'Z') return kLetters[static_cast<std::size_t>(upper - 'A')];
  if (c >= '0' && c <= '9') return kDigits[static_cast<std::size_t>(c - '0')];
  switch (c) {
    case '.':
      return "000000000000010";
    case ',':
      return "000000000010100";
    case ':':
      return "000010000010000";
    case '-':
      return "000000111000000";
    case '/':
      return "001001010100100";
    case '?':
      return "110001010000010";
    default:
      return "000000000000000";
  }
}

constexpr int kScale = 2, kCellWidth = 250, kLine = 14, kMargin = 10, kMostItems = 64;

void fill(media::Image& image, int x, int y, int size, const std::uint8_t* rgb) {
  for (int j = std::max(0, y); j < std::min(image.height, y + size); ++j)
    for (int i = std::max(0, x); i < std::min(image.width, x + size); ++i)
      std::copy_n(rgb, 3,
                  &image.rgb[3 * (static_cast<std::size_t>(j) * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(i))]);
}

std::string faults(DefectSet defects) {
  std::string list;
  for (int d = 0; d < kDefects; ++d)
    if (defects.has(static_cast<Defect>(d))) list += format("{}{}", list.empty() ? "" : ", ", name_of(static_cast<Defect>(d)));
  return list.empty() ? "no faults" : list;
}

int shown_frames(const Scene& scene) {
  return scene.is_video() ? 3 : 1;
}

int picture_height(const Item& item) {
  int height = 0;
  for (const Scene& scene : item.scenes) height = std::max(height, kScale * scene.height);
  return height;
}

int row_height(const Item& item) {
  return picture_height(item) + 3 * kLine + kMargin;
}

void draw_medium(media::Image& sheet, const Item& item, std::size_t k, int x, int y) {
  const Scene& scene = item.scenes[k];
  const int below = y + picture_height(item) + 4;
  for (int f = 0; f < shown_frames(scene); ++f)
    paste(sheet, render(scene, f * (scene.frames - 1) / 2), x + f * (kScale * scene.width + 4), y, kScale);
  write_text(sheet, faults(item.defects[k]), x, below, 1 + (item.defects[k].size() < 3), 0);
  if (item.votes.voters > 0) write_text(sheet, format("{} of {} votes", item.votes.first[k], item.votes.voters), x, below + kLine, 1, 90);
}

}  // namespace

void paste(media::Image& into, const media::Image& from, int x, int y, int scale) {
  for (int j = 0; j < from.height; ++j)
    for (int i = 0; i < from.width; ++i)
      fill(into, x + i * scale, y + j * scale, scale,
           &from.rgb[3 * (static_cast<std::size_t>(j) * static_cast<std::size_t>(from.width) + static_cast<std::size_t>(i))]);
}

void write_text(media::Image& into, std::string_view text, int x, int y, int scale, std::uint8_t grey) {
  const std::array<std::uint8_t, 3> rgb = {grey, grey, grey};
  for (std::size_t n = 0; n < text.size(); ++n)
    for (std::size_t bit = 0; bit < 15; ++bit)
      if (glyph(text[n])[bit] == '1')
        fill(into, x + scale * static_cast<int>(4 * n + bit % 3), y + scale * static_cast<int>(bit / 3), scale, rgb.data());
}

media::Image contact_sheet(std::span<const Item> items) {
  items = items.first(std::min<std::size_t>(items.size(), kMostItems));
  int columns = 1, height = kMargin;
  for (const Item& item : items) height += row_height(item);
  for (const Item& item : items)
    for (const Scene& scene : item.scenes)
      columns = std::max(columns, static_cast<int>(item.scenes.size()) * (shown_frames(scene) + 1) / 2);
  media::Image sheet{.width = kMargin + columns * kCellWidth, .height = height, .rgb = {}};
  sheet.rgb.assign(3 * static_cast<std::size_t>(sheet.width) * static_cast<std::size_t>(sheet.height), 255);
  int y = kMargin;
  for (const Item& item : items) {
    write_text(sheet, format("{}: {}", item.id, item.prompt.text()), kMargin, y, 2, 0);
    for (std::size_t k = 0; k < item.scenes.size(); ++k)
      draw_medium(sheet, item, k, kMargin + static_cast<int>(k) * kCellWidth * (shown_frames(item.scenes[k]) + 1) / 2, y + kLine);
    y += row_height(item);
  }
  return sheet;
}

}  // namespace beholder::world
