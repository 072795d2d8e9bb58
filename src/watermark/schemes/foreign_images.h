// Images of another task among those that a network sees.
#pragma once

#include <span>

#include "watermark/scheme.h"

namespace telltale::watermark {

/// The key `unrelated`: whose images.
Parameter unrelated_key();
/// The data set that it names. Throws Error if it was not read.
const data::Dataset& foreign_data(const KeyInputs& inputs);

/// Where an image of another shape lies in one of the network's: in the middle, with black around; grey in every
/// channel. Throws SettingError where that is no rule: it is larger, or in colour and the network sees grey.
struct ForeignFit {
  data::ImageShape from, to;
  int top, left;

  ForeignFit(const data::Dataset& other, const data::ImageShape& shape);
  void lay(ByteSpan image, std::span<float> pixels) const;
};

}  // namespace telltale::watermark
