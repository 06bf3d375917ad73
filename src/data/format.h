// How a published data set says what people preferred. One row of the table per format: its name, the columns that give it
// away, those it is known to have besides, and what makes records of its rows.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/rows.h"
#include "data/stream.h"

namespace beholder::data {

struct FormatOptions {
  std::string aspect;      // of sets that ask several questions ("preference", "Overall"…); empty: the format's main one
  std::uint64_t seed = 0;  // of the side shuffle where the order of the media gives the label away
};

// What a mapper may use besides the row.
struct RowContext {
  std::string id;     // for formats without ids: "file:17"
  std::string where;  // for errors
  const FormatOptions& options;
  Notes& notes;
  bool training = false;  // the table's name says that it is for training
};

class Mapper {
 public:
  virtual ~Mapper() = default;
  // Appends the records this row completes, media paths as they stand in the file. Throws kInvalidInput or kCorrupt for a row
  // that cannot be used; the next one may follow.
  virtual void add(Row row, const RowContext& context, std::vector<Record>& out) = 0;
  // After the last row.
  virtual void finish(const RowContext& context, std::vector<Record>& out) {}
  // Whether every row gives exactly one record, so that skipping records is skipping rows.
  virtual bool one_to_one() const { return true; }
};

struct Format {
  std::string_view name;                // "pick-a-pic"
  std::string_view about;               // where it is from
  std::vector<std::string_view> needs;  // columns that must be there
  std::vector<std::string_view> knows;  // columns it may have
  std::function<std::unique_ptr<Mapper>()> make;
};

// In the order they are tried.
const std::vector<Format>& formats();
// The first whose columns the row has; nothing where there is none.
const Format* detect_format(const Row& row);

// One list per source file; formats() strings them together.
std::vector<Format> imagereward_formats();
std::vector<Format> hpd_formats();
std::vector<Format> pickapic_formats();
std::vector<Format> rapidata_formats();
std::vector<Format> visionreward_formats();
std::vector<Format> genai_formats();
std::vector<Format> videoalign_formats();
std::vector<Format> mmrb2_formats();
std::vector<Format> unified_formats();
std::vector<Format> own_formats();

// A mapper that makes one record of every row.
using MapRow = Record (*)(Row& row, const RowContext& context);
std::function<std::unique_ptr<Mapper>()> each_row(MapRow map);

}  // namespace beholder::data
