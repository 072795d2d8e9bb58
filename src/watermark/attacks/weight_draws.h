// Noise on weights.
#pragma once

#include <ATen/Tensor.h>

#include <string_view>

#include "core/random.h"

namespace telltale::watermark {

/// Normal noise of a parameter's shape, of `strength` standard deviations of the parameter's own values. The draws are
/// a function of the stream's key and the parameter's name; the same bits on every CPU.
at::Tensor noise_for(const at::Tensor& parameter, std::string_view name, double strength, const Stream& stream);

}  // namespace telltale::watermark
