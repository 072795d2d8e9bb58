// Key samples that are images with a secret's noise: what the new label and the noise backdoor have in common.
#pragma once

#include "watermark/schemes/making.h"

namespace telltale::watermark {

/// What beta multiplies. The paper's formula says amplitude; the scale of beta in its figures is a variance, as it is
/// in the noise of scikit-image, which its words name.
enum class Reading {
  amplitude,  ///< k = x + beta eps
  variance,   ///< k = x + sqrt(beta) eps
};

/// Strength of the noise by what beta means: "amplitude" or "variance". Throws InputError for another reading.
double noise_scale(double beta, const std::string& reading);

/// The pattern eps that a secret determines: C x H x W standard normal values.
std::vector<float> noise_pattern(const Stream& secret, const data::ImageShape& shape);

/// How many images a share of `count` is; throws InputError if none.
std::int64_t images_selected(double alpha, std::int64_t count);

/// A scheme whose key samples are x + scale eps (Zhong et al. 2020, Sec. 3.1). Settings: reading, alpha, beta, clip,
/// noise (fixed or fresh).
class NoiseScheme : public Scheme {
 public:
  [[nodiscard]] std::vector<Parameter> parameters() const override;
  void check(const KeyInputs& inputs) const override;
  [[nodiscard]] std::int64_t embedded_count(const Json& settings, const ClassCounts& train) const override;
  [[nodiscard]] KeySamples embedded(const KeyInputs& inputs) const override;
  [[nodiscard]] KeySamples queries(const KeyInputs& inputs, Query query, std::int64_t limit) const override;
  [[nodiscard]] Secret secret(const Json&) const override { return Secret::images; }

 protected:
  /// What key samples are labelled.
  [[nodiscard]] virtual std::int64_t label(const Json& settings, int classes) const = 0;
  /// A class that is never marked; -1: all may be.
  [[nodiscard]] virtual int unmarked_class(const Json& settings) const {
    static_cast<void>(settings);
    return -1;
  }

 private:
  [[nodiscard]] std::vector<std::int64_t> markable(const Json& settings, const models::ImageView& images) const;
  // k = x + scale eps for some images of a split, with the noise of a secret.
  [[nodiscard]] KeySamples made(const KeyInputs& inputs, const Stream& secret, const models::ImageView& images,
                                std::vector<std::int64_t> sources, const std::string& split) const;
};

}  // namespace telltale::watermark
