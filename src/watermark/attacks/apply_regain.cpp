// A thief with a few labels of his own. Sources of the ways that need one: self-training, Lee 2013 (pseudo-labels); a
// front that makes answers sure and diverse, Bridle, Heading and MacKay 1991 (mutual information).
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "core/error.h"
#include "models/evaluate.h"
#include "models/networks/layers.h"
#include "models/training.h"
#include "models/transform.h"
#include "models/transforms/blocks.h"
#include "models/weights.h"
#include "watermark/attacks/regain.h"
#include "watermark/attacks/spectrum.h"
#include "watermark/descent.h"
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {
namespace {

using NetworkPointer = std::shared_ptr<models::Network>;

constexpr double sure = 0.9;           // the probability from which on a thief trusts an answer
constexpr std::int64_t infomax = 250;  // images of a step without labels: diversity is one of many images

// Images that a thief has, copied out of the test set, with the labels that he knows or believes.
struct Own {
  Bytes pixels, labels;
  data::ImageShape shape;

  void add(const models::ImageView& images, std::int64_t at, std::uint8_t label) {
    const ByteSpan image = images.image(at);
    pixels.insert(pixels.end(), image.begin(), image.end());
    labels.push_back(label);
  }
  [[nodiscard]] models::ImageView view() const {
    return {pixels, labels, shape, static_cast<std::int64_t>(labels.size())};
  }
};

// So many of every class with their labels, and the rest without, which here means with no label that is looked at.
std::pair<Own, Own> shared_out(const AttackInputs& inputs, std::int64_t each) {
  const models::ImageView half = first_half(inputs.images);
  Own labelled{{}, {}, half.shape}, rest{{}, {}, half.shape};
  std::vector<std::int64_t> left(256, each);
  Stream draws = inputs.stream.derive("labelled images");
  for (const std::int64_t at : draws.permutation(half.count)) {
    const auto label = half.labels[static_cast<std::size_t>(at)];
    if (left[label] > 0)
      --left[label], labelled.add(half, at, label);
    else
      rest.add(half, at, 0);
  }
  return {std::move(labelled), std::move(rest)};
}

struct Regaining {
  const AttackInputs& inputs;
  std::int64_t steps, batch;
  double rate;

  void train(const NetworkPointer& network, const models::ImageView& images, const std::string& purpose) const {
    models::Recipe recipe;
    recipe.learning_rate = rate;
    recipe.momentum = 0.9;
    recipe.batch = std::min(batch, images.count);
    const std::int64_t a_pass = (images.count + recipe.batch - 1) / recipe.batch;
    recipe.epochs = (steps + a_pass - 1) / a_pass;
    models::Trainer trainer(network, recipe, {images, {}, {}}, inputs.stream.derive(purpose));
    for (std::int64_t done = 0; done < steps; ++done) {
      trainer.step();
      inputs.check();
    }
  }

  // Trains on with what the network itself is sure of.
  void train_itself(const NetworkPointer& network, const Own& labelled, const Own& rest) const {
    for (std::int64_t round = 0; round < regain_rounds; ++round) {
      const at::Tensor shares = models::predict_logits(*network, rest.view(), 250).softmax(1);
      const auto [best, label] = shares.max(1);
      Own believed = labelled;
      for (std::int64_t i = 0; i < best.size(0); ++i)
        if (best[i].item<double>() >= sure)
          believed.add(rest.view(), i, static_cast<std::uint8_t>(label[i].item<std::int64_t>()));
      inputs.check();
      train(network, believed.view(), "round " + std::to_string(round));
    }
  }

  // Softmax regression on log-probabilities: all of its images at every step.
  [[nodiscard]] std::unique_ptr<Service> read_out(const Own& labelled) const {
    const NetworkPointer& network = inputs.model;
    const std::int64_t classes = network->spec().classes;
    const at::Tensor features = models::predict_logits(*network, labelled.view(), 250).log_softmax(1);
    const at::Tensor labels = at::empty({features.size(0)}, at::kLong);
    for (std::int64_t i = 0; i < labels.size(0); ++i) labels.data_ptr<std::int64_t>()[i] = labelled.view().label(i);
    const at::Tensor weights = at::zeros({classes, classes}).requires_grad_(true),
                     bias = at::zeros({classes}).requires_grad_(true);
    Descent descent({weights, bias}, rate);
    for (std::int64_t done = 0; done < steps; ++done) {
      descent.step(at::cross_entropy_loss(features.mm(weights.t()) + bias, labels));
      inputs.check();
    }
    const at::Tensor map = weights.detach(), shift = bias.detach();
    return serve_read(network,
                      [map, shift](const at::Tensor& logits) { return logits.log_softmax(1).mm(map.t()) + shift; });
  }

  // One perturbation of all images, through the network as it stands.
  [[nodiscard]] std::unique_ptr<Service> perturb(const Own& labelled, const Own& rest) const {
    const data::ImageShape& shape = inputs.images.shape;
    const at::Tensor perturbation = at::zeros({1, shape.channels, shape.height, shape.width}).requires_grad_(true);
    return fit_front(labelled, rest, perturbation,
                     [perturbation](const at::Tensor& asked) { return asked + perturbation; });
  }

  // A matrix for every block of an image: what undoes a key, if it is found.
  [[nodiscard]] std::unique_ptr<Service> turn_blocks(const Own& labelled, const Own& rest, std::int64_t side) const {
    const data::ImageShape shape = inputs.images.shape;
    const std::int64_t count = models::block_count(shape, side), size = models::block_size(shape, side);
    const at::Tensor matrices = at::eye(size).repeat({count, 1, 1}).requires_grad_(true);
    return fit_front(labelled, rest, matrices, [=](const at::Tensor& asked) {
      return models::from_blocks(models::blocks_of(asked, shape, side).bmm(matrices), shape, side);
    });
  }

  // A matrix for the image as a whole, begun with what the first layer says of it.
  [[nodiscard]] std::unique_ptr<Service> turn_whole(const Own& labelled, const Own& rest) const {
    const data::ImageShape shape = inputs.images.shape;
    const at::Tensor pixels = models::flat(models::planes_of(first_half(inputs.images)));
    const at::Tensor matrix = spectrum_start(*inputs.model, pixels).requires_grad_(true);
    return fit_front(labelled, rest, matrix, [=](const at::Tensor& asked) {
      return models::flat(asked)
          .mm(matrix)
          .reshape({-1, shape.height, shape.width, shape.channels})
          .permute({0, 3, 1, 2});
    });
  }

  // Fits what stands in front of the network, which stays as it is. With labels: towards them. Without: so that the
  // answer to each image is sure and those to all are diverse.
  [[nodiscard]] std::unique_ptr<Service> fit_front(const Own& labelled, const Own& rest, at::Tensor fitted,
                                                   std::function<at::Tensor(const at::Tensor&)> front) const {
    const NetworkPointer network = models::copied(*inputs.model);
    network->eval();
    for (at::Tensor& parameter : network->parameters()) parameter.requires_grad_(false);
    const bool knows = !labelled.labels.empty();
    const models::ImageView images = (knows ? labelled : rest).view();
    Descent descent({fitted}, rate);
    const std::int64_t taken = std::min(knows ? batch : infomax, images.count);
    std::vector<std::int64_t> order;
    std::size_t next = 0;
    Stream draws = inputs.stream.derive("order of perturbed images");
    for (std::int64_t done = 0; done < steps; ++done) {
      std::vector<at::Tensor> some;
      std::vector<std::int64_t> labels;
      while (static_cast<std::int64_t>(some.size()) < taken) {
        if (next == order.size()) order = draws.permutation(images.count), next = 0;
        some.push_back(models::planes_of(images.part(order[next], 1)));
        labels.push_back(images.label(order[next++]));
      }
      const at::Tensor logarithms = network->forward(front(at::cat(some))).log_softmax(1);
      if (knows) {
        descent.step(at::nll_loss(logarithms, at::tensor(labels)));
      } else {
        const at::Tensor shares = logarithms.exp(), mean = shares.mean(0);
        descent.step((mean * mean.clamp_min(1e-12).log()).sum() - (shares * logarithms).sum(1).mean());
      }
      inputs.check();
    }
    fitted.requires_grad_(false);
    return serve_behind(inputs.model, std::move(front));
  }
};

}  // namespace

std::unique_ptr<Service> apply_regain(const AttackInputs& inputs) {
  const Json& settings = inputs.settings;
  const auto by = settings.at("by").get<std::string>();
  const auto [labelled, rest] = shared_out(inputs, settings.at("labels"));
  const Regaining regaining{inputs, settings.at("steps"), settings.at("batch"), settings.at("rate")};
  if (by == "universal") return regaining.perturb(labelled, rest);
  if (by == "spectrum") return regaining.turn_whole(labelled, rest);
  if (by == "blocks") return regaining.turn_blocks(labelled, rest, settings.at("block"));
  if (labelled.labels.empty()) throw Error("without labels a thief has nothing to train towards");
  if (by == "readout") return regaining.read_out(labelled);
  NetworkPointer network;
  if (by == "tune" || by == "self-tune") {
    network = models::copied(*inputs.model);
  } else {
    const auto spec = settings.find("network");  // the structure of a network of his own, where it is another
    network =
        models::make_network(spec == settings.end() ? inputs.model->spec() : models::NetworkSpec::from_json(*spec));
    models::initialise(*network, inputs.stream.derive("drawn weights"));
  }
  regaining.train(network, labelled.view(), "own labels");
  if (by.starts_with("self")) regaining.train_itself(network, labelled, rest);
  return serve(std::move(network));
}

}  // namespace telltale::watermark
