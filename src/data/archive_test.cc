// How large a member may be.
#include "data/archive.h"

#include <gtest/gtest.h>

#include "core/file.h"
#include "data/testing.h"

namespace beholder::data {
namespace {

struct Got {
  std::string name, error;
  std::size_t bytes;
  bool operator==(const Got&) const = default;
};

std::vector<Got> members_up_to(std::uint64_t limit, std::vector<std::string> parts) {
  ArchiveReader archive(std::move(parts), limit);
  std::vector<Got> got;
  while (const auto member = archive.next([](const std::string&) { return true; }))
    got.push_back({member->name, member->error, member->bytes.size()});
  return got;
}

std::string unhexed(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

// "big", 1000 letters, and "small", 100; their sizes stand behind them and in the list at the end.
const std::string kZip = unhexed(
    "504b030414000800080000002100000000000000000000000000030000006269674b4c1c05a360140c770000504b070803da389a0b000000e8030000"
    "504b03041400080008000000210000000000000000000000000005000000736d616c6c4b4ca43d0000504b0708647a70af0600000064000000504b01"
    "0214031400080008000000210003da389a0b000000e8030000030000000000000000000000800100000000626967504b010214031400080008000000"
    "2100647a70af060000006400000005000000000000000000000080013c000000736d616c6c504b0506000000000200020064000000750000000000");

TEST(ArchiveLimit, ATooLargeMemberIsRefusedAndThoseBehindItAreRead) {
  TempDir dir;
  write_file_atomic(dir / "i.zip", kZip);
  const std::string why = "refused: larger than 999 bytes; unpack it yourself";
  EXPECT_EQ(members_up_to(1000, {dir / "i.zip"}), (std::vector<Got>{{"big", "", 1000}, {"small", "", 100}}));
  EXPECT_EQ(members_up_to(999, {dir / "i.zip"}), (std::vector<Got>{{"big", why, 0}, {"small", "", 100}}));
  // Parts cannot be sought in, so the list is not read and the size shows only at the end.
  write_file_atomic(dir / "p.zip.001", kZip.substr(0, 50));
  write_file_atomic(dir / "p.zip.002", kZip.substr(50));
  const std::vector<std::string> parts{dir / "p.zip.001", dir / "p.zip.002"};
  EXPECT_EQ(members_up_to(1000, parts), (std::vector<Got>{{"big", "", 1000}, {"small", "", 100}}));
  EXPECT_EQ(members_up_to(999, parts), (std::vector<Got>{{"big", why, 0}, {"small", "", 100}}));
}

}  // namespace
}  // namespace beholder::data
