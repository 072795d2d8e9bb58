// Anti-piracy transforms (Chen and Wu 2018, Sec. 2.3), and the loss that trains them with a network (Eq. 3).
#pragma once

#include <ATen/Tensor.h>
#include <torch/nn/module.h>

#include <memory>
#include <optional>
#include <span>

#include "core/bytes.h"
#include "core/random.h"
#include "models/batches.h"
#include "models/decoy.h"
#include "models/objective.h"
#include "models/protection.h"
#include "models/transform_spec.h"

namespace telltale::models {

/// What makes of a raw image the processed one that a protected network answers rightly.
class Transform : public torch::nn::Module {
 public:
  explicit Transform(TransformSpec spec);

  /// Processed images, N x C x H x W in [0, 1] (beyond it where a perturbation leads there, and `clip` is off), of raw
  /// ones. `variations`: how each was cut out of its image in training; empty: the middle.
  at::Tensor forward(const at::Tensor& images, std::span<const Variation> variations = {});

  [[nodiscard]] const TransformSpec& spec() const { return spec_; }
  [[nodiscard]] double unit() const { return unit_of(spec_.pixels); }

  /// Its learning rate, where the network's is 1.
  [[nodiscard]] virtual double rate() const { return 1; }

  /// Draws what the owner's secret decides, and what training starts from.
  virtual void draw(const Stream& secret) = 0;

 protected:
  /// What is added, N or 1 x C x H x W, in units of the network's range of pixels.
  virtual at::Tensor perturbation(const at::Tensor& images, std::span<const Variation> variations) = 0;
  [[nodiscard]] const Json& setting(const char* field) const { return spec_.settings.at(field); }

 private:
  TransformSpec spec_;
};

/// A transform that nothing is drawn for. Throws InputError if there is none of that name.
std::shared_ptr<Transform> make_transform(const TransformSpec& spec);

/// Its parameters and buffers in a safetensors container, its spec as `transform` in the metadata.
Bytes save_transform(const Transform& transform, std::map<std::string, std::string> metadata = {});
/// The transform that save_transform() wrote. Throws Error for other bytes.
std::shared_ptr<Transform> load_transform(ByteSpan bytes);

/// The transform of many images, `batch` at a time: N x C x H x W, float32. Throws Error if they are not of the shape
/// that it takes.
at::Tensor processed(Transform& transform, const ImageView& images, std::int64_t batch);
/// Likewise of float32 images, N x C x H x W.
at::Tensor processed(Transform& transform, const at::Tensor& images, std::int64_t batch);
/// Images as float32 planes, N x C x H x W in [0, 1].
at::Tensor planes_of(const ImageView& images);
/// Likewise, each image moved by a Variation::draw_shift() of its own.
at::Tensor shifted_planes_of(const ImageView& images, Stream draws);

/// Trains a network to be right on processed images and wrong on raw ones. Raw and processed images go through it in
/// one batch: batch norms see both, as they will when both are asked.
class ProtectionLoss final : public Objective {
 public:
  /// `secret`: the owner's, of which the decoys come, where the weights ask for them. `teacher`: a network whose answers
  /// to the raw images the processed ones are to get, beside their labels (distillation); nullptr: labels alone.
  ProtectionLoss(std::shared_ptr<Transform> transform, const ProtectionWeights& weights, int classes,
                 const Stream& secret, std::shared_ptr<Network> teacher = nullptr);

  Value of(Network& network, const Batch& batch) override;
  [[nodiscard]] std::vector<Companion> companions() const override;
  [[nodiscard]] Json description() const override;

 private:
  std::shared_ptr<Transform> transform_;
  ProtectionWeights weights_;
  std::optional<Decoy> decoy_;
  std::shared_ptr<Network> teacher_;

  // What E_p is a cross-entropy of.
  [[nodiscard]] at::Tensor authorised_loss(const at::Tensor& logits, const Batch& batch) const;
};

using TransformFactory = std::shared_ptr<Transform> (*)(const TransformSpec&);
#define TELLTALE_TRANSFORM(name, factory, keys, is_trained, help) \
  std::shared_ptr<Transform> factory(const TransformSpec& spec);
#include "models/transforms/transforms.def"
#undef TELLTALE_TRANSFORM

}  // namespace telltale::models
