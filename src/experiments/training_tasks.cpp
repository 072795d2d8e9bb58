#include <torch/types.h>

#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "experiments/runners.h"
#include "experiments/tensors.h"
#include "experiments/training.h"
#include "models/evaluate.h"
#include "models/network.h"
#include "models/training.h"
#include "models/transform.h"
#include "models/weights.h"
#include "watermark/near_decisions.h"
#include "watermark/scheme.h"

namespace telltale::experiments {
namespace {

constexpr std::int64_t epoch_keys = 1000;  // enough for a curve, cheap enough for every epoch

models::Recipe recipe_from(const TrainingRecipe& described) {
  models::Recipe recipe;
  recipe.optimizer = described.optimizer == "adam" ? models::Optimizer::adam : models::Optimizer::sgd;
  recipe.learning_rate = described.learning_rate;
  recipe.momentum = described.momentum;
  recipe.nesterov = described.nesterov.value_or(false);
  recipe.rate_decay = described.rate_decay.value_or(0);
  recipe.warm_up = described.warm_up.value_or(0);
  recipe.weight_decay = described.weight_decay;
  recipe.gradient_clip = described.gradient_clip.value_or(0);
  recipe.batch = described.batch;
  recipe.epochs = described.epochs;
  recipe.milestones.assign(described.milestones.begin(), described.milestones.end());
  recipe.gamma = described.gamma;
  recipe.augmentation = models::augmentation_named(described.augment);
  return recipe;
}

// A network in training, with the curves that the trainer does not keep: they travel in the checkpoint beside its own
// state.
class Training {
 public:
  // `start`: the network to go on from; nullptr: drawn weights. `answers`: what it gives to the training images, where
  // the scheme asks for that. `teacher`: of a protected or biased network; nullptr: it learns labels.
  Training(const Train& task, const data::Dataset& data, const data::OtherData& others, const models::Network* start,
           ByteSpan answers, std::shared_ptr<models::Network> teacher)
      : task_(task), data_(data), windows_(models::ImageView::of(data.shape(), data.test()), task.of.network.input) {
    const TrainingStreams streams(task.of);
    network_ = models::make_network(task.of.network);
    models::initialise(*network_, Stream(streams.initial_weights));
    if (start != nullptr) models::take_over(*network_, *start);
    if (task.layers) models::train_output_layer_alone(*network_);
    const auto train = models::ImageView::of(data.shape(), task.images == "test" ? data.test() : data.train());
    models::TrainingData samples{train, {}, {}};
    const watermark::Scheme& scheme = watermark::scheme_of(task.of.scheme);
    if (scheme.marks()) {
      const watermark::KeyInputs inputs{task.of.scheme, train, test(), data.classes(), &others, answers};
      embed(scheme.embedded(inputs), scheme.joins(task.of.scheme), samples);
      const bool fresh = scheme.has(watermark::Query::fresh);
      watermark::KeySamples watched =
          scheme.queries(inputs, fresh ? watermark::Query::fresh : watermark::Query::trained, epoch_keys);
      watched_ = images_of(watched);
      watched_labels_ = std::move(watched.labels);
    }
    std::shared_ptr<models::Objective> objective;
    if (task.protection) {
      transform_ = models::make_transform(task.protection->transform);
      transform_->draw(Stream(streams.secret));
      objective = std::make_shared<models::ProtectionLoss>(transform_, task.protection->loss, data.classes(),
                                                           Stream(streams.secret), std::move(teacher));
    } else if (const auto bias = scheme.bias(task.of.scheme)) {
      const auto queries = watermark::BiasQueries::decoded(answers);
      const auto features = static_cast<std::int64_t>(queries.each());
      const at::Tensor weights = at::tensor(bias->weights(queries.classes, queries.each()));
      objective = std::make_shared<models::BiasedAnswers>(
          std::move(teacher), watermark::basis_of(queries, *bias), weights.view({queries.classes, features}),
          models::BiasedAnswers::Settings{bias->strength, bias->slope, train.count}, watermark::pixels_of(queries));
    }
    const Stream order(streams.order);
    trainer_.emplace(network_, recipe_from(task.of.recipe), std::move(samples),
                     start == nullptr ? order : order.derive("embedding"), std::move(objective));
  }

  void run(cluster::TaskContext& context) {
    if (const auto saved = context.checkpoint()) restore(*saved);
    while (!trainer_->finished() && !embedded_well()) {
      measure_epoch();
      trainer_->run_epoch([&] {
        if (context.checkpoint_due()) context.save_checkpoint(checkpoint());
        context.check();
      });
      refuse_divergence();
    }
    measure_epoch();
  }

  [[nodiscard]] cluster::TaskResult result() const {
    cluster::TaskResult result;
    std::vector<double> loss, accuracy;
    for (const models::EpochRecord& record : trainer_->records()) {
      loss.push_back(record.loss);
      accuracy.push_back(record.accuracy);
    }
    const auto curve = [](const std::vector<double>& values) {
      return Array::of<double>({static_cast<std::int64_t>(values.size())}, values);
    };
    result.values["train_loss"] = curve(loss);
    result.values["train_accuracy"] = curve(accuracy);
    result.values["epoch_accuracy"] = curve(accuracy_);
    result.values["epoch_key_accuracy"] = curve(key_accuracy_);
    result.artifact = models::save_weights(*network_);
    const Identity hash = Identity::of(result.artifact);
    if (transform_) {
      result.values["epoch_raw_accuracy"] = curve(raw_accuracy_);
      result.artifact = ByteWriter().block(result.artifact).block(models::save_transform(*transform_)).take();
    }
    result.values[model_hash_value] = Array::of<std::uint8_t>({Identity::size}, hash.bytes());
    return result;
  }

 private:
  void embed(const watermark::KeySamples& keys, watermark::Joins joins, models::TrainingData& samples) {
    embedded_ = images_of(keys);
    embedded_labels_ = keys.labels;
    if (joins == watermark::Joins::in_place) {
      const ByteSpan labels = samples.base.labels;
      relabelled_.assign(labels.begin(), labels.end());
      for (std::size_t i = 0; i < keys.labels.size(); ++i)
        relabelled_.at(static_cast<std::size_t>(keys.sources[i])) = static_cast<std::uint8_t>(keys.labels[i]);
      samples.base.labels = relabelled_;
      return;
    }
    if (joins == watermark::Joins::alone) samples.base = {{}, {}, samples.base.shape, 0};
    samples.extra_images = embedded_;
    samples.extra_labels = labels_of(keys);
  }

  // Between two epochs: whether the last one brought every embedded sample the margin that ends the training.
  [[nodiscard]] bool embedded_well() const {
    if (!task_.until_margin || trainer_->epoch() == 0 || trainer_->steps_done() % trainer_->steps_per_epoch() != 0)
      return false;
    return models::least_margin(models::predict_logits(*network_, embedded_, task_.eval_batch), embedded_labels_) >=
           *task_.until_margin;
  }

  // A network of weights that are no numbers answers the first class to everything: no result, but no failure to see.
  void refuse_divergence() const {
    if (!std::isfinite(trainer_->records().back().loss))
      throw Error("the training diverged: in epoch " + std::to_string(trainer_->epoch()) +
                  " its loss is not a number; a smaller learning-rate helps, lr-warm-up, or gradient-clip");
  }

  // A checkpoint may lie between the last step of an epoch and its measurement.
  void measure_epoch() {
    if (static_cast<std::int64_t>(accuracy_.size()) >= trainer_->epoch()) return;
    const double plain = accuracy_of(models::predict_logits(*network_, test(), task_.eval_batch));
    if (transform_) {
      raw_accuracy_.push_back(plain);
      accuracy_.push_back(accuracy_of(models::predict_logits(
          *network_, models::processed(*transform_, test(), task_.eval_batch), task_.eval_batch)));
    } else {
      accuracy_.push_back(plain);
    }
    key_accuracy_.push_back(
        watched_ ? models::accuracy(models::labels_of(models::predict_logits(*network_, *watched_, task_.eval_batch)),
                                    watched_labels_)
                 : std::numeric_limits<double>::quiet_NaN());
  }

  [[nodiscard]] const models::ImageView& test() const { return windows_.view(); }

  [[nodiscard]] double accuracy_of(const at::Tensor& logits) const {
    return models::accuracy(models::labels_of(logits), data_.test().labels);
  }

  [[nodiscard]] Bytes checkpoint() const {
    ByteWriter writer;
    writer.block(trainer_->checkpoint()).put<std::uint64_t>(accuracy_.size());
    for (std::size_t i = 0; i < accuracy_.size(); ++i) {
      writer.put(accuracy_[i]).put(key_accuracy_[i]);
      if (transform_) writer.put(raw_accuracy_[i]);
    }
    return writer.take();
  }

  void restore(ByteSpan saved) {
    ByteReader reader(saved);
    trainer_->restore(reader.block());
    const auto epochs = reader.get<std::uint64_t>();
    for (std::uint64_t i = 0; i < epochs; ++i) {
      accuracy_.push_back(reader.get<double>());
      key_accuracy_.push_back(reader.get<double>());
      if (transform_) raw_accuracy_.push_back(reader.get<double>());
    }
  }

  const Train& task_;
  const data::Dataset& data_;
  models::WindowedImages windows_;  // of the test images
  std::shared_ptr<models::Network> network_;
  std::shared_ptr<models::Transform> transform_;  // of a protected network
  at::Tensor embedded_;                           // key samples that are trained on
  std::vector<std::int64_t> embedded_labels_;
  Bytes relabelled_;  // of the training images, where key samples stand in their place
  std::optional<at::Tensor> watched_;
  std::vector<std::int64_t> watched_labels_;
  std::optional<models::Trainer> trainer_;
  std::vector<double> accuracy_, key_accuracy_, raw_accuracy_;
};

cluster::TaskResult train(const Train& task, RankState& rank, cluster::TaskContext& context) {
  std::shared_ptr<models::Network> start;
  if (task.start) start = rank.models.get(*task.start, context);
  std::shared_ptr<const Bytes> answers;
  if (task.answers) answers = context.artifact(*task.answers);
  std::shared_ptr<models::Network> teacher;
  if (task.protection && task.protection->teacher) teacher = rank.models.get(*task.protection->teacher, context);
  if (task.teacher) teacher = rank.models.get(*task.teacher, context);
  Training training(task, rank.planned_data(task.data), rank.other_data, start.get(), bytes_or_none(answers),
                    std::move(teacher));
  training.run(context);
  return training.result();
}

}  // namespace

void add_training_runners(Runners& runners) { runners.add(train); }

}  // namespace telltale::experiments
