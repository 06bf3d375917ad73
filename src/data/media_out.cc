#include "data/media_out.h"

#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "core/sha256.h"
#include "data/archive.h"
#include "data/rows.h"

namespace beholder::data {
namespace fs = std::filesystem;
namespace {

std::string extension(const std::string& format) {
  return format == "jpeg" ? "jpg" : format.empty() ? "bin" : format == "video" ? "mp4" : format;
}

// Archive members never write over something else: the folder is ours, and their names stay below it.
bool is_there(const std::string& path, std::uint64_t size) {
  std::error_code error;
  return fs::is_regular_file(path, error) && fs::file_size(path, error) == size && !error;
}

}  // namespace

void MediaOut::place(MediaRef& ref, const std::string& format) {
  const auto relative = [&](std::string& path) {
    const fs::path full = fs::absolute(path).lexically_normal(), base = fs::absolute(folder_).lexically_normal();
    const std::string below = full.lexically_relative(base).string();
    path = below.empty() || below.starts_with("..") ? full.string() : below;
  };
  if (!ref.bytes) {
    if (!ref.is_frame_list()) relative(ref.path);
    for (std::string& frame : ref.frames) relative(frame);
    return;
  }
  const std::string name = sha256_hex(*ref.bytes).substr(0, 32);
  ref.path = fmt::format("media/{}/{}.{}", name.substr(0, 2), name, extension(format));
  const std::string path = folder_ + "/" + ref.path;
  if (is_there(path, ref.bytes->size())) {
    ++kept_;
  } else {
    write_file_atomic(path, *ref.bytes);
    ++written_;
  }
  ref.bytes.reset();
}

std::vector<std::string> MediaOut::unpack(const DatasetFiles& files) {
  std::vector<std::string> folders;
  Progress progress("unpack", 0, "files");
  for (const auto& [name, parts] : files.archives) {
    const fs::path below = fs::path(archive_stem(name)).lexically_relative(files.root);
    const std::string folder = (fs::path(folder_) / "media/unpacked" / below).lexically_normal().string();
    folders.push_back(folder);
    try {
      ArchiveReader archive(parts);
      while (auto member = archive.next([](const std::string& file) { return !is_table_path(file); })) {
        check_interrupt("the same command goes on: files that are there are kept");
        const std::string path = folder + "/" + member->name;
        if (!member->error.empty()) {
          refused_.push_back(format("{}: {}: {}", name, member->name, member->error));
        } else if (!is_table_path(member->name)) {
          if (!is_there(path, member->bytes.size())) write_file_atomic(path, member->bytes);
          progress.update(++unpacked_);
        }
      }
    } catch (const Error& e) {
      if (e.code() != Code::kCorrupt && e.code() != Code::kNotFound) throw;
      refused_.push_back(e.what());
    }
  }
  return folders;
}

}  // namespace beholder::data
