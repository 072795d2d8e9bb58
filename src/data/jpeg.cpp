#include "data/jpeg.h"

#include <turbojpeg.h>

#include <memory>

#include "core/error.h"

namespace telltale::data {
namespace {

using Handle = std::unique_ptr<void, int (*)(tjhandle)>;

void require(bool done, const Handle& handle) {
  if (!done) throw Error(std::string("an image cannot go through JPEG: ") + tjGetErrorStr2(handle.get()));
}

}  // namespace

Bytes through_jpeg(ByteSpan image, const ImageShape& shape, int quality) {
  if ((shape.channels != 1 && shape.channels != 3) || image.size() != shape.pixels())
    throw Error("an image of " + shape.to_text() + " cannot go through JPEG: it is neither grey nor RGB, or not whole");
  const Handle writer(tjInitCompress(), tjDestroy), reader(tjInitDecompress(), tjDestroy);
  if (!writer || !reader) throw Error("libjpeg-turbo does not start");
  const int format = shape.channels == 1 ? TJPF_GRAY : TJPF_RGB;
  const int sampling = shape.channels == 1 ? TJSAMP_GRAY : TJSAMP_420;
  unsigned char* encoded = nullptr;
  unsigned long size = 0;
  const bool written = tjCompress2(writer.get(), image.data(), shape.width, 0, shape.height, format, &encoded, &size,
                                   sampling, quality, TJFLAG_ACCURATEDCT) == 0;
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> file(encoded, tjFree);
  require(written, writer);
  Bytes decoded(image.size());
  require(tjDecompress2(reader.get(), file.get(), size, decoded.data(), shape.width, 0, shape.height, format,
                        TJFLAG_ACCURATEDCT) == 0,
          reader);
  return decoded;
}

}  // namespace telltale::data
