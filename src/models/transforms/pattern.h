// One pattern for all images: what the fixed and the learned transform have in common.
#pragma once

#include <ATen/Tensor.h>

#include "models/transform.h"

namespace telltale::models {

class PatternTransform : public Transform {
 public:
  explicit PatternTransform(const TransformSpec& spec);

  /// The bipolar pattern of Sec. 2.3: each value sigma, 0 or -sigma with probability p, 1 - 2p, p.
  void draw(const Stream& secret) final;

 protected:
  /// Where the pattern lies: 1 x C x H x W, of the image's shape where it is added to that, else of the window's.
  [[nodiscard]] virtual const at::Tensor& pattern() const = 0;
  [[nodiscard]] at::Tensor empty_pattern() const;

  at::Tensor perturbation(const at::Tensor& images, std::span<const Variation> variations) final;

 private:
  bool on_image_;
};

/// A pattern as Sec. 2.3 draws it, of any shape.
at::Tensor bipolar_pattern(at::IntArrayRef shape, double sigma, double share, Stream draws);

}  // namespace telltale::models
