#include <ATen/ATen.h>
#include <torch/nn/modules/conv.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "models/networks/layers.h"
#include "models/transform.h"
#include "models/transforms/blocks.h"
#include "watermark/descent.h"
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {
namespace {

using Changed = std::function<at::Tensor(const at::Tensor&)>;

constexpr std::int64_t chunk = 500;  // images at a time where all are looked at
constexpr std::int64_t most_measured = 2000;

// Another structure than the owner's: convolutions 3 x 3, 32 channels, and no tanh at the end.
class Deep final : public torch::nn::Module {
 public:
  explicit Deep(std::int64_t channels)
      : convs_{register_module("conv1", models::plain_convolution(channels, 32, 3, 1)),
               register_module("conv2", models::plain_convolution(32, 32, 3, 1)),
               register_module("conv3", models::plain_convolution(32, channels, 3, 1))} {}

  at::Tensor forward(const at::Tensor& images) {
    return images + convs_[2](convs_[1](convs_[0](images).relu_()).relu_());
  }

 private:
  std::array<torch::nn::Conv2d, 3> convs_;
};

// The pairs that a thief has: images of those numbers.
class PairSource {
 public:
  PairSource(const AttackInputs& inputs, std::int64_t count) : inputs_(inputs) {
    Stream draws = inputs.stream.derive("pairs");
    numbers_ = draws.permutation(inputs.owner_images.count);
    numbers_.resize(static_cast<std::size_t>(std::min(count, inputs.owner_images.count)));
  }

  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(numbers_.size()); }

  // Raw and processed images, those numbers `first` .. of an order of the pairs.
  [[nodiscard]] std::pair<at::Tensor, at::Tensor> get(const std::vector<std::int64_t>& order, std::int64_t first,
                                                      std::int64_t taken) const {
    std::vector<at::Tensor> raw;
    for (std::int64_t i = first; i < first + taken; ++i)
      raw.push_back(
          models::planes_of(models::WindowedImages(image(order[static_cast<std::size_t>(i)]), window()).view()));
    const at::NoGradGuard no_grad;
    at::Tensor images = at::cat(raw);
    at::Tensor made = inputs_.transform->forward(images);
    return {std::move(images), std::move(made)};
  }

 private:
  [[nodiscard]] models::ImageView image(std::int64_t pair) const {
    return inputs_.owner_images.part(numbers_[static_cast<std::size_t>(pair)], 1);
  }
  [[nodiscard]] const data::ImageShape& window() const { return inputs_.images.shape; }

  const AttackInputs& inputs_;
  std::vector<std::int64_t> numbers_;
};

std::vector<std::int64_t> in_order(std::int64_t count) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

Changed mean_difference(const AttackInputs& inputs, const PairSource& pairs) {
  const std::vector<std::int64_t> order = in_order(pairs.count());
  const data::ImageShape& shape = inputs.images.shape;
  const at::Tensor sum = at::zeros({1, shape.channels, shape.height, shape.width}, at::kDouble);
  for (std::int64_t first = 0; first < pairs.count(); first += chunk) {
    const auto [raw, made] = pairs.get(order, first, std::min(chunk, pairs.count() - first));
    sum.add_((made - raw).to(at::kDouble).sum(0, true));
    inputs.check();
  }
  const at::Tensor pattern = (sum / static_cast<double>(pairs.count())).to(at::kFloat);
  return [pattern](const at::Tensor& images) { return images + pattern; };
}

// A matrix for every block, by least squares over all pairs; a little of the identity beside them decides where there
// are fewer pairs than pixels.
Changed linear_map(const AttackInputs& inputs, const PairSource& pairs) {
  const data::ImageShape shape = inputs.images.shape;
  const std::int64_t side = inputs.settings.at("block");
  const std::int64_t count = models::block_count(shape, side), size = models::block_size(shape, side);
  at::Tensor squares = at::zeros({count, size, size}, at::kDouble), products = at::zeros_like(squares);
  const std::vector<std::int64_t> order = in_order(pairs.count());
  for (std::int64_t first = 0; first < pairs.count(); first += chunk) {
    const auto [raw, made] = pairs.get(order, first, std::min(chunk, pairs.count() - first));
    const at::Tensor from = models::blocks_of(raw, shape, side).to(at::kDouble),
                     to = models::blocks_of(made, shape, side).to(at::kDouble);
    squares.add_(from.transpose(1, 2).bmm(from));
    products.add_(from.transpose(1, 2).bmm(to));
    inputs.check();
  }
  const at::Tensor little = at::eye(size, at::kDouble) * (1e-6 * static_cast<double>(pairs.count()));
  const at::Tensor map = at::linalg_solve(squares + little, products + little).to(at::kFloat);
  return [=](const at::Tensor& images) {
    return models::from_blocks(models::blocks_of(images, shape, side).bmm(map), shape, side);
  };
}

// Fits `changed`, whose parameters these are.
void fit(const AttackInputs& inputs, const PairSource& pairs, const Changed& changed,
         std::vector<at::Tensor> parameters, double unit) {
  Descent descent(std::move(parameters), inputs.settings.at("rate"));
  const std::int64_t batch = std::min(inputs.settings.at("batch").get<std::int64_t>(), pairs.count());
  std::vector<std::int64_t> order;
  std::int64_t next = 0, epoch = 0;
  for (auto steps = inputs.settings.at("steps").get<std::int64_t>(); steps > 0; --steps) {
    if (order.empty() || next + batch > pairs.count()) {
      order = inputs.stream.derive("order " + std::to_string(epoch++)).permutation(pairs.count());
      next = 0;
    }
    const auto [raw, made] = pairs.get(order, next, batch);
    next += batch;
    descent.step(((changed(raw) - made) / unit).square().flatten(1).sum(1).mean());
    inputs.check();
  }
}

double fit_error(const AttackInputs& inputs, const Changed& changed, double unit) {
  const at::NoGradGuard no_grad;
  double sum = 0, pixels = 0;
  const models::ImageView seen = inputs.images.part(0, most_measured);
  for (std::int64_t first = 0; first < seen.count; first += chunk) {
    const at::Tensor raw = models::planes_of(seen.part(first, chunk));
    const at::Tensor error = (changed(raw) - inputs.transform->forward(raw)) / unit;
    sum += error.to(at::kDouble).square().sum().item<double>();
    pixels += static_cast<double>(error.numel());
  }
  return std::sqrt(sum / pixels);
}

}  // namespace

std::unique_ptr<Service> apply_pairs(const AttackInputs& inputs) {
  if (!inputs.transform) throw Error("a pair attack needs images behind a transform");
  const models::TransformSpec& owner = inputs.transform->spec();
  const double unit = inputs.transform->unit();
  const PairSource pairs(inputs, inputs.settings.at("pairs"));
  const auto model = inputs.settings.at("model").get<std::string>();
  const Stream weights = inputs.stream.derive("weights");
  Changed changed;
  if (model == "pattern") {
    changed = mean_difference(inputs, pairs);
  } else if (model == "linear") {
    changed = linear_map(inputs, pairs);
  } else if (model == "generator") {
    const Json channels =
        owner.settings.contains("generator_channels") ? owner.settings["generator_channels"] : Json(16);
    const auto copy = models::make_transform(
        {"generator",
         owner.input,
         owner.input,
         owner.pixels,
         {{"generator_channels", channels}, {"generator_start", "drawn"}, {"generator_rate", 1}, {"clip", false}}});
    copy->draw(weights);
    changed = [copy](const at::Tensor& images) { return copy->forward(images); };
    fit(inputs, pairs, changed, copy->parameters(), unit);
  } else {
    const auto copy = std::make_shared<Deep>(owner.input.channels);
    models::draw_weights(*copy, models::Initialisation::glorot, weights);
    changed = [copy](const at::Tensor& images) { return copy->forward(images); };
    fit(inputs, pairs, changed, copy->parameters(), unit);
  }
  inputs.measured("fit_error", fit_error(inputs, changed, unit));
  return serve_behind(inputs.model, std::move(changed));
}

}  // namespace telltale::watermark
