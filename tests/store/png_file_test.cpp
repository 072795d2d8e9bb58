#include "store/png_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <numeric>

#include "core/temporary_directory.h"

namespace telltale::store {
namespace {

// Every byte value in every channel.
PngImage image_of(std::int64_t channels) {
  PngImage image{16, 16, channels, Bytes(static_cast<std::size_t>(256 * channels))};
  for (std::size_t i = 0; i < image.bytes.size(); ++i)
    image.bytes[i] = static_cast<std::uint8_t>(i / static_cast<std::size_t>(channels) + 85 * i);
  return image;
}

TEST(Png, KeepsEveryByteOfGreyAndOfColour) {
  const TemporaryDirectory folder;
  for (const std::int64_t channels : {1, 3}) {
    write_png(folder / "x.png", image_of(channels));
    EXPECT_EQ(read_png(folder / "x.png"), image_of(channels));
  }
}

TEST(Png, RefusesWhatItCannotHold) {
  const TemporaryDirectory folder;
  EXPECT_THROW(write_png(folder / "x.png", {2, 2, 2, Bytes(8)}), Error);
  EXPECT_THROW(write_png(folder / "x.png", {2, 2, 1, Bytes(3)}), Error);
  EXPECT_THROW(write_png(folder / "x.png", {0, 2, 1, {}}), Error);
  EXPECT_THROW(write_png(folder / "none/x.png", image_of(1)), Error);
}

TEST(Png, RefusesAFileThatIsNoneOrCut) {
  const TemporaryDirectory folder;
  EXPECT_THROW(read_png(folder / "none.png"), Error);
  std::ofstream(folder / "text.png") << "no image";
  EXPECT_THROW(read_png(folder / "text.png"), Error);
  write_png(folder / "x.png", image_of(3));
  std::filesystem::resize_file(folder / "x.png", std::filesystem::file_size(folder / "x.png") / 2);
  EXPECT_THROW(read_png(folder / "x.png"), Error);
}

}  // namespace
}  // namespace telltale::store
