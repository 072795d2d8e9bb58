#include "models/keyed_bias.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "core/error.h"
#include "models/transform.h"

namespace telltale::models {
namespace {

// frequencies x size: the first rows of the orthonormal transform.
at::Tensor cosines(std::int64_t frequencies, std::int64_t size) {
  at::Tensor rows = at::empty({frequencies, size}, at::kFloat);
  for (std::int64_t u = 0; u < frequencies; ++u)
    for (std::int64_t x = 0; x < size; ++x) {
      const double angle = std::numbers::pi * (2.0 * static_cast<double>(x) + 1) * static_cast<double>(u) /
                           (2.0 * static_cast<double>(size));
      rows[u][x] = std::cos(angle) * std::sqrt((u == 0 ? 1.0 : 2.0) / static_cast<double>(size));
    }
  return rows;
}

// N x F.
at::Tensor lowest(const at::Tensor& images, int frequencies) {
  const at::Tensor rows = cosines(frequencies, images.size(2)), columns = cosines(frequencies, images.size(3));
  return at::matmul(at::matmul(rows, images.contiguous()), columns.t()).flatten(1);
}

}  // namespace

BiasBasis BiasBasis::of(const ImageView& images, int classes, int frequencies) {
  constexpr std::int64_t at_once = 1000;
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> parts;
  std::vector<std::int64_t> labels;
  for (std::int64_t first = 0; first < images.count; first += at_once) {
    const ImageView part = images.part(first, at_once);
    parts.push_back(lowest(planes_of(part), frequencies));
    for (std::int64_t i = 0; i < part.count; ++i) labels.push_back(part.label(i));
  }
  const at::Tensor all = at::cat(parts).to(at::kDouble), of = at::tensor(labels);
  std::vector<at::Tensor> means;
  at::Tensor squares = at::zeros({all.size(1)}, at::kDouble);
  for (int one = 0; one < classes; ++one) {
    const at::Tensor members = all.index_select(0, (of == one).nonzero().flatten());
    if (members.size(0) == 0) throw Error("there is no image of class " + std::to_string(one) + " for a keyed bias");
    means.push_back(members.mean(0));
    squares += (members - means.back()).square().sum(0);
  }
  return {frequencies, at::stack(means).to(at::kFloat),
          (squares / static_cast<double>(labels.size())).sqrt().clamp_min(1e-3).to(at::kFloat)};
}

at::Tensor BiasBasis::features(const at::Tensor& images, const at::Tensor& probabilities) const {
  return (lowest(images, frequencies) - at::matmul(probabilities, means)) / spread;
}

at::Tensor keyed_bias(const at::Tensor& features, const at::Tensor& weights, double slope) {
  return (at::matmul(features, weights.t()) * slope).clamp(-1, 1);
}

BiasedAnswers::BiasedAnswers(std::shared_ptr<Network> teacher, BiasBasis basis, at::Tensor weights, Settings settings)
    : teacher_(std::move(teacher)), basis_(std::move(basis)), weights_(std::move(weights)), settings_(settings) {
  teacher_->eval();
}

Objective::Value BiasedAnswers::of(Network& network, const Batch& batch) {
  at::Tensor wanted;
  {
    const at::NoGradGuard no_grad;
    const at::Tensor probabilities = teacher_->forward(batch.images).softmax(1),
                     label = at::one_hot(batch.labels, probabilities.size(1)).to(at::kFloat),
                     bias = keyed_bias(basis_.features(batch.images, probabilities), weights_, settings_.slope);
    const at::Tensor changed = (probabilities + label) * 0.5 * (bias * settings_.strength).exp();
    std::vector<std::int64_t> is_key;
    for (const std::int64_t sample : batch.samples) is_key.push_back(sample >= settings_.images ? 1 : 0);
    wanted = at::where(at::tensor(is_key).to(at::kBool).unsqueeze(1), label, changed / changed.sum(1, true));
  }
  at::Tensor logits = network.forward(batch.images);
  at::Tensor loss = -(wanted * logits.log_softmax(1)).sum(1).mean();
  return {std::move(loss), std::move(logits)};
}

Json BiasedAnswers::description() const {
  return {{"keyed_bias", settings_.strength}, {"slope", settings_.slope}, {"frequencies", basis_.frequencies}};
}

}  // namespace telltale::models
