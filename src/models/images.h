// Images as they lie in memory: bytes shared by the ranks of a node, seen through a view that owns nothing.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/bytes.h"
#include "data/dataset.h"

namespace telltale::models {

/// `count` images of bytes, N x C x H x W, with their labels. What it points at must outlive it.
struct ImageView {
  ByteSpan pixels;  ///< count x channels x height x width
  ByteSpan labels;  ///< count
  data::ImageShape shape;
  std::int64_t count = 0;

  static ImageView of(const data::ImageShape& shape, const data::Split& split) {
    return {split.images, split.labels, shape, split.count};
  }

  /// `taken` images from number `first` on; fewer where there are not so many.
  [[nodiscard]] ImageView part(std::int64_t first, std::int64_t taken) const {
    first = std::clamp<std::int64_t>(first, 0, count), taken = std::clamp<std::int64_t>(taken, 0, count - first);
    const auto begin = static_cast<std::size_t>(first), images = static_cast<std::size_t>(taken);
    return {pixels.subspan(begin * shape.pixels(), images * shape.pixels()), labels.subspan(begin, images), shape,
            taken};
  }

  [[nodiscard]] std::int64_t pixels_each() const { return static_cast<std::int64_t>(shape.pixels()); }
  [[nodiscard]] ByteSpan image(std::int64_t index) const {
    const auto size = static_cast<std::size_t>(pixels_each());
    return pixels.subspan(static_cast<std::size_t>(index) * size, size);
  }
  [[nodiscard]] int label(std::int64_t index) const { return labels[static_cast<std::size_t>(index)]; }
};

/// The middle windows of images; the images themselves, not copied, where the window is all of them.
class WindowedImages {
 public:
  /// What `images` points at must outlive it. Throws Error unless the window lies within them.
  WindowedImages(const ImageView& images, const data::ImageShape& window);
  WindowedImages(const WindowedImages&) = delete;
  WindowedImages& operator=(const WindowedImages&) = delete;

  [[nodiscard]] const ImageView& view() const { return window_; }

 private:
  Bytes pixels_;
  ImageView window_;
};

/// Throws Error unless `view` holds as many bytes as its shape and count say.
void check(const ImageView& view);

}  // namespace telltale::models
