// Our own JSON lines, when they lie in a folder beside others.
#include "data/row_value.h"

namespace beholder::data {
namespace {

Record own_row(Row& row, const RowContext& context) {
  return parse_record(row, context.where);
}

}  // namespace

std::vector<Format> own_formats() {
  return {
      {"beholder", "our own JSON lines (docs/FORMATS.md)", {"id", "prompt", "media"}, {"target", "completion", "meta"}, each_row(own_row)}};
}

}  // namespace beholder::data
