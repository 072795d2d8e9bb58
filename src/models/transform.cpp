#include "models/transform.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"
#include "models/weights.h"

namespace telltale::models {
namespace {

// Of a teacher's answers, and their share of the loss (Hinton, Vinyals and Dean 2015, Sec. 2).
constexpr double temperature = 4, taught = 0.9;

// Images as `write` puts them there, H x W x C each.
template <typename Write>
at::Tensor planes_by(const ImageView& images, const Write& write) {
  check(images);
  const data::ImageShape& shape = images.shape;
  const at::Tensor pixels = at::empty({images.count, shape.height, shape.width, shape.channels}, at::kFloat);
  for (std::int64_t i = 0; i < images.count; ++i) write(i, pixels.data_ptr<float>() + i * images.pixels_each());
  return pixels.permute({0, 3, 1, 2});
}

}  // namespace

Transform::Transform(TransformSpec spec) : spec_(std::move(spec)) {}

at::Tensor Transform::forward(const at::Tensor& images, std::span<const Variation> variations) {
  const at::Tensor processed = images + perturbation(images, variations) * unit();
  return setting("clip").get<bool>() ? processed.clamp(0, 1) : processed;
}

std::shared_ptr<Transform> make_transform(const TransformSpec& spec) {
  const std::string& name = transform_kind(spec.name).name;
#define TELLTALE_TRANSFORM(known, factory, keys, is_trained, help) \
  if (name == known) return factory(spec);
#include "models/transforms/transforms.def"
#undef TELLTALE_TRANSFORM
  throw Error("nothing is known of how to make the transform " + name);
}

Bytes save_transform(const Transform& transform, Metadata metadata) {
  metadata["transform"] = canonical(transform.spec().to_json());
  return write_tensors({state_of(transform), std::move(metadata)});
}

std::shared_ptr<Transform> load_transform(ByteSpan bytes) {
  const TensorMap map = read_tensors(bytes);
  std::shared_ptr<Transform> transform =
      make_transform(TransformSpec::from_json(Json::parse(map.note("transform"), nullptr, false)));
  load_state(*transform, "the transform " + transform->spec().name, map);
  transform->eval();
  return transform;
}

at::Tensor planes_of(const ImageView& images) {
  return planes_by(images, [&](std::int64_t i, float* out) { write_image(images.image(i), images.shape, out); });
}

at::Tensor shifted_planes_of(const ImageView& images, Stream draws) {
  std::vector<float> whole(images.shape.pixels());
  return planes_by(images, [&](std::int64_t i, float* out) {
    write_image(images.image(i), images.shape, whole.data());
    vary(whole.data(), images.shape, Variation::draw_shift(draws), out, images.shape);
  });
}

at::Tensor processed(Transform& transform, const ImageView& images, std::int64_t batch) {
  return processed(transform, planes_of(images), batch);
}

at::Tensor processed(Transform& transform, const at::Tensor& images, std::int64_t batch) {
  const data::ImageShape& shape = transform.spec().input;
  if (images.sizes().slice(1) != at::IntArrayRef({shape.channels, shape.height, shape.width}))
    throw Error("these images are not of the shape the transform takes");
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> all;
  for (const at::Tensor& some : images.split(batch))
    all.push_back(transform.forward(some.contiguous(at::MemoryFormat::ChannelsLast)));
  return at::cat(all);
}

ProtectionLoss::ProtectionLoss(std::shared_ptr<Transform> transform, const ProtectionWeights& weights, int classes,
                               const Stream& secret, std::shared_ptr<Network> teacher)
    : transform_(std::move(transform)), weights_(weights), teacher_(std::move(teacher)) {
  if (teacher_) teacher_->eval();
  if (weights.decoy) decoy_.emplace(transform_->spec(), classes, secret.derive("decoy"));
}

at::Tensor ProtectionLoss::authorised_loss(const at::Tensor& logits, const Batch& batch) const {
  const at::Tensor labels = at::cross_entropy_loss(logits, batch.labels);
  if (!teacher_) return labels;
  at::Tensor answers;
  {
    const at::NoGradGuard no_grad;
    answers = (teacher_->forward(batch.images) / temperature).softmax(1);
  }
  // A soft target's gradients are smaller by the square of the temperature.
  const at::Tensor soft = at::cross_entropy_loss(logits / temperature, answers) * (temperature * temperature);
  return labels * (1 - taught) + soft * taught;
}

Objective::Value ProtectionLoss::of(Network& network, const Batch& batch) {
  const std::int64_t count = batch.images.size(0);
  const at::Tensor made = transform_->forward(batch.images, batch.variations);
  const at::Tensor others = decoy_ ? decoy_->images(batch.images) : batch.images;
  const at::Tensor both = network.forward(at::cat({made, others}).contiguous(at::MemoryFormat::ChannelsLast));
  const at::Tensor logits = both.narrow(0, 0, count), other_logits = both.narrow(0, count, count);
  const at::Tensor wrong = decoy_ ? at::cross_entropy_loss(other_logits, decoy_->labels(batch.images))
                                  : other_logits.softmax(1).gather(1, batch.labels.unsqueeze(1)).mean();
  at::Tensor loss = authorised_loss(logits, batch) * weights_.alpha + wrong * weights_.beta;
  if (made.requires_grad()) {
    const at::Tensor squares = ((made - batch.images) / transform_->unit()).square().flatten(1);
    loss = loss + (weights_.mean_norm ? squares.mean(1) : squares.sum(1)).mean() * weights_.gamma;
  }
  return {std::move(loss), logits};
}

std::vector<Companion> ProtectionLoss::companions() const {
  std::vector<Companion> all;
  for (const auto& item : transform_->named_parameters())
    all.push_back({item.key(), item.value(), weights_.decays, transform_->rate()});
  return all;
}

Json ProtectionLoss::description() const {
  return {{"transform", transform_->spec().to_json()},
          {"alpha", weights_.alpha},
          {"beta", weights_.beta},
          {"gamma", weights_.gamma},
          {"mean_norm", weights_.mean_norm},
          {"decays", weights_.decays},
          {"decoy", weights_.decoy},
          {"taught", teacher_ != nullptr}};
}

}  // namespace telltale::models
