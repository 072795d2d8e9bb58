// An autoencoder in front of a stolen network: what it cannot reconstruct gets no answer.
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>
#include <array>
#include <vector>

#include "models/evaluate.h"
#include "models/transform.h"
#include "watermark/descent.h"
#include "watermark/registry.h"
#include "watermark/service.h"
#include "watermark/shares.h"

namespace telltale::watermark {
namespace {

using torch::nn::Linear;

constexpr std::int64_t batch = 64;
constexpr double rate = 0.001;

// pixels - 128 - 32 - 128 - pixels.
class Autoencoder : public torch::nn::Module {
 public:
  explicit Autoencoder(std::int64_t pixels)
      : layers_{register_module("encode1", Linear(pixels, 128)), register_module("encode2", Linear(128, 32)),
                register_module("decode1", Linear(32, 128)), register_module("decode2", Linear(128, pixels))} {}

  // N x C x H x W, pixels in [0, 1]; the mean square error of each image.
  at::Tensor errors(const at::Tensor& images) {
    const at::Tensor pixels = images.flatten(1);
    at::Tensor values = pixels;
    for (std::size_t i = 0; i + 1 < layers_.size(); ++i) values = layers_[i](values).relu();
    return (layers_.back()(values).sigmoid() - pixels).square().mean(1);
  }

 private:
  std::array<Linear, 4> layers_;
};

class RefusingService final : public Service {
 public:
  RefusingService(std::unique_ptr<Service> asked, std::shared_ptr<Autoencoder> judge, float limit)
      : asked_(std::move(asked)), judge_(std::move(judge)), limit_(limit) {}

  [[nodiscard]] int outputs() const override { return asked_->outputs(); }
  at::Tensor logits(const models::ImageView& images, std::int64_t at_once) override {
    return logits(models::planes_of(images), at_once);
  }
  at::Tensor logits(const at::Tensor& images, std::int64_t at_once) override {
    const at::NoGradGuard no_grad;
    const at::Tensor refused = judge_->errors(images.contiguous()) > limit_;
    return asked_->logits(images, at_once).masked_fill(refused.unsqueeze(1), models::no_answer);
  }

 private:
  std::unique_ptr<Service> asked_;
  std::shared_ptr<Autoencoder> judge_;
  float limit_;
};

}  // namespace

std::unique_ptr<Service> apply_reject(const AttackInputs& inputs) {
  const Json& settings = inputs.settings;
  const models::ImageView half = first_half(inputs.images);
  const auto count = std::min(settings.at("images").get<std::int64_t>(), half.count);
  std::vector<std::int64_t> chosen = inputs.stream.derive("images of the autoencoder").permutation(half.count);
  chosen.resize(static_cast<std::size_t>(count));
  const at::Tensor images = models::planes_of(half).index_select(0, at::tensor(chosen)).contiguous();
  const std::int64_t judged = std::max<std::int64_t>(1, count / 5), trained = std::max<std::int64_t>(1, count - judged);

  const auto judge = std::make_shared<Autoencoder>(inputs.images.pixels_each());
  models::draw_weights(*judge, models::Initialisation::glorot, inputs.stream.derive("autoencoder"));
  Descent descent(judge->parameters(), rate);
  Stream draws = inputs.stream.derive("batches of the autoencoder");
  const auto steps = settings.at("steps").get<std::int64_t>();
  for (std::int64_t step = 0; step < steps; ++step) {
    std::vector<std::int64_t> places(static_cast<std::size_t>(std::min(batch, trained)));
    for (std::int64_t& place : places)
      place = static_cast<std::int64_t>(draws.below(static_cast<std::uint64_t>(trained)));
    descent.step(judge->errors(images.index_select(0, at::tensor(places))).mean());
    inputs.check();
  }

  // The largest error that is still answered.
  const at::NoGradGuard no_grad;
  const at::Tensor errors = std::get<0>(judge->errors(images.narrow(0, count - judged, judged)).sort());
  const std::int64_t refused = nearest_of(settings.at("share").get<double>(), judged);
  const float limit = errors[std::max<std::int64_t>(0, judged - refused - 1)].item<float>();
  return std::make_unique<RefusingService>(serve(inputs.model), judge, limit);
}

}  // namespace telltale::watermark
