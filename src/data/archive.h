// Archives that data sets come in: tar (also compressed), zip, and a tar cut into parts that only together are one file.
// Reading streams, member by member. Names that would leave the folder, links and devices are refused, each with its reason.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace beholder::data {

struct ArchiveMember {
  std::string name;   // normalised: no "./", no ".."
  std::string error;  // not empty: refused, or its content could not be read
  std::string bytes;  // where it was asked for
  std::uint64_t size = 0;
};

class ArchiveReader {
 public:
  static constexpr std::uint64_t kMaxMemberBytes = std::uint64_t{1} << 30;

  // The parts in order, one for a whole archive. kNotFound; kCorrupt; kUnsupported where this build has no libarchive.
  explicit ArchiveReader(std::vector<std::string> parts, std::uint64_t max_member_bytes = kMaxMemberBytes);
  ~ArchiveReader();
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  // The next file (folders are passed over), its bytes where `wanted` says so. Too large ones are refused: unread where the header has
  // the size. kCorrupt where the archive is cut or broken: what stood before has been given.
  std::optional<ArchiveMember> next(const std::function<bool(const std::string& name)>& wanted);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Whether a file name is an archive's, or one of its parts ("images.tar.gz.aa", "images.tar.gz.003").
bool is_archive_path(const std::string& path);
// "images.tar.gz" of "images.tar.gz.aa": parts of one archive have the same; other names come back unchanged.
std::string archive_name(const std::string& path);
// Without the archive's extensions: "images" of "a/images.tar.gz.aa", in its folder.
std::string archive_stem(const std::string& path);

// The name without "." and doubled slashes; nothing where it is absolute, has a "..", is empty or holds a NUL.
std::optional<std::string> safe_member_name(const std::string& name);

}  // namespace beholder::data
