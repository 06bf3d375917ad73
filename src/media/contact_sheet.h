// Several pictures on one sheet, for logs, reports and a quick look.
#pragma once

#include <span>

#include "media/image.h"

namespace beholder::media {

// Each picture, shrunk or enlarged to fit, in the middle of a square cell of `cell_px` pixels on a light background; cells are
// filled row by row, with a small gap between them. kInvalidInput for no pictures, columns < 1 or cells outside 8..4096 px.
Image contact_sheet(std::span<const Image> images, int columns, int cell_px);

}  // namespace beholder::media
