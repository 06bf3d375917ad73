#include "app/generate_folder.h"

#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/rng.h"
#include "data/jsonl.h"
#include "media/contact_sheet.h"
#include "media/video.h"

namespace beholder::app {
namespace fs = std::filesystem;

GenerateFolder::GenerateFolder(std::string dir, const Json& asked) : dir_(std::move(dir)) {
  const std::string path = dir_ + "/generate.json", wanted = asked.dump(2) + "\n";
  const char* fix = "choose a new or empty folder, or ask for the same again to go on";
  if (fs::exists(dir_) && !fs::is_directory(dir_)) throw Error(Code::kInvalidInput, dir_, "is a file, not a folder", fix);
  const bool claimed = fs::exists(path);
  if (claimed && read_file(path) != wanted) throw Error(Code::kInvalidInput, path, "this folder was made with other settings", fix);
  if (!claimed && fs::exists(dir_) && !fs::is_empty(dir_)) throw Error(Code::kInvalidInput, dir_, "the folder holds other files", fix);
  if (!claimed) write_file_atomic(path, wanted);
}

bool GenerateFolder::add(const std::string& prompt, std::int64_t seed, const std::string& extension) {
  Sample sample{.id = format("{:016x}-s{}", stable_hash(prompt), seed), .prompt = prompt, .file = {}, .seed = seed};
  sample.file = format("media/{}.{}", sample.id, extension);
  samples_.push_back(std::move(sample));
  return !fs::exists(dir_ + "/" + samples_.back().file);
}

void GenerateFolder::write(const std::string& bytes) const {
  write_file_atomic(dir_ + "/" + samples_.back().file, bytes);
}

std::string GenerateFolder::write_candidates() const {
  std::vector<data::Record> records;
  for (const Sample& sample : samples_) {
    if (records.empty() || records.back().prompt != sample.prompt) {
      records.emplace_back();
      records.back().id = sample.id.substr(0, sample.id.find('-'));
      records.back().prompt = sample.prompt;
    }
    records.back().media.push_back({.path = sample.file, .frames = {}, .fps = 0, .bytes = nullptr});
  }
  if (records.size() == samples_.size()) return {};
  data::write_records(dir_ + "/candidates.jsonl", records);
  return dir_ + "/candidates.jsonl";
}

std::vector<media::Image> GenerateFolder::sheet_frames(int columns, int frames) const {
  constexpr std::size_t kRows = 16;
  const std::size_t shown = std::min(samples_.size(), frames > 1 ? kRows : kRows * static_cast<std::size_t>(columns));
  std::vector<media::Image> out;
  for (std::size_t i = 0; i < shown; ++i)
    for (media::Image& frame : media::load_video(dir_ + "/" + samples_[i].file, {.fps = 1000, .max_frames = frames}).frames)
      out.push_back(std::move(frame));
  return out;
}

Json GenerateFolder::finish(int columns, int frames, int cell_px) const {
  std::string lines;
  for (const Sample& s : samples_)
    lines += json_line({{"id", s.id}, {"prompt", s.prompt}, {"media", {s.file}}, {"meta", {{"seed", s.seed}}}}) + "\n";
  write_file_atomic(dir_ + "/samples.jsonl", lines);
  const std::string candidates = write_candidates(), sheet = dir_ + "/contact_sheet.png";
  write_file_atomic(sheet, media::encode_png(media::contact_sheet(sheet_frames(columns, frames), frames > 1 ? frames : columns, cell_px)));
  return {{"samples", dir_ + "/samples.jsonl"}, {"candidates", candidates.empty() ? Json() : Json(candidates)}, {"contact_sheet", sheet}};
}

}  // namespace beholder::app
