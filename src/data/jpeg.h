// JPEG, as what it does to an image.
#pragma once

#include "core/bytes.h"
#include "data/dataset.h"

namespace telltale::data {

/// What an 8-bit image (H x W x C; grey or RGB) is after it was a JPEG file of that quality (1 to 100; colours at half
/// the resolution both ways, as most programs write them). The same bytes on every CPU. Throws Error for other shapes.
Bytes through_jpeg(ByteSpan image, const ImageShape& shape, int quality);

}  // namespace telltale::data
