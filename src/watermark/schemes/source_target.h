// The backdoors of Zhang et al. 2018, Sec. 3.2: images of one class, marked and labelled as another.
#pragma once

#include <functional>
#include <span>

#include "watermark/schemes/making.h"

namespace telltale::watermark {

/// A scheme with a source class Y_s and a target class Y_d. Settings: source, target, share (of the source class's
/// training images), and its own.
class SourceTargetScheme : public Scheme {
 public:
  [[nodiscard]] std::vector<Parameter> parameters() const final;
  void check(const KeyInputs& inputs) const override;
  [[nodiscard]] std::int64_t embedded_count(const Json& settings, const ClassCounts& train) const final;
  /// Every pair of classes; where labels are drawn, every source.
  [[nodiscard]] std::vector<Json> alternatives(const KeyInputs& inputs) const override;

 protected:
  [[nodiscard]] virtual std::vector<Parameter> own_parameters() const = 0;
  /// How many samples are embedded. Throws InputError if none.
  [[nodiscard]] std::int64_t embedded_count(const KeyInputs& inputs) const;
};

/// One whose key samples are images of the data set with a mark on them.
class MarkedImagesScheme : public SourceTargetScheme {
 public:
  [[nodiscard]] bool has(Query query) const override;
  [[nodiscard]] KeySamples embedded(const KeyInputs& inputs) const override;
  [[nodiscard]] KeySamples queries(const KeyInputs& inputs, Query query, std::int64_t limit) const override;
  [[nodiscard]] bool draws_labels(const Json& settings) const final { return draws_key_labels(settings); }

 protected:
  /// Puts a mark on one image, C x H x W in [0,1], which is image `source` of a split.
  using Mark = std::function<void(std::span<float> pixels, std::int64_t source, const std::string& split)>;

  /// The owner's mark, or one that another would make. Throws InputError if there is none for such images.
  [[nodiscard]] virtual Mark mark(const Json& settings, const data::ImageShape& shape, bool owners) const = 0;

 private:
  [[nodiscard]] KeySamples made(const KeyInputs& inputs, bool owners, const models::ImageView& images,
                                std::vector<std::int64_t> sources, const std::string& split) const;
};

}  // namespace telltale::watermark
