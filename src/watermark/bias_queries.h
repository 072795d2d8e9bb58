// What a claim asks about decisions that are near: natural images between two classes of a network without the bias,
// and the features that a keyed bias is a function of. Secrets differ in the weights alone.
#pragma once

#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "core/json.h"
#include "core/random.h"
#include "watermark/scheme.h"

namespace telltale::watermark {

/// How a scheme biases what a network learns (models/keyed_bias.h).
struct BiasSettings {
  double strength = 0, slope = 0;
  long long frequencies = 0;  ///< each way
  double margin = 0;          ///< in logits: what is nearer is asked
  long long queries = 0;      ///< at most so many, the nearest
  long long copies = 0;       ///< of each image, moved by a few pixels, that are looked through beside it
  Json secret;                ///< the scheme's settings: whose secret it is

  /// classes x features, row-major: standard normal over the root of the number of features.
  [[nodiscard]] std::vector<float> weights(int classes, std::size_t features) const;
};

struct BiasQueries {
  data::ImageShape shape;
  int classes = 0;
  std::vector<float> means, whitening;      ///< models::BiasBasis
  Bytes pixels;                             ///< queries x C x H x W
  std::vector<std::int64_t> first, second;  ///< by query: the two classes that it lies between
  std::vector<float> margin;                ///< by how much the first is ahead, in logits
  std::vector<float> features;              ///< queries x F

  [[nodiscard]] std::size_t count() const { return first.size(); }
  /// F, of each query.
  [[nodiscard]] std::size_t each() const { return means.size() / static_cast<std::size_t>(classes); }
  [[nodiscard]] Bytes encoded() const;
  /// Throws Error for bytes that are none. `with_pixels`: false leaves the images out.
  static BiasQueries decoded(ByteSpan bytes, bool with_pixels = true);
};

/// The claim of one secret: of each query the class that its bias favours as the label, the other one as `instead`, and
/// a weight: how much it favours it before it is limited, over 1 + the margin. What a pair of classes is favoured on average counts for
/// nothing: that is no secret's.
KeySamples claimed_decisions(const BiasQueries& queries, const BiasSettings& settings);

}  // namespace telltale::watermark
