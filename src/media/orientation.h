// EXIF orientation (tag 0x0112): finding it and turning pictures by it. Internal to the room.
#pragma once

#include <cstddef>
#include <span>

#include "media/image.h"

namespace beholder::media {

// The orientation 1..8 in a TIFF block, with or without the leading "Exif\0\0". 1 when there is none or it makes no sense.
int exif_orientation(std::span<const std::byte> block);

// The picture as a person should see it: 2 mirrored, 3 half turn, 4 flipped, 5 transposed, 6 quarter turn clockwise,
// 7 transposed along the other diagonal, 8 quarter turn counter-clockwise. 1 gives it back unchanged.
Image apply_orientation(Image image, int orientation);

}  // namespace beholder::media
