#include "data/archive.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "core/error.h"
#include "core/format.h"
#include "data/archive_parts.h"

#ifdef BEHOLDER_ARCHIVE
#include <archive.h>
#include <archive_entry.h>
#endif

namespace beholder::data {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 8> kEndings{".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tgz", ".tar", ".zip", ".tar.lz4"};

// Where the archive's ending begins in `name` and where it stops; a part's suffix (".aa", ".003", ".part2") may follow.
std::pair<std::size_t, std::size_t> ending_of(const std::string& name) {
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const std::string_view ending : kEndings) {
    if (lower.ends_with(ending)) return {name.size() - ending.size(), name.size()};
    const std::size_t at = lower.rfind(std::string(ending) + ".");
    if (at == std::string::npos) continue;
    const std::string part = lower.substr(at + ending.size() + 1);
    const bool counted =
        !part.empty() && part.size() <= 8 && std::all_of(part.begin(), part.end(), [](unsigned char c) { return std::isalnum(c); });
    const bool word = part.size() > 3 && !part.starts_with("part") && !std::isdigit(static_cast<unsigned char>(part[0]));
    if (counted && !word) return {at, at + ending.size()};
  }
  return {std::string::npos, std::string::npos};
}

}  // namespace

bool is_archive_path(const std::string& path) {
  return ending_of(fs::path(path).filename().string()).first != std::string::npos;
}

std::string archive_name(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  return path.substr(0, path.size() - name.size()) + name.substr(0, ending_of(name).second);
}

std::string archive_stem(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  return path.substr(0, path.size() - name.size()) + name.substr(0, ending_of(name).first);
}

std::optional<std::string> safe_member_name(const std::string& name) {
  if (name.empty() || name[0] == '/' || name.find('\0') != std::string::npos || name.find('\\') != std::string::npos) return std::nullopt;
  std::string out;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    begin = end + 1;
    if (part == "..") return std::nullopt;
    if (part.empty() || part == ".") continue;
    out += (out.empty() ? "" : "/") + part;
  }
  return out.empty() ? std::nullopt : std::optional(out);
}

#ifdef BEHOLDER_ARCHIVE

struct ArchiveReader::State {
  std::vector<std::string> parts;
  std::string missing;  // the part that is not there though a later one is
  struct archive* archive = nullptr;
  bool ended = false;
  std::uint64_t max_member_bytes = kMaxMemberBytes;
  std::size_t part = 0;  // the one being read, of several
  std::ifstream stream;
  std::vector<char> block = std::vector<char>(std::size_t{1} << 16);

  // The parts as one file. (libarchive's own way of reading several files crashes on small ones in 3.6.)
  la_ssize_t read() {
    while (true) {
      if (!stream.is_open()) {
        if (part == parts.size()) return 0;
        stream.open(parts[part], std::ios::binary);
      }
      stream.read(block.data(), static_cast<std::streamsize>(block.size()));
      if (stream.gcount() > 0) return stream.gcount();
      if (stream.bad()) return -1;
      stream.close();
      stream.clear();
      ++part;
    }
  }
  static la_ssize_t read_block(struct archive*, void* self, const void** bytes) {
    auto* state = static_cast<State*>(self);
    *bytes = state->block.data();
    return state->read();
  }
  // A single file can be sought in, which a zip's list needs.
  int open() {
    if (parts.size() == 1) return archive_read_open_filename(archive, parts[0].c_str(), block.size());
    return archive_read_open(archive, this, nullptr, read_block, nullptr);
  }

  [[noreturn]] void corrupt(const std::string& what) const {
    const std::string gap = missing.empty() ? missing : format("; its part {} is missing", missing);
    throw Error(Code::kCorrupt, parts[0], what + gap, "download the archive again, all of its parts");
  }
  std::string message() const {
    const char* text = archive_error_string(archive);
    return text ? text : "broken archive";
  }
};

ArchiveReader::ArchiveReader(std::vector<std::string> parts, std::uint64_t max_member_bytes) : state_(std::make_unique<State>()) {
  require_internal(!parts.empty(), "an archive has a part");
  std::error_code ignored;
  for (const std::string& part : parts)
    if (!fs::is_regular_file(part, ignored)) throw Error(Code::kNotFound, part, "no such archive, or it cannot be read", "check the path");
  state_->max_member_bytes = max_member_bytes;
  const std::string first = parts[0];
  state_->missing = cut_at_missing_part(parts);
  if (parts.empty())
    throw Error(Code::kCorrupt, first, "its first part is missing, such as " + state_->missing, "download all parts of the archive");
  state_->parts = std::move(parts);
  state_->archive = archive_read_new();
  archive_read_support_filter_all(state_->archive);
  archive_read_support_format_tar(state_->archive);
  archive_read_support_format_zip(state_->archive);
  if (state_->open() != ARCHIVE_OK) {
    const std::string message = state_->message();
    archive_read_free(state_->archive);
    state_->archive = nullptr;
    state_->corrupt(message);
  }
}

ArchiveReader::~ArchiveReader() {
  if (state_->archive) archive_read_free(state_->archive);
}

namespace {

// Why an entry is not taken; empty for an ordinary file.
std::string refusal(struct archive_entry* entry, const std::optional<std::string>& name) {
  if (!name) return "refused: its name leads out of the folder";
  if (archive_entry_hardlink(entry) || archive_entry_filetype(entry) != AE_IFREG) return "refused: a link or device, not a file";
  if (archive_entry_is_encrypted(entry)) return "refused: it is encrypted";
  return {};
}

}  // namespace

std::optional<ArchiveMember> ArchiveReader::next(const std::function<bool(const std::string&)>& wanted) {
  State& s = *state_;
  while (!s.ended) {
    struct archive_entry* entry = nullptr;
    const int status = archive_read_next_header(s.archive, &entry);
    if (status == ARCHIVE_EOF && !s.missing.empty()) {
      s.ended = true;
      s.corrupt("ends too early");
    }
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) {
      s.ended = true;
      s.corrupt(s.message());
    }
    if (archive_entry_filetype(entry) == AE_IFDIR) continue;
    const char* raw = archive_entry_pathname(entry);
    const std::string given = raw ? raw : "";
    const std::optional<std::string> name = safe_member_name(given);
    ArchiveMember member{
        name.value_or(given), refusal(entry, name), {}, static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_size(entry), 0))};
    if (!member.error.empty() || !wanted(member.name)) return member;
    const std::string too_large = format("refused: larger than {} bytes; unpack it yourself", s.max_member_bytes);
    if (member.size > s.max_member_bytes) {
      member.error = too_large;
      return member;
    }
    member.bytes.reserve(member.size);  // 0 where the header does not say it
    char block[1 << 16];
    while (true) {
      const la_ssize_t n = archive_read_data(s.archive, block, sizeof block);
      if (n == 0) return member;
      if (n < 0) {
        s.ended = true;
        s.corrupt(format("{}: {}", member.name, s.message()));
      }
      if (member.bytes.size() + static_cast<std::size_t>(n) > s.max_member_bytes) {
        member.bytes = {};
        member.error = too_large;
        return member;
      }
      member.bytes.append(block, static_cast<std::size_t>(n));
    }
  }
  return std::nullopt;
}

#else

struct ArchiveReader::State {};
ArchiveReader::ArchiveReader(std::vector<std::string> parts, std::uint64_t) {
  throw Error(Code::kUnsupported, parts[0], "this build reads no archives",
              "install libarchive-dev and build again, or unpack it yourself");
}
ArchiveReader::~ArchiveReader() = default;
std::optional<ArchiveMember> ArchiveReader::next(const std::function<bool(const std::string&)>&) {
  return std::nullopt;
}

#endif

}  // namespace beholder::data
