#include "models/transforms/pattern.h"

#include <ATen/ATen.h>

namespace telltale::models {
namespace {

// The pattern as an image's variation cuts and flips it.
at::Tensor varied(const at::Tensor& pattern, const Variation& variation, const data::ImageShape& window) {
  // Rows and columns that lie outside of the image have no pattern.
  constexpr std::int64_t border = Variation::padding;
  at::Tensor cut = at::constant_pad_nd(pattern, {border, border, border, border})
                       .narrow(2, variation.down + border, window.height)
                       .narrow(3, variation.right + border, window.width);
  return variation.flip ? cut.flip({3}) : cut;
}

}  // namespace

PatternTransform::PatternTransform(const TransformSpec& spec)
    : Transform(spec), on_image_(setting("pattern_on") == "image") {}

at::Tensor PatternTransform::empty_pattern() const {
  const data::ImageShape& shape = on_image_ ? spec().whole : spec().input;
  return at::zeros({1, shape.channels, shape.height, shape.width});
}

void PatternTransform::draw(const Stream& secret) {
  const at::NoGradGuard no_grad;
  pattern().copy_(
      bipolar_pattern(pattern().sizes(), setting("sigma"), setting("pattern_share"), secret.derive("bipolar pattern")));
}

at::Tensor PatternTransform::perturbation(const at::Tensor&, std::span<const Variation> variations) {
  if (!on_image_) return pattern();
  const data::ImageShape& window = spec().input;
  if (variations.empty()) return varied(pattern(), Variation::middle(spec().whole, window), window);
  std::vector<at::Tensor> all;
  all.reserve(variations.size());
  for (const Variation& variation : variations) all.push_back(varied(pattern(), variation, window));
  return at::cat(all);
}

at::Tensor bipolar_pattern(at::IntArrayRef shape, double sigma, double share, Stream draws) {
  at::Tensor pattern = at::empty(shape, at::kFloat);
  float* value = pattern.data_ptr<float>();
  const auto amplitude = static_cast<float>(sigma);
  for (std::int64_t i = 0; i < pattern.numel(); ++i) {
    const double drawn = draws.uniform();
    value[i] = drawn < share ? amplitude : drawn < 2 * share ? -amplitude : 0;
  }
  return pattern;
}

}  // namespace telltale::models
