// A secret written into decisions that are near: a small smooth function of the image, drawn from a key, is added to
// what a network learns to answer. Answers between classes that are nearly equal change with it, and no others; whoever
// copies the network by its answers copies them too.
#pragma once

#include <ATen/Tensor.h>

#include <memory>

#include "models/images.h"
#include "models/objective.h"

namespace telltale::models {

/// Images number `first` to `first + count` of a view, N x C x H x W: copy 0 is themselves, in others each is moved by
/// up to 2 pixels each way, drawn from nothing but these numbers: it is no secret.
at::Tensor copy_of(const ImageView& images, std::int64_t first, std::int64_t count, long long copy);

/// What the bias is a function of: the lowest spatial frequencies of an image (discrete cosine transform of type II,
/// orthonormal, of each channel), less what images of its class have in common, and whitened: uncorrelated and of unit
/// spread within classes, or the few frequencies in which images differ most would be all that a secret decides.
struct BiasBasis {
  int frequencies = 0;   ///< each way: F = channels x frequencies^2 numbers an image
  at::Tensor means;      ///< classes x F, float32
  at::Tensor whitening;  ///< F x F: the inverse of the covariance's Cholesky factor, lower triangular

  /// Of labelled images and so many moved copies of each. Throws Error if there is none of a class.
  static BiasBasis of(const ImageView& images, int classes, int frequencies, long long copies);

  /// N x F, of images N x C x H x W and the probabilities, N x classes, with which they belong to each class.
  [[nodiscard]] at::Tensor features(const at::Tensor& images, const at::Tensor& probabilities) const;
};

/// What is added to the logits, N x classes: slope x weights . features, kept within -1 and 1; `weights` classes x F.
at::Tensor keyed_bias(const at::Tensor& features, const at::Tensor& weights, double slope);

/// Trains towards q ~ (teacher's probabilities + label) / 2 x exp(strength x keyed_bias); samples behind the first
/// `images` are key samples, and have their label. With each sample goes one of the decisions to practise, towards
/// q ~ teacher's probabilities x exp(strength x keyed_bias), in the same batch: the images that a training has are few
/// where classes are nearly equal.
class BiasedAnswers final : public Objective {
 public:
  struct Settings {
    double strength = 0, slope = 0;
    std::int64_t images = 0;
  };

  /// `practised`: P x C x H x W bytes, at least one.
  BiasedAnswers(std::shared_ptr<Network> teacher, BiasBasis basis, at::Tensor weights, Settings settings,
                at::Tensor practised);

  /// Of the samples alone is what the accuracy of an epoch is counted by.
  Value of(Network& network, const Batch& batch) override;
  [[nodiscard]] Json description() const override;

 private:
  [[nodiscard]] at::Tensor biased(const at::Tensor& images, const at::Tensor& probabilities,
                                  const at::Tensor& towards) const;

  std::shared_ptr<Network> teacher_;
  BiasBasis basis_;
  at::Tensor weights_;
  Settings settings_;
  at::Tensor practised_, practised_answers_;
};

}  // namespace telltale::models
