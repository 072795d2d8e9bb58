// An image of floats as a PNG that gives back the same floats.
#pragma once

#include <span>
#include <string>

#include "data/dataset.h"

namespace telltale::study {

/// Writes C x H x W pixels, read back and compared bit for bit. `what` names the image in messages ("sample 7"). Throws
/// InputError if a pixel is no multiple of 1/255 in [0, 1], computed as byte / 255.0f, or there are not 1 or 3
/// channels; Error if the disk refuses or the file does not give the image back.
void write_exact_png(const std::string& path, const data::ImageShape& shape, std::span<const float> pixels,
                     const std::string& what);

}  // namespace telltale::study
