#include <torch/types.h>

#include <limits>
#include <optional>

#include "models/evaluate.h"
#include "models/network.h"
#include "models/training.h"
#include "models/weights.h"
#include "study/key_samples.h"
#include "study/ledger.h"
#include "study/training.h"

namespace telltale::study {
namespace {

constexpr std::int64_t epoch_keys = 1000;  // enough for a curve, cheap enough for every epoch

models::Recipe recipe_from(const Json& json) {
  models::Recipe recipe;
  recipe.optimizer = json.at("optimizer") == "adam" ? models::Optimizer::adam : models::Optimizer::sgd;
  recipe.learning_rate = json.at("learning_rate");
  recipe.momentum = json.at("momentum");
  recipe.weight_decay = json.at("weight_decay");
  recipe.batch = json.at("batch");
  recipe.epochs = json.at("epochs");
  recipe.milestones = json.at("milestones").get<std::vector<std::int64_t>>();
  recipe.gamma = json.at("gamma");
  recipe.augmentation =
      json.at("augment") == "crop-flip" ? models::Augmentation::crop_flip : models::Augmentation::none;
  return recipe;
}

}  // namespace

cluster::TaskResult run_training(const Json& task, const data::Dataset& data, cluster::TaskContext& context) {
  const Json& description = task.at("case");
  const Stream stream(description.at("seed").get<std::uint64_t>(), description, "training");
  auto network = models::make_network(models::NetworkSpec::from_json(description.at("network")));
  models::initialise(*network, stream.derive("initial weights"));
  models::TrainingData samples = watermark::embed_nothing(view_of(data, data.train()));
  const Json& scheme = description.at("scheme");
  std::optional<watermark::KeySet> watched;
  std::int64_t key_label = -1;
  if (scheme.at("method") != "clean") {
    const KeySamples keys(data, scheme);
    samples = watermark::embed(samples.base, keys.trained());
    watched = keys.asked(epoch_keys, keys.secret());
    key_label = keys.label();
  }
  models::Trainer trainer(network, recipe_from(description.at("recipe")), std::move(samples), stream.derive("order"));

  // Curves that the trainer does not keep travel in the checkpoint beside its own state.
  std::vector<double> accuracy, key_accuracy;
  if (const auto saved = context.checkpoint()) {
    ByteReader reader(*saved);
    trainer.restore(reader.block());
    const auto epochs = reader.get<std::uint64_t>();
    for (std::uint64_t i = 0; i < epochs; ++i) {
      accuracy.push_back(reader.get<double>());
      key_accuracy.push_back(reader.get<double>());
    }
  }
  const auto save = [&] {
    ByteWriter writer;
    writer.block(trainer.checkpoint()).put<std::uint64_t>(accuracy.size());
    for (std::size_t i = 0; i < accuracy.size(); ++i) writer.put(accuracy[i]).put(key_accuracy[i]);
    context.save_checkpoint(writer.take());
  };
  const auto measure = [&] {
    const std::int64_t batch = task.at("eval_batch");
    const auto answers = models::labels_of(models::predict_logits(*network, view_of(data, data.test()), batch));
    accuracy.push_back(models::accuracy(answers, data.test().labels));
    key_accuracy.push_back(
        watched
            ? models::share_of(models::labels_of(models::predict_logits(*network, watched->images, batch)), key_label)
            : std::numeric_limits<double>::quiet_NaN());
  };
  while (!trainer.finished()) {
    // A checkpoint may lie between the last step of an epoch and its measurement.
    if (static_cast<std::int64_t>(accuracy.size()) < trainer.epoch()) measure();
    trainer.run_epoch([&] {
      if (context.checkpoint_due()) save();
      context.check();
    });
  }
  if (static_cast<std::int64_t>(accuracy.size()) < trainer.epoch()) measure();

  cluster::TaskResult result;
  std::vector<double> loss, train_accuracy;
  for (const models::EpochRecord& record : trainer.records()) {
    loss.push_back(record.loss);
    train_accuracy.push_back(record.accuracy);
  }
  const auto curve = [](const std::vector<double>& values) {
    return Array::of<double>({static_cast<std::int64_t>(values.size())}, values);
  };
  result.values["train_loss"] = curve(loss);
  result.values["train_accuracy"] = curve(train_accuracy);
  result.values["epoch_accuracy"] = curve(accuracy);
  result.values["epoch_key_accuracy"] = curve(key_accuracy);
  result.artifact = models::save_weights(*network);
  const Identity hash = Identity::of(result.artifact);
  result.values[model_hash_value] = Array::of<std::uint8_t>({Identity::size}, hash.bytes());
  return result;
}

std::shared_ptr<models::Network> ModelCache::get(const Identity& training, cluster::TaskContext& context) {
  for (auto entry = models_.begin(); entry != models_.end(); ++entry) {
    if (entry->first != training) continue;
    models_.splice(models_.begin(), models_, entry);
    return models_.front().second;
  }
  models_.emplace_front(training, models::load_network(*context.artifact(training)));
  if (models_.size() > most) models_.pop_back();
  return models_.front().second;
}

}  // namespace telltale::study
