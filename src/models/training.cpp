#include "models/training.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "models/evaluate.h"
#include "models/optimizer.h"
#include "models/training_samples.h"
#include "models/weights.h"

namespace telltale::models {
namespace {

const char* name_of(Optimizer optimizer) { return optimizer == Optimizer::sgd ? "sgd" : "adam"; }
const char* name_of(Augmentation augmentation) {
  switch (augmentation) {
    case Augmentation::none: return "none";
    case Augmentation::crop_flip: return "crop-flip";
    case Augmentation::shift: return "shift";
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
  double rate = 1;  // of the recipe's
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

}  // namespace

Augmentation augmentation_named(const std::string& name) {
  for (const Augmentation one :
       {Augmentation::none, Augmentation::crop_flip, Augmentation::shift, Augmentation::window_flip})
    if (name == name_of(one)) return one;
  throw Error("there is no augmentation named \"" + name + "\"");
}

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
  if (warm_up != 0) json["warm_up"] = warm_up;
  if (gradient_clip != 0) json["gradient_clip"] = gradient_clip;
  return json;
}

void check(const Recipe& recipe) {
  require(std::isfinite(recipe.learning_rate) && recipe.learning_rate > 0, "a learning rate is greater than 0");
  require(recipe.momentum >= 0 && recipe.momentum < 1, "a momentum is at least 0 and less than 1");
  require(recipe.momentum == 0 || recipe.optimizer == Optimizer::sgd, "only sgd takes a momentum; adam has its own");
  require(!recipe.nesterov || recipe.momentum > 0, "Nesterov's momentum needs a momentum");
  require(std::isfinite(recipe.rate_decay) && recipe.rate_decay >= 0, "a decay of the learning rate is at least 0");
  require(recipe.warm_up >= 0, "a warm-up has no negative number of steps");
  require(std::isfinite(recipe.weight_decay) && recipe.weight_decay >= 0, "a weight decay is at least 0");
  require(std::isfinite(recipe.gradient_clip) && recipe.gradient_clip >= 0, "a clipped gradient's norm is at least 0");
  require(recipe.batch >= 1, "a batch has at least one image");
  require(recipe.epochs >= 1, "a training has at least one epoch");
  require(std::isfinite(recipe.gamma) && recipe.gamma > 0,
          "gamma, which multiplies the learning rate, is greater than 0");
  require(std::all_of(recipe.milestones.begin(), recipe.milestones.end(), [](auto epoch) { return epoch > 0; }) &&
              std::is_sorted(recipe.milestones.begin(), recipe.milestones.end()),
          "milestones are numbers of epochs in ascending order");
}

struct Trainer::State {
  std::shared_ptr<Network> network;
  Recipe recipe;
  TrainingSamples samples;
  Stream stream;
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

  [[nodiscard]] std::int64_t steps_per_epoch() const { return (samples.count() + recipe.batch - 1) / recipe.batch; }

  [[nodiscard]] double learning_rate() const {
    double rate = recipe.learning_rate;
    for (const std::int64_t milestone : recipe.milestones) {
      if (epoch >= milestone) rate *= recipe.gamma;
    }
    if (recipe.rate_decay != 0) rate /= 1 + recipe.rate_decay * static_cast<double>(epoch * steps_per_epoch() + step);
    const std::int64_t number = epoch * steps_per_epoch() + step + 1;
    if (number < recipe.warm_up) rate *= static_cast<double>(number) / static_cast<double>(recipe.warm_up);
    return rate;
  }

  // What a checkpoint must share with this trainer.
  [[nodiscard]] Json description() const {
    Json json{{"network", network->spec().to_json()},
              {"recipe", recipe.to_json()},
              {"samples", samples.count()},
              {"stream", stream.key().hex()}};
    if (objective) json["objective"] = objective->description();
    return json;
  }

  [[nodiscard]] Objective::Value value_of(const Batch& batch) {
    if (objective) return objective->of(*network, batch);
    at::Tensor logits = network->forward(batch.images);
    at::Tensor loss = at::cross_entropy_loss(logits, batch.labels);
    return {std::move(loss), std::move(logits)};
  }

  // Of the gradient of all that is trained, as one vector (Pascanu et al. 2013).
  void clip_gradient() {
    double square = 0;
    for (const Trained& item : trained)
      if (item.parameter.grad().defined()) square += squared_norm(values(item.parameter.grad()));
    const double norm = std::sqrt(square);
    if (!(norm > recipe.gradient_clip)) return;
    for (Trained& item : trained)
      if (item.parameter.grad().defined())
        scale(static_cast<float>(recipe.gradient_clip / norm), values(item.parameter.grad()));
  }

  void update() {
    const at::NoGradGuard no_grad;
    if (recipe.gradient_clip > 0) clip_gradient();
    const double full_rate = learning_rate();
    first_power *= adam_beta1;
    second_power *= adam_beta2;
    for (Trained& item : trained) {
      if (!item.parameter.grad().defined()) continue;
      const at::Tensor gradient = gradient_of(item.parameter);
      const auto rate = static_cast<float>(full_rate * item.rate);
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
  TrainingSamples samples(std::move(data), network->spec(), recipe.augmentation, stream);
  state_.reset(new State{std::move(network), std::move(recipe), std::move(samples), stream, std::move(objective)});
  const bool adam = state_->recipe.optimizer == Optimizer::adam;
  const bool moving = adam || state_->recipe.momentum != 0;
  const auto add = [&](const std::string& name, const at::Tensor& parameter, bool decays, double rate) {
    if (!parameter.requires_grad()) return;
    const at::Tensor like = parameter.detach();
    state_->trained.push_back({name, parameter, moving ? at::zeros_like(like) : at::Tensor(),
                               adam ? at::zeros_like(like) : at::Tensor(), decays, rate});
  };
  for (const auto& item : state_->network->named_parameters()) add(item.key(), item.value(), true, 1);
  if (state_->objective)
    for (const Companion& companion : state_->objective->companions())
      add(companion_prefix + companion.name, companion.parameter, companion.decays, companion.rate);
  if (state_->trained.empty()) throw Error("no parameter of the network may be trained");
}

Trainer::~Trainer() = default;
Trainer::Trainer(Trainer&&) noexcept = default;
Trainer& Trainer::operator=(Trainer&&) noexcept = default;

void Trainer::step() {
  State& state = *state_;
  if (finished()) throw Error("the training is finished: there is no step to take");
  if (!state.network->is_training()) state.network->train();
  const std::int64_t first = state.step * state.recipe.batch;
  const std::int64_t taken = std::min(state.recipe.batch, state.samples.count() - first);
  const Batch batch = state.samples.batch(state.epoch, first, taken);
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
    const auto samples = static_cast<double>(state.samples.count());
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
