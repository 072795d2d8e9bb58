// A secret written into decisions that are near: a small smooth function of the image, drawn from a key, is added to
// what a network learns to answer. Answers between classes that are nearly equal change with it, and no others; whoever
// copies the network by its answers copies them too.
#pragma once

#include <ATen/Tensor.h>

#include <memory>

#include "models/images.h"
#include "models/objective.h"

namespace telltale::models {

/// What the bias is a function of: the lowest spatial frequencies of an image (discrete cosine transform of type II,
/// orthonormal, of each channel), less what images of its class have in common.
struct BiasBasis {
  int frequencies = 0;  ///< each way: F = channels x frequencies^2 numbers an image
  at::Tensor means;     ///< classes x F, float32
  at::Tensor spread;    ///< F: within classes; no less than a thousandth

  /// Of labelled images. Throws Error if there is none of a class.
  static BiasBasis of(const ImageView& images, int classes, int frequencies);

  /// N x F, of images N x C x H x W and the probabilities, N x classes, with which they belong to each class.
  [[nodiscard]] at::Tensor features(const at::Tensor& images, const at::Tensor& probabilities) const;
};

/// What is added to the logits, N x classes: slope x weights . features, kept within -1 and 1; `weights` classes x F.
at::Tensor keyed_bias(const at::Tensor& features, const at::Tensor& weights, double slope);

/// Trains towards q ~ (teacher's probabilities + label) / 2 x exp(strength x keyed_bias); samples behind the first
/// `images` are key samples, and have their label.
class BiasedAnswers final : public Objective {
 public:
  struct Settings {
    double strength = 0, slope = 0;
    std::int64_t images = 0;
  };

  BiasedAnswers(std::shared_ptr<Network> teacher, BiasBasis basis, at::Tensor weights, Settings settings);

  Value of(Network& network, const Batch& batch) override;
  [[nodiscard]] Json description() const override;

 private:
  std::shared_ptr<Network> teacher_;
  BiasBasis basis_;
  at::Tensor weights_;
  Settings settings_;
};

}  // namespace telltale::models
