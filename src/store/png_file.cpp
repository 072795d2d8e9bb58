#include "store/png_file.h"

#include <png.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "store/atomic_file.h"

namespace telltale::store {
namespace {

// libpng's simplified interface: no longjmp through C++ frames. Its 8-bit formats are those of the file, so that no
// value is converted.
struct Image : png_image {
  Image() : png_image{} { version = PNG_IMAGE_VERSION; }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;
  ~Image() { png_image_free(this); }

  [[noreturn]] void fail(const std::string& attempt) const { throw Error("cannot " + attempt + ": " + message); }
};

}  // namespace

void write_png(const std::string& path, const PngImage& image) {
  const std::string attempt = "write the image " + path;
  if (image.channels != 1 && image.channels != 3)
    throw Error("cannot " + attempt + ": a PNG is grey or RGB, not of " + std::to_string(image.channels) + " channels");
  if (image.rows < 1 || image.columns < 1 ||
      static_cast<std::int64_t>(image.bytes.size()) != image.rows * image.columns * image.channels)
    throw Error("cannot " + attempt + ": its bytes do not fit its size");
  Image png;
  png.width = static_cast<png_uint_32>(image.columns);
  png.height = static_cast<png_uint_32>(image.rows);
  png.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  Bytes encoded(size);
  if (png_image_write_to_memory(&png, encoded.data(), &size, 0, image.bytes.data(), 0, nullptr) == 0) png.fail(attempt);
  encoded.resize(size);
  write_file_atomically(path, {encoded});
}

PngImage read_png(const std::string& path) {
  const std::string attempt = "read the image " + path;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error("cannot " + attempt + ": " + std::strerror(errno));
  const Bytes encoded{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  Image png;
  if (png_image_begin_read_from_memory(&png, encoded.data(), encoded.size()) == 0) png.fail(attempt);
  if (png.format != PNG_FORMAT_GRAY && png.format != PNG_FORMAT_RGB)
    throw Error("cannot " + attempt + ": it is not 8-bit grey or RGB");
  PngImage image{png.height, png.width, png.format == PNG_FORMAT_GRAY ? 1 : 3, {}};
  image.bytes.resize(PNG_IMAGE_SIZE(png));
  if (png_image_finish_read(&png, nullptr, image.bytes.data(), 0, nullptr) == 0) png.fail(attempt);
  return image;
}

}  // namespace telltale::store
