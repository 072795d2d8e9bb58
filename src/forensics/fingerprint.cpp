#include "forensics/fingerprint.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>

#include "core/clock.h"
#include "forensics/evaluator.h"
#include "forensics/operations.h"
#include "models/batches.h"
#include "models/evaluate.h"
#include "models/network.h"
#include "models/runtime.h"
#include "models/training.h"

namespace telltale::forensics {
namespace {

constexpr int single_images = 4;  // asked one by one

// The values in row-major order, whatever their layout.
void put(Hasher& hasher, const at::Tensor& tensor) {
  const at::Tensor values = tensor.detach().contiguous();
  hasher.update(ByteSpan(static_cast<const std::uint8_t*>(values.data_ptr()), values.nbytes()));
}

std::string hash_of(const at::Tensor& tensor) {
  Hasher hasher;
  put(hasher, tensor);
  return hasher.finish().hex();
}

std::string hash_of(const std::map<std::string, at::Tensor>& tensors) {
  Hasher hasher;
  for (const auto& [name, tensor] : tensors) {
    hasher.update(name);
    put(hasher, tensor);
  }
  return hasher.finish().hex();
}

// Lets a Trainer train the network inside, and keeps what passes by: so that a fingerprint takes the way of a real
// training step, and one step gives all of it.
class Tapped : public models::Network {
 public:
  explicit Tapped(std::shared_ptr<models::Network> inner) : Network(inner->spec()), inner_(std::move(inner)) {
    register_module("inner", inner_);
    for (const auto& item : inner_->named_parameters()) {
      item.value().register_hook([this, name = item.key()](const at::Tensor& gradient) { gradients[name] = gradient; });
    }
  }

  void draw_from(const Identity& stream) override { inner_->draw_from(stream); }

  at::Tensor forward(const at::Tensor& images) override {
    const at::Tensor asked = images.detach().requires_grad_();
    asked.register_hook([this](const at::Tensor& gradient) { images_gradient = gradient; });
    logits = inner_->forward(asked);
    return logits;
  }

  at::Tensor logits, images_gradient;
  std::map<std::string, at::Tensor> gradients;

 private:
  std::shared_ptr<models::Network> inner_;
};

std::map<std::string, at::Tensor> parameters_of(const models::Network& network) {
  std::map<std::string, at::Tensor> parameters;
  for (const auto& item : network.named_parameters()) parameters[item.key()] = item.value();
  return parameters;
}

// Random bytes as images with labels; the first images are the same for every count.
struct Images {
  Images(const models::NetworkSpec& spec, std::int64_t count, const Stream& stream)
      : pixels(static_cast<std::size_t>(count) * spec.input.pixels()), labels(static_cast<std::size_t>(count)) {
    Stream pixel_draws = stream.derive("pixels"), label_draws = stream.derive("labels");
    for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(pixel_draws.bits() >> 56);
    const auto classes = static_cast<std::uint64_t>(std::min(spec.classes, 256));
    for (std::uint8_t& label : labels) label = static_cast<std::uint8_t>(label_draws.below(classes));
  }

  [[nodiscard]] models::ImageView first(std::int64_t count, const models::NetworkSpec& spec) const {
    const ByteSpan all_pixels = pixels, all_labels = labels;
    const auto size = static_cast<std::size_t>(count);
    return {all_pixels.first(size * spec.input.pixels()), all_labels.first(size), spec.input, count};
  }

  Bytes pixels, labels;
};

// Some predictions, and how long one image took.
void try_predictions(const Subject& subject, models::Network& network, const Images& images, Trial& trial) {
  const bool one = subject.eval_batch == 1;
  const int count = one ? single_images : subject.eval_batch;
  models::set_threads(subject.threads);
  const auto converted = models::converted(network, subject.precision);
  converted->observe([&](const std::string& layer, const at::Tensor&) {
    if (std::find(trial.layers.begin(), trial.layers.end(), layer) == trial.layers.end()) trial.layers.push_back(layer);
  });
  const auto start = std::chrono::steady_clock::now();
  const at::Tensor logits = models::predict_logits(*converted, images.first(count, network.spec()), subject.eval_batch);
  trial.eval_image_s = seconds_since(start) / count;
  trial.hashes[one ? forward_one : forward_evaluation] = hash_of(logits);
  models::set_threads_to_one();
}

// The answers to one question of each kind about a few images.
void try_questions(const Subject& subject, const models::Network& network, const Images& images, Trial& trial) {
  const Evaluator evaluator(models::converted(network, models::Precision::float32), subject.eval_batch);
  const models::ImageView view = images.first(single_images, network.spec());
  Hasher forward, slopes;
  const auto put_values = [](Hasher& hasher, const std::vector<float>& values) {
    hasher.update(ByteSpan(reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(float)));
  };
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < view.count; ++i) {
    Question question;
    for (const std::uint8_t byte : view.image(i)) question.point.push_back(models::pixel_value(byte));
    const Answer predicted = evaluator.answer(question);
    put_values(forward, predicted.logits);
    put_values(forward, predicted.confidences);
    question.label = predicted.label();
    question.rivals = {(question.label + 1) % network.spec().classes};
    for (const Slope slope : {Slope::loss, Slope::score, Slope::margin}) {
      question.slope = slope;
      put_values(slopes, evaluator.answer(question).slopes.front());
    }
  }
  trial.eval_image_s = seconds_since(start) / (7.0 * static_cast<double>(view.count));
  trial.hashes[subject.eval_batch == 1 ? forward_one : forward_evaluation] = forward.finish().hex();
  trial.hashes[input_gradient] = slopes.finish().hex();
}

}  // namespace

Trial run_trial(const Subject& subject) {
  if (subject.batch < 1 || subject.eval_batch < 1) throw Error("a fingerprint needs batches of at least one image");
  models::set_threads_to_one();
  const models::NetworkSpec& spec = subject.network;
  const Stream stream(0, spec.to_json(), "fingerprint");
  const std::shared_ptr<models::Network> network = models::make_network(spec);
  models::initialise(*network, stream.derive("weights"));
  const Images images(spec, std::max({subject.batch, subject.eval_batch, single_images}), stream);

  Trial trial;
  if (subject.use == Use::prediction) {
    try_predictions(subject, *network, images, trial);
    return trial;
  }
  if (subject.use == Use::search) {
    try_questions(subject, *network, images, trial);
    return trial;
  }
  trial.hashes[forward_one] = hash_of(models::predict_logits(*network, images.first(single_images, spec), 1));
  auto start = std::chrono::steady_clock::now();
  const at::Tensor answers =
      models::predict_logits(*network, images.first(subject.eval_batch, spec), subject.eval_batch);
  trial.eval_image_s = seconds_since(start) / subject.eval_batch;
  trial.hashes[forward_evaluation] = hash_of(answers);

  const auto tapped = std::make_shared<Tapped>(network);
  models::Recipe recipe;
  recipe.momentum = 0.9;
  recipe.batch = subject.batch;
  recipe.epochs = 1;
  models::Trainer trainer(tapped, recipe, {images.first(subject.batch, spec), {}, {}}, stream.derive("training"));
  start = std::chrono::steady_clock::now();
  trainer.step();
  trial.train_step_s = seconds_since(start);
  trial.hashes[forward_training] = hash_of(tapped->logits);
  trial.hashes[input_gradient] = hash_of(tapped->images_gradient);
  trial.hashes[weight_gradients] = hash_of(tapped->gradients);
  trial.hashes[optimizer_step] = hash_of(parameters_of(*network));
  return trial;
}

Identity fingerprint(const Subject& subject) { return run_trial(subject).identity(); }

Fingerprints take_fingerprints(const std::vector<Subject>& subjects, int trials) {
  Fingerprints fingerprints;
  for (const Subject& subject : subjects) {
    if (fingerprints.by_subject.count(subject.key()) != 0) continue;
    std::vector<Trial> runs;
    for (int i = 0; i < trials; ++i) runs.push_back(run_trial(subject));
    fingerprints.add(subject.key(), runs);
  }
  return fingerprints;
}

}  // namespace telltale::forensics
