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

// Of bytes.
at::Tensor pixels_of(const at::Tensor& bytes) {
  return (bytes.to(at::kFloat) / 255).contiguous(at::MemoryFormat::ChannelsLast);
}

// N x F.
at::Tensor lowest(const at::Tensor& images, int frequencies) {
  const at::Tensor rows = cosines(frequencies, images.size(2)), columns = cosines(frequencies, images.size(3));
  return at::matmul(at::matmul(rows, images.contiguous()), columns.t()).flatten(1);
}

}  // namespace

at::Tensor copy_of(const ImageView& images, std::int64_t first, std::int64_t count, long long copy) {
  const ImageView part = images.part(first, count);
  if (copy == 0) return planes_of(part);
  return shifted_planes_of(part, Stream(0, {{"images", images.count}, {"copy", copy}, {"first", first}}, "moved copy"));
}

BiasBasis BiasBasis::of(const ImageView& images, int classes, int frequencies, long long copies) {
  constexpr std::int64_t at_once = 1000;
  constexpr double least = 1e-6;  // of the mean variance: frequencies that no image has do not count for all
  const at::NoGradGuard no_grad;
  const auto features = std::int64_t{images.shape.channels} * frequencies * frequencies;
  at::Tensor sums = at::zeros({classes, features}, at::kDouble), squares = at::zeros({features, features}, at::kDouble),
             counts = at::zeros({classes, 1}, at::kDouble);
  for (long long copy = 0; copy <= copies; ++copy)
    for (std::int64_t first = 0; first < images.count; first += at_once) {
      const at::Tensor rows = lowest(copy_of(images, first, at_once, copy), frequencies).to(at::kDouble);
      std::vector<std::int64_t> labels;
      for (std::int64_t i = first; i < first + rows.size(0); ++i) labels.push_back(images.label(i));
      const at::Tensor of = at::one_hot(at::tensor(labels), classes).to(at::kDouble).t();
      sums += at::matmul(of, rows), counts += of.sum(1, true), squares += at::matmul(rows.t(), rows);
    }
  for (int one = 0; one < classes; ++one)
    if (counts[one].item<double>() == 0)
      throw Error("there is no image of class " + std::to_string(one) + " for a keyed bias");
  const at::Tensor means = sums / counts;
  at::Tensor covariance = (squares - at::matmul(means.t(), sums)) / counts.sum();
  const at::Tensor unit = at::eye(features, at::kDouble);
  covariance += unit * covariance.diag().mean() * least;
  return {frequencies, means.to(at::kFloat),
          at::linalg_solve_triangular(at::linalg_cholesky(covariance), unit, false).to(at::kFloat).contiguous()};
}

at::Tensor BiasBasis::features(const at::Tensor& images, const at::Tensor& probabilities) const {
  return at::matmul(lowest(images, frequencies) - at::matmul(probabilities, means), whitening.t());
}

at::Tensor keyed_bias(const at::Tensor& features, const at::Tensor& weights, double slope) {
  return (at::matmul(features, weights.t()) * slope).clamp(-1, 1);
}

BiasedAnswers::BiasedAnswers(std::shared_ptr<Network> teacher, BiasBasis basis, at::Tensor weights, Settings settings,
                             at::Tensor practised)
    : teacher_(std::move(teacher)),
      basis_(std::move(basis)),
      weights_(std::move(weights)),
      settings_(settings),
      practised_(std::move(practised)) {
  constexpr std::int64_t at_once = 250;
  if (practised_.size(0) == 0) throw Error("no decision is near: bias-margin has to be larger");
  teacher_->eval();
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> answers;
  for (const at::Tensor& part : practised_.split(at_once)) {
    const at::Tensor images = pixels_of(part), probabilities = teacher_->forward(images).softmax(1);
    answers.push_back(biased(images, probabilities, probabilities));
  }
  practised_answers_ = at::cat(answers);
}

at::Tensor BiasedAnswers::biased(const at::Tensor& images, const at::Tensor& probabilities,
                                 const at::Tensor& towards) const {
  const at::Tensor bias = keyed_bias(basis_.features(images, probabilities), weights_, settings_.slope);
  const at::Tensor changed = towards * (bias * settings_.strength).exp();
  return changed / changed.sum(1, true);
}

Objective::Value BiasedAnswers::of(Network& network, const Batch& batch) {
  const std::int64_t samples = batch.images.size(0);
  at::Tensor images, wanted;
  {
    const at::NoGradGuard no_grad;
    const at::Tensor probabilities = teacher_->forward(batch.images).softmax(1),
                     label = at::one_hot(batch.labels, probabilities.size(1)).to(at::kFloat);
    std::vector<std::int64_t> is_key, practice;
    for (const std::int64_t sample : batch.samples) {
      is_key.push_back(sample >= settings_.images ? 1 : 0);
      practice.push_back(sample % practised_.size(0));
    }
    const at::Tensor chosen = at::tensor(practice);
    images = at::cat({batch.images, pixels_of(practised_.index_select(0, chosen))});
    wanted = at::cat({at::where(at::tensor(is_key).to(at::kBool).unsqueeze(1), label,
                                biased(batch.images, probabilities, (probabilities + label) * 0.5)),
                      practised_answers_.index_select(0, chosen)});
  }
  const at::Tensor logits = network.forward(images.contiguous(at::MemoryFormat::ChannelsLast));
  at::Tensor loss = -(wanted * logits.log_softmax(1)).sum(1).mean();
  return {std::move(loss), logits.slice(0, 0, samples)};
}

Json BiasedAnswers::description() const {
  return {{"keyed_bias", settings_.strength}, {"slope", settings_.slope}, {"frequencies", basis_.frequencies}};
}

}  // namespace telltale::models
