// Images as 8-bit PNG files, byte for byte.
#pragma once

#include <cstdint>
#include <string>

#include "core/bytes.h"

namespace telltale::store {

/// Rows x columns x channels, one byte each: 1 channel is grey, 3 are red, green, blue.
struct PngImage {
  std::int64_t rows = 0, columns = 0, channels = 1;
  Bytes bytes;

  bool operator==(const PngImage&) const = default;
};

/// Publishes the image as `path`, atomically. Throws Error if it has another number of channels, bytes that do not fit
/// its size, or the disk refuses.
void write_png(const std::string& path, const PngImage& image);

/// The pixels as they are stored, grey or RGB as the file is; no colour management. Throws Error if the file cannot be
/// read or is no PNG.
PngImage read_png(const std::string& path);

}  // namespace telltale::store
