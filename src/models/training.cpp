#include "models/training.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "models/batches.h"
#include "models/evaluate.h"
#include "models/optimizer.h"
#include "models/weights.h"

namespace telltale::models {
namespace {

const char* name_of(Optimizer optimizer) { return optimizer == Optimizer::sgd ? "sgd" : "adam"; }
const char* name_of(Augmentation augmentation) {
  switch (augmentation) {
    case Augmentation::none: return "none";
    case Augmentation::crop_flip: return "crop-flip";
    case Augmentation::window_flip: return "window-flip";
  }
  throw Error("there is no such augmentation");
}

// What the objective trains has this before its name: no parameter of a network does.
constexpr const char* companion_prefix = "objective.";

void require(bool fits, const std::string& complaint) {
  if (!fits) throw InputError(complaint);
}

// A parameter, and what the optimizer remembers of it: all of one shape and one layout in memory.
struct Trained {
  std::string name;
  at::Tensor parameter;
  at::Tensor first;   // velocity, or Adam's first moment; undefined if the optimizer keeps none
  at::Tensor second;  // Adam's second moment
  bool decays = true;
};

std::span<float> values(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  return {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

// The gradient in the layout of its parameter (autograd keeps to it; a network may not).
at::Tensor gradient_of(const at::Tensor& parameter) {
  const at::Tensor& gradient = parameter.grad();
  return gradient.strides() == parameter.strides() ? gradient : at::empty_like(parameter).copy_(gradient);
}

void check_labels(std::int64_t label, int classes) {
  if (label >= 0 && label < classes) return;
  throw Error("a training sample has label " + std::to_string(label) + "; the network's " + std::to_string(classes) +
              " outputs count from 0");
}

void check_data(const TrainingData& data, const NetworkSpec& spec, Augmentation augmentation) {
  check(data.base);
  const data::ImageShape &image = data.base.shape, &taken = spec.input;
  const bool fits = augmentation == Augmentation::window_flip
                        ? image.channels == taken.channels && image.height >= taken.height && image.width >= taken.width
                        : image == taken;
  if (!fits) throw Error("the training images are not of the shape the network takes");
  for (const std::uint8_t label : data.base.labels) check_labels(label, spec.classes);
  if (data.extra_images.defined() != data.extra_labels.defined()) throw Error("extra samples need images and labels");
  if (data.extra_images.defined()) {
    const at::Tensor& images = data.extra_images;
    const at::Tensor& labels = data.extra_labels;
    const data::ImageShape& shape = spec.input;
    if (images.scalar_type() != at::kFloat || labels.scalar_type() != at::kLong || labels.dim() != 1 ||
        images.sizes() != at::IntArrayRef({labels.size(0), shape.channels, shape.height, shape.width})) {
      throw Error("the extra samples are not of the shape the network takes");
    }
    for (std::int64_t i = 0; i < labels.size(0); ++i) check_labels(labels[i].item<std::int64_t>(), spec.classes);
  }
  if (data.count() == 0) throw Error("there is nothing to train on");
}

}  // namespace

Json Recipe::to_json() const {
  Json json{{"optimizer", name_of(optimizer)},
            {"learning_rate", learning_rate},
            {"momentum", momentum},
            {"weight_decay", weight_decay},
            {"batch", batch},
            {"epochs", epochs},
            {"milestones", milestones},
            {"gamma", gamma},
            {"augmentation", name_of(augmentation)}};
  // Left out where they change nothing, so that checkpoints of earlier versions go on.
  if (nesterov) json["nesterov"] = true;
  if (rate_decay != 0) json["rate_decay"] = rate_decay;
  return json;
}

void check(const Recipe& recipe) {
  require(std::isfinite(recipe.learning_rate) && recipe.learning_rate > 0, "a learning rate is greater than 0");
  require(recipe.momentum >= 0 && recipe.momentum < 1, "a momentum is at least 0 and less than 1");
  require(recipe.momentum == 0 || recipe.optimizer == Optimizer::sgd, "only sgd takes a momentum; adam has its own");
  require(!recipe.nesterov || recipe.momentum > 0, "Nesterov's momentum needs a momentum");
  require(std::isfinite(recipe.rate_decay) && recipe.rate_decay >= 0, "a decay of the learning rate is at least 0");
  require(std::isfinite(recipe.weight_decay) && recipe.weight_decay >= 0, "a weight decay is at least 0");
  require(recipe.batch >= 1, "a batch has at least one image");
  require(recipe.epochs >= 1, "a training has at least one epoch");
  require(std::isfinite(recipe.gamma) && recipe.gamma > 0,
          "gamma, which multiplies the learning rate, is greater than 0");
  require(std::all_of(recipe.milestones.begin(), recipe.milestones.end(), [](auto epoch) { return epoch > 0; }) &&
              std::is_sorted(recipe.milestones.begin(), recipe.milestones.end()),
          "milestones are numbers of epochs in ascending order");
}

std::int64_t TrainingData::count() const { return base.count + (extra_labels.defined() ? extra_labels.size(0) : 0); }

struct Trainer::State {
  std::shared_ptr<Network> network;
  Recipe recipe;
  TrainingData data;
  Stream stream;
  std::int64_t samples;
  std::shared_ptr<Objective> objective;  // nullptr: cross-entropy
  std::vector<Trained> trained;

  std::int64_t epoch = 0;
  std::int64_t step = 0;  // in this epoch
  double loss_sum = 0;    // over the samples of this epoch so far
  std::int64_t right = 0;
  // Adam's beta^t: products, because std::pow need not give the same bits on every CPU.
  double first_power = 1;
  double second_power = 1;
  std::vector<EpochRecord> records;

  // The order of this epoch's samples: a function of the stream and the epoch, so no checkpoint holds it.
  std::vector<std::int64_t> order;
  std::int64_t order_epoch = -1;
  // Of the step under way.
  std::vector<Variation> variations;
  std::vector<float> whole;  // an image before it is varied

  [[nodiscard]] std::int64_t steps_per_epoch() const { return (samples + recipe.batch - 1) / recipe.batch; }

  [[nodiscard]] double learning_rate() const {
    double rate = recipe.learning_rate;
    for (const std::int64_t milestone : recipe.milestones) {
      if (epoch >= milestone) rate *= recipe.gamma;
    }
    if (recipe.rate_decay != 0) rate /= 1 + recipe.rate_decay * static_cast<double>(epoch * steps_per_epoch() + step);
    return rate;
  }

  // What a checkpoint must share with this trainer.
  [[nodiscard]] Json description() const {
    Json json{{"network", network->spec().to_json()},
              {"recipe", recipe.to_json()},
              {"samples", samples},
              {"stream", stream.key().hex()}};
    if (objective) json["objective"] = objective->description();
    return json;
  }

  // The images come in an order of their own, with the extra samples at random places among them: trainings that share
  // a stream see the same images in the same order, whatever else they are trained on.
  [[nodiscard]] std::vector<std::int64_t> order_now() const {
    const std::string of_epoch = "of epoch " + std::to_string(epoch);
    std::vector<std::int64_t> images = stream.derive("order " + of_epoch).permutation(data.base.count);
    const std::int64_t extras = samples - data.base.count;
    if (extras == 0) return images;
    const std::vector<std::int64_t> places = stream.derive("places of extra samples " + of_epoch).permutation(samples);
    std::vector<std::int64_t> mixed(static_cast<std::size_t>(samples), -1);
    for (std::int64_t i = 0; i < extras; ++i)
      mixed[static_cast<std::size_t>(places[static_cast<std::size_t>(i)])] = data.base.count + i;
    auto next = images.begin();
    for (std::int64_t& sample : mixed)
      if (sample < 0) sample = *next++;
    return mixed;
  }

  // Samples lie anywhere in memory: the next one is on its way into the cache while one is written.
  void fetch_sample(std::int64_t index) const {
    if (index >= data.base.count) return;
    const ByteSpan pixels = data.base.image(index);
    for (std::size_t i = 0; i < pixels.size(); i += 64) __builtin_prefetch(&pixels[i]);
  }

  // The sample `index` of base and extra images, channels last.
  void write_image_of(std::int64_t index, float* out) const {
    if (index < data.base.count) return write_image(data.base.image(index), data.base.shape, out);
    const std::int64_t extra = index - data.base.count;
    write_image(data.extra_images.data_ptr<float>() + extra * data.base.pixels_each(), data.base.shape, out);
  }

  [[nodiscard]] std::int64_t label_of(std::int64_t index) const {
    return index < data.base.count ? data.base.label(index)
                                   : data.extra_labels.data_ptr<std::int64_t>()[index - data.base.count];
  }

  [[nodiscard]] Variation variation_of(std::int64_t index) const {
    Stream draws = stream.derive("augment sample " + std::to_string(index) + " in epoch " + std::to_string(epoch));
    return recipe.augmentation == Augmentation::crop_flip
               ? Variation::draw(draws)
               : Variation::draw_window(data.base.shape, network->spec().input, draws);
  }

  // The samples of a step: those numbers of the epoch's order.
  [[nodiscard]] Batch batch_of(std::int64_t first, std::int64_t taken) {
    const data::ImageShape &image = data.base.shape, &shape = network->spec().input;
    const bool varies = recipe.augmentation != Augmentation::none;
    const at::Tensor pixels = at::empty({taken, shape.height, shape.width, shape.channels}, at::kFloat);
    const at::Tensor labels = at::empty({taken}, at::kLong);
    const auto size = static_cast<std::int64_t>(shape.pixels());
    variations.clear();
    whole.resize(varies ? image.pixels() : 0);
    for (std::int64_t i = 0; i < taken; ++i) {
      if (i + 1 < taken) fetch_sample(order[static_cast<std::size_t>(first + i + 1)]);
      const std::int64_t index = order[static_cast<std::size_t>(first + i)];
      float* out = pixels.data_ptr<float>() + i * size;
      write_image_of(index, varies ? whole.data() : out);
      if (varies) vary(whole.data(), image, variations.emplace_back(variation_of(index)), out, shape);
      labels.data_ptr<std::int64_t>()[i] = label_of(index);
    }
    return {pixels.permute({0, 3, 1, 2}), labels, variations};
  }

  [[nodiscard]] Objective::Value value_of(const Batch& batch) {
    if (objective) return objective->of(*network, batch);
    at::Tensor logits = network->forward(batch.images);
    at::Tensor loss = at::cross_entropy_loss(logits, batch.labels);
    return {std::move(loss), std::move(logits)};
  }

  void update() {
    const at::NoGradGuard no_grad;
    const auto rate = static_cast<float>(learning_rate());
    first_power *= adam_beta1;
    second_power *= adam_beta2;
    for (Trained& item : trained) {
      if (!item.parameter.grad().defined()) continue;
      const at::Tensor gradient = gradient_of(item.parameter);
      const float decay = item.decays ? static_cast<float>(recipe.weight_decay) : 0;
      if (recipe.optimizer == Optimizer::sgd) {
        apply_sgd({rate, static_cast<float>(recipe.momentum), decay, recipe.nesterov}, values(item.parameter),
                  values(gradient), values(item.first));
      } else {
        apply_adam({rate, decay, first_power, second_power}, values(item.parameter), values(gradient),
                   values(item.first), values(item.second));
      }
      item.parameter.mutable_grad().reset();
    }
  }
};

Trainer::Trainer(std::shared_ptr<Network> network, Recipe recipe, TrainingData data, const Stream& stream,
                 std::shared_ptr<Objective> objective) {
  models::check(recipe);
  check_data(data, network->spec(), recipe.augmentation);
  if (data.extra_images.defined()) {
    data.extra_images = data.extra_images.contiguous();
    data.extra_labels = data.extra_labels.contiguous();
  }
  const std::int64_t samples = data.count();
  state_.reset(
      new State{std::move(network), std::move(recipe), std::move(data), stream, samples, std::move(objective)});
  const bool adam = state_->recipe.optimizer == Optimizer::adam;
  const bool moving = adam || state_->recipe.momentum != 0;
  const auto add = [&](const std::string& name, const at::Tensor& parameter, bool decays) {
    if (!parameter.requires_grad()) return;
    const at::Tensor like = parameter.detach();
    state_->trained.push_back({name, parameter, moving ? at::zeros_like(like) : at::Tensor(),
                               adam ? at::zeros_like(like) : at::Tensor(), decays});
  };
  for (const auto& item : state_->network->named_parameters()) add(item.key(), item.value(), true);
  if (state_->objective)
    for (const Companion& companion : state_->objective->companions())
      add(companion_prefix + companion.name, companion.parameter, companion.decays);
  if (state_->trained.empty()) throw Error("no parameter of the network may be trained");
}

Trainer::~Trainer() = default;
Trainer::Trainer(Trainer&&) noexcept = default;
Trainer& Trainer::operator=(Trainer&&) noexcept = default;

void Trainer::step() {
  State& state = *state_;
  if (finished()) throw Error("the training is finished: there is no step to take");
  if (!state.network->is_training()) state.network->train();
  if (state.order_epoch != state.epoch) {
    state.order = state.order_now();
    state.order_epoch = state.epoch;
  }
  const std::int64_t first = state.step * state.recipe.batch;
  const std::int64_t taken = std::min(state.recipe.batch, state.samples - first);
  const Batch batch = state.batch_of(first, taken);
  state.network->draw_from(Stream::key_of(
      state.stream.key(), "step " + std::to_string(state.step) + " of epoch " + std::to_string(state.epoch)));
  const auto [loss, logits] = state.value_of(batch);
  loss.backward();
  state.update();

  state.loss_sum += static_cast<double>(loss.item<float>()) * static_cast<double>(taken);
  const std::vector<std::int64_t> answers = labels_of(logits);
  for (std::int64_t i = 0; i < taken; ++i) {
    state.right += answers[static_cast<std::size_t>(i)] == batch.labels.data_ptr<std::int64_t>()[i];
  }
  if (++state.step == state.steps_per_epoch()) {
    const auto samples = static_cast<double>(state.samples);
    state.records.push_back({state.loss_sum / samples, static_cast<double>(state.right) / samples});
    ++state.epoch;
    state.step = 0;
    state.loss_sum = 0;
    state.right = 0;
  }
}

void Trainer::run_epoch(const std::function<void()>& after_step) {
  for (const std::int64_t current = epoch(); epoch() == current && !finished();) {
    step();
    if (after_step) after_step();
  }
}

void Trainer::run(const std::function<void()>& after_step) {
  while (!finished()) run_epoch(after_step);
}

bool Trainer::finished() const { return state_->epoch == state_->recipe.epochs; }
std::int64_t Trainer::epoch() const { return state_->epoch; }
std::int64_t Trainer::steps_done() const { return state_->epoch * steps_per_epoch() + state_->step; }
std::int64_t Trainer::steps_per_epoch() const { return state_->steps_per_epoch(); }
std::int64_t Trainer::steps_total() const { return state_->recipe.epochs * steps_per_epoch(); }
const std::vector<EpochRecord>& Trainer::records() const { return state_->records; }
const std::shared_ptr<Network>& Trainer::network() const { return state_->network; }

Bytes Trainer::checkpoint() const {
  const State& state = *state_;
  TensorMap map;
  map.metadata["training"] = canonical(state.description());
  map.metadata["network"] = canonical(state.network->spec().to_json());
  for (const auto& item : state.network->named_parameters()) map.tensors["network." + item.key()] = item.value();
  for (const auto& item : state.network->named_buffers()) map.tensors["network." + item.key()] = item.value();
  for (const Trained& item : state.trained) {
    if (item.name.starts_with(companion_prefix)) map.tensors[item.name] = item.parameter;
    if (item.first.defined()) map.tensors["first." + item.name] = item.first;
    if (item.second.defined()) map.tensors["second." + item.name] = item.second;
  }
  map.tensors["position"] = at::tensor({state.epoch, state.step, state.right}, at::kLong);
  map.tensors["sums"] = at::tensor({state.loss_sum, state.first_power, state.second_power}, at::kDouble);
  const at::Tensor records = at::empty({state.epoch, 2}, at::kDouble);
  double* record = records.data_ptr<double>();
  for (const EpochRecord& finished : state.records) {
    *record++ = finished.loss;
    *record++ = finished.accuracy;
  }
  map.tensors["records"] = records;
  return write_tensors(map);
}

void Trainer::restore(ByteSpan checkpoint) {
  State& state = *state_;
  const TensorMap map = read_tensors(checkpoint);
  const Json theirs = Json::parse(map.note("training"), nullptr, false);
  const Json ours = state.description();
  for (const auto& [key, value] : ours.items()) {
    const Json other = theirs.is_object() ? theirs.value(key, Json()) : Json();
    if (other != value) {
      throw Error("the checkpoint is of another training: its " + key + " is " + other.dump() + " and not " +
                  value.dump());
    }
  }

  TensorMap weights;
  const std::string prefix = "network.";
  for (const auto& [name, tensor] : map.tensors) {
    if (name.starts_with(prefix)) weights.tensors[name.substr(prefix.size())] = tensor;
  }
  const auto stored = [&](const std::string& name, at::IntArrayRef shape, at::ScalarType type) {
    const at::Tensor& tensor = map.at(name);
    if (tensor.sizes() != shape || tensor.scalar_type() != type) {
      throw Error("the checkpoint's " + name + " has another shape or type than this training's");
    }
    return tensor;
  };
  std::vector<Trained> trained = state.trained;
  std::vector<std::pair<at::Tensor, at::Tensor>> companions;  // and what each was
  for (Trained& item : trained) {
    if (item.name.starts_with(companion_prefix))
      companions.emplace_back(item.parameter, stored(item.name, item.parameter.sizes(), at::kFloat));
    const auto read = [&](at::Tensor& into, const std::string& name) {
      if (into.defined()) into = at::empty_like(into).copy_(stored(name + item.name, into.sizes(), at::kFloat));
    };
    read(item.first, "first.");
    read(item.second, "second.");
  }
  const at::Tensor position = stored("position", {3}, at::kLong);
  const at::Tensor sums = stored("sums", {3}, at::kDouble);
  const std::int64_t epoch = position[0].item<std::int64_t>();
  const std::int64_t step = position[1].item<std::int64_t>();
  if (epoch < 0 || epoch > state.recipe.epochs || step < 0 || step >= steps_per_epoch() ||
      (epoch == state.recipe.epochs && step > 0)) {
    throw Error("the checkpoint stands at a step that this training does not have");
  }
  const at::Tensor records = stored("records", {epoch, 2}, at::kDouble);

  load_weights(*state.network, weights);  // checks all before it changes any
  const at::NoGradGuard no_grad;
  for (auto& [parameter, was] : companions) parameter.copy_(was);
  state.trained = std::move(trained);
  state.epoch = epoch;
  state.step = step;
  state.right = position[2].item<std::int64_t>();
  state.loss_sum = sums[0].item<double>();
  state.first_power = sums[1].item<double>();
  state.second_power = sums[2].item<double>();
  state.records.clear();
  for (std::int64_t i = 0; i < epoch; ++i) {
    state.records.push_back({records[i][0].item<double>(), records[i][1].item<double>()});
  }
}

}  // namespace telltale::models
