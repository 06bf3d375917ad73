#include "data/format.h"

#include <algorithm>

namespace beholder::data {
namespace {

class EachRow : public Mapper {
 public:
  explicit EachRow(MapRow map) : map_(map) {}
  void add(Row row, const RowContext& context, std::vector<Record>& out) override { out.push_back(map_(row, context)); }

 private:
  MapRow map_;
};

}  // namespace

std::function<std::unique_ptr<Mapper>()> each_row(MapRow map) {
  return [map] { return std::make_unique<EachRow>(map); };
}

const std::vector<Format>& formats() {
  static const std::vector<Format> all = [] {
    std::vector<Format> list;
    for (auto* some : {imagereward_formats, hpd_formats, pickapic_formats, rapidata_formats, visionreward_formats, genai_formats,
                       videoalign_formats, mmrb2_formats, unified_formats, own_formats})
      for (Format& format : some()) list.push_back(std::move(format));
    return list;
  }();
  return all;
}

const Format* detect_format(const Row& row) {
  for (const Format& format : formats())
    if (std::all_of(format.needs.begin(), format.needs.end(), [&](std::string_view column) { return row.contains(column); }))
      return &format;
  return nullptr;
}

}  // namespace beholder::data
