// Key samples as tensors.
#pragma once

#include <ATen/Tensor.h>

#include <cstdint>
#include <span>

#include "core/bytes.h"
#include "watermark/scheme.h"

namespace telltale::watermark {

/// N x C x H x W float32, a copy.
at::Tensor images_of(const KeySamples& samples);
/// N, int64, a copy.
at::Tensor labels_of(const KeySamples& samples);
/// Labels as schemes that choose by answers take them (KeyInputs::answers): a byte each.
Bytes answers_of(std::span<const std::int64_t> labels);

}  // namespace telltale::watermark
