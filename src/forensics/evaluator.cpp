#include "forensics/evaluator.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "models/batches.h"
#include "models/network.h"

namespace telltale::forensics {
namespace {

// The first of the batch's copies, whose values are those of a batch's first image, C x H x W.
Point planes_of(const at::Tensor& maps) {
  const at::Tensor planes = maps[0].detach().contiguous();
  return {planes.data_ptr<float>(), planes.data_ptr<float>() + planes.numel()};
}

std::vector<float> row_of(const at::Tensor& rows) {
  const at::Tensor row = rows[0].detach().contiguous();
  return {row.data_ptr<float>(), row.data_ptr<float>() + row.numel()};
}

}  // namespace

Evaluator::Evaluator(std::shared_ptr<models::Network> network, int batch)
    : network_(std::move(network)), batch_(batch) {
  if (batch < 1) throw Error("a machine answers in batches of at least one image");
  network_->eval();
  // Slopes with respect to the weights would cost as much again, and nobody asks for them.
  for (at::Tensor& parameter : network_->parameters()) parameter.requires_grad_(false);
}

const models::NetworkSpec& Evaluator::spec() const { return network_->spec(); }

Answer Evaluator::answer(const Question& question) const {
  const data::ImageShape& shape = spec().input;
  if (question.point.size() != shape.pixels())
    throw Error("a point of " + std::to_string(question.point.size()) + " values was asked of a network that takes " +
                std::to_string(shape.pixels()));
  const auto check_class = [&](int label) {
    if (label < 0 || label >= spec().classes)
      throw Error("a slope of class " + std::to_string(label) + " was asked for");
  };
  if (question.slope != Slope::none) check_class(question.label);
  if (question.slope == Slope::margin)
    for (const int rival : question.rivals) check_class(rival);

  const at::Tensor pixels = at::empty({batch_, shape.height, shape.width, shape.channels}, at::kFloat);
  for (int i = 0; i < batch_; ++i)
    models::write_image(question.point.data(), shape,
                        pixels.data_ptr<float>() + static_cast<std::size_t>(i) * shape.pixels());
  at::Tensor images = pixels.permute({0, 3, 1, 2});
  const bool slopes = question.slopes() > 0;
  const at::AutoGradMode grad_mode(slopes);
  images.requires_grad_(slopes);
  const at::Tensor logits = network_->forward(images);
  const at::Tensor confidences = at::softmax(logits, 1);

  Answer answer{row_of(logits), row_of(confidences), {}};
  const int wanted = question.slopes();
  for (int i = 0; i < wanted; ++i) {
    at::Tensor height;
    switch (question.slope) {
      case Slope::none: break;
      case Slope::loss:
        height = at::cross_entropy_loss(logits.narrow(0, 0, 1), at::full({1}, question.label, at::kLong));
        break;
      case Slope::score: height = confidences[0][question.label]; break;
      case Slope::margin:
        height = logits[0][question.label] - logits[0][question.rivals[static_cast<std::size_t>(i)]];
        break;
    }
    const auto gradient = torch::autograd::grad({height}, {images}, {}, /*retain_graph=*/i + 1 < wanted);
    answer.slopes.push_back(planes_of(gradient.front()));
  }
  return answer;
}

}  // namespace telltale::forensics
