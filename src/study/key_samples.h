// The key samples of a watermarked case: what is trained on, and what a proof asks.
#pragma once

#include "core/json.h"
#include "data/dataset.h"
#include "models/images.h"
#include "watermark/keys.h"

namespace telltale::study {

/// The first `count` images of a split; all of them where there are not so many, or for -1.
models::ImageView view_of(const data::Dataset& data, const data::Split& split, std::int64_t count = -1);

/// The key samples of one scheme, secret and repeat. Which images and which noise depend on the scheme alone, so that
/// training and every later query agree.
class KeySamples {
 public:
  /// `scheme`: method, reading, alpha, beta, clip, noise, seed, repeat, and target for the rival. `data` outlives it.
  KeySamples(const data::Dataset& data, const Json& scheme);

  [[nodiscard]] std::int64_t label() const;
  [[nodiscard]] watermark::KeySet trained() const;
  /// Made of the first `count` test images (0: all), as far as they may be marked.
  [[nodiscard]] watermark::KeySet asked(std::int64_t count, const Stream& with) const;
  /// One secret a repeat, whatever alpha and beta are.
  [[nodiscard]] Stream secret() const;
  [[nodiscard]] Stream wrong_secret() const;

 private:
  [[nodiscard]] Stream repeated(const char* purpose) const;

  const data::Dataset& data_;
  Json json_;
  watermark::Scheme scheme_;
};

}  // namespace telltale::study
