#include "models/batches.h"

#include <gtest/gtest.h>

#include <set>
#include <tuple>
#include <vector>

namespace telltale::models {
namespace {

TEST(Batches, EveryByteIsDividedBy255) {
  for (int byte = 0; byte < 256; ++byte) {
    const volatile float value = static_cast<float>(byte);
    EXPECT_EQ(pixel_value(static_cast<std::uint8_t>(byte)), value / 255.0F);
  }
}

TEST(Batches, PlanesBecomePixelsWithTheirChannelsTogether) {
  const Bytes planes{0, 51, 102, 153, 204, 255};  // 2 channels, 1 x 3
  std::vector<float> out(6);
  write_image(planes, {2, 1, 3}, out.data());
  EXPECT_EQ(out, (std::vector<float>{0.0F, 0.6F, 0.2F, 0.8F, 0.4F, 1.0F}));
  const std::vector<float> floats{1, 2, 3, 4, 5, 6};
  write_image(floats.data(), {2, 1, 3}, out.data());
  EXPECT_EQ(out, (std::vector<float>{1, 4, 2, 5, 3, 6}));
}

TEST(Batches, ViewOfAnotherSizeIsRefused) {
  const Bytes pixels(12), labels(3);
  EXPECT_NO_THROW(check(ImageView{pixels, labels, {1, 2, 2}, 3}));
  EXPECT_THROW(check(ImageView{pixels, labels, {1, 2, 3}, 3}), Error);
  EXPECT_THROW(check(ImageView{pixels, ByteSpan(labels).first(2), {1, 2, 2}, 3}), Error);
}

TEST(Variation, CropMovesTheImageOverZerosAndFlipMirrorsIt) {
  const data::ImageShape shape{1, 2, 3};
  const std::vector<float> image{1, 2, 3, 4, 5, 6};
  const auto varied = [&](const Variation& variation) {
    std::vector<float> made(image.size());
    vary(image.data(), shape, variation, made.data(), shape);
    return made;
  };
  EXPECT_EQ(varied({0, 0, false}), image);
  EXPECT_EQ(varied({0, 0, true}), (std::vector<float>{3, 2, 1, 6, 5, 4}));
  EXPECT_EQ(varied({1, 0, false}), (std::vector<float>{4, 5, 6, 0, 0, 0}));
  EXPECT_EQ(varied({0, -1, false}), (std::vector<float>{0, 1, 2, 0, 4, 5}));
  EXPECT_EQ(varied({0, 1, true}), (std::vector<float>{0, 3, 2, 0, 6, 5}));
}

TEST(Variation, AWindowLiesAnywhereInTheImage) {
  const data::ImageShape image{1, 5, 4}, window{1, 3, 3};
  Stream draws(1, {}, "windows");
  std::set<std::tuple<int, int, bool>> seen;
  for (int i = 0; i < 500; ++i) {
    const Variation variation = Variation::draw_window(image, window, draws);
    seen.insert({variation.down, variation.right, variation.flip});
  }
  EXPECT_EQ(seen.size(), 3U * 2U * 2U);
  EXPECT_EQ(std::get<0>(*seen.begin()), 0);
  EXPECT_EQ(std::get<0>(*seen.rbegin()), 2);
}

TEST(Variation, EveryOffsetAndFlipIsDrawn) {
  Stream draws(1, {}, "variation");
  std::set<std::tuple<int, int, bool>> seen;
  for (int i = 0; i < 3000; ++i) {
    const Variation variation = Variation::draw(draws);
    EXPECT_LE(std::abs(variation.down), 4);
    EXPECT_LE(std::abs(variation.right), 4);
    seen.insert({variation.down, variation.right, variation.flip});
  }
  EXPECT_EQ(seen.size(), 9U * 9U * 2U);
}

TEST(Variation, AShiftGoesTwoPixelsAtMostAndFlipsNothing) {
  Stream draws(1, {}, "shifts");
  std::set<int> down, right;
  for (int i = 0; i < 200; ++i) {
    const Variation shift = Variation::draw_shift(draws);
    down.insert(shift.down);
    right.insert(shift.right);
    EXPECT_FALSE(shift.flip);
  }
  EXPECT_EQ(down, (std::set<int>{-2, -1, 0, 1, 2}));
  EXPECT_EQ(right, down);
}

}  // namespace
}  // namespace telltale::models
