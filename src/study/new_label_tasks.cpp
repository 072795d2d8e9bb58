#include <torch/types.h>

#include <algorithm>
#include <list>

#include "models/evaluate.h"
#include "models/network.h"
#include "models/runtime.h"
#include "models/training.h"
#include "models/weights.h"
#include "study/ledger.h"
#include "study/new_label.h"
#include "watermark/keys.h"
#include "watermark/prune.h"

namespace telltale::study {
namespace {

models::Recipe recipe_of(const Json& json) {
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

models::ImageView view_of(const data::Dataset& data, const data::Split& split, std::int64_t count = -1) {
  if (count < 0 || count > split.count) count = split.count;
  return {split.images.first(static_cast<std::size_t>(count) * data.shape().pixels()),
          split.labels.first(static_cast<std::size_t>(count)), data.shape(), count};
}

// The key samples of one scheme, secret and repeat. Which images and which noise depend on the scheme alone, so that
// training and every later query agree.
class Keys {
 public:
  Keys(const data::Dataset& data, const Json& scheme) : data_(data), json_(scheme) {
    scheme_.method = watermark::method_named(scheme.at("method").get<std::string>());
    scheme_.reading = watermark::reading_named(scheme.at("reading").get<std::string>());
    scheme_.alpha = scheme.at("alpha");
    scheme_.beta = scheme.at("beta");
    scheme_.clip = scheme.at("clip");
    scheme_.fresh_noise = scheme.at("noise") == "fresh";
    if (scheme.contains("target")) scheme_.target = scheme.at("target");
  }

  [[nodiscard]] std::int64_t label() const { return watermark::key_label(scheme_, data_.classes()); }

  [[nodiscard]] watermark::KeySet trained() const {
    return watermark::make_trained_keys(scheme_, secret(), stream("key images"), view_of(data_, data_.train()),
                                        data_.classes());
  }
  /// Made of the first `count` test images (0: all), as far as they may be marked.
  [[nodiscard]] watermark::KeySet asked(std::int64_t count, const Stream& with) const {
    return watermark::make_query_keys(scheme_, with, view_of(data_, data_.test(), count > 0 ? count : -1),
                                      data_.classes());
  }
  // One secret a repeat, whatever alpha and beta are.
  [[nodiscard]] Stream secret() const { return Stream(seed(), {{"repeat", json_.at("repeat")}}, "secret"); }
  [[nodiscard]] Stream wrong_secret() const { return Stream(seed(), {{"repeat", json_.at("repeat")}}, "wrong secret"); }

 private:
  [[nodiscard]] std::uint64_t seed() const { return json_.at("seed").get<std::uint64_t>(); }
  [[nodiscard]] Stream stream(const char* purpose) const { return Stream(seed(), json_, purpose); }

  const data::Dataset& data_;
  Json json_;
  watermark::Scheme scheme_;
};

// Runs the tasks of one rank.
class Tasks {
 public:
  explicit Tasks(const data::Dataset& data) : data_(data) {}

  cluster::TaskResult run(ByteSpan payload, cluster::TaskContext& context) {
    models::set_threads_to_one();
    const Json task = Json::parse(as_text(payload));
    if (task.at("data") != data_.content_hash().hex())
      throw Error("this rank holds other data than the task was planned for");
    const std::string kind = task.at("kind");
    if (kind == "train") return train(task, context);
    if (kind == "evaluate") return evaluate(task, context);
    if (kind == "predict") return predict(task, context);
    throw Error("unknown kind of task: " + kind);
  }

 private:
  static constexpr std::int64_t epoch_keys = 1000;  // enough for a curve, cheap enough for every epoch

  cluster::TaskResult train(const Json& task, cluster::TaskContext& context) {
    const Json& description = task.at("case");
    const Stream stream(description.at("seed").get<std::uint64_t>(), description, "training");
    auto network = models::make_network(models::NetworkSpec::from_json(description.at("network")));
    models::initialise(*network, stream.derive("initial weights"));
    models::TrainingData data = watermark::embed_nothing(view_of(data_, data_.train()));
    const Json& scheme = description.at("scheme");
    std::optional<watermark::KeySet> watched;
    std::int64_t key_label = -1;
    if (scheme.at("method") != "clean") {
      const Keys keys(data_, scheme);
      data = watermark::embed(data.base, keys.trained());
      watched = keys.asked(epoch_keys, keys.secret());
      key_label = keys.label();
    }
    models::Trainer trainer(network, recipe_of(description.at("recipe")), std::move(data), stream.derive("order"));

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
      const auto answers = models::labels_of(models::predict_logits(*network, view_of(data_, data_.test()), batch));
      accuracy.push_back(models::accuracy(answers, data_.test().labels));
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

  cluster::TaskResult evaluate(const Json& task, cluster::TaskContext& context) {
    auto network = model(task, context);
    const Json& attack = task.at("attack");
    if (attack.at("name") == "prune") {
      // A copy: the model may be asked again as it was.
      network = models::load_network(models::save_weights(*network));
      watermark::prune(*network, attack.at("rate").get<double>(),
                       watermark::prune_scope_named(attack.at("scope").get<std::string>()));
    }
    const std::int64_t batch = task.at("eval_batch");
    const Keys keys(data_, task.at("scheme"));
    cluster::TaskResult result;
    const auto put = [&](const char* name, double value) { result.values[name] = Array::scalar(value); };

    const at::Tensor logits = models::predict_logits(*network, view_of(data_, data_.test()), batch);
    put("accuracy", models::accuracy(models::labels_of(logits), data_.test().labels));
    if (network->spec().classes > data_.classes())
      put("accuracy_label_removed", models::accuracy(models::labels_of(logits, data_.classes()), data_.test().labels));
    context.check();

    const auto ask = [&](const watermark::KeySet& set) {
      const double share =
          models::share_of(models::labels_of(models::predict_logits(*network, set.images, batch)), keys.label());
      context.check();
      return share;
    };
    const std::int64_t count = task.at("key_images");
    const watermark::KeySet fresh = keys.asked(count, keys.secret());
    put("keys_new", static_cast<double>(fresh.images.size(0)));
    put("key_accuracy_new", ask(fresh));
    put("key_accuracy_wrong", ask(keys.asked(count, keys.wrong_secret())));
    watermark::KeySet trained = keys.trained();
    if (count > 0 && trained.images.size(0) > count) trained.images = trained.images.narrow(0, 0, count);
    put("key_accuracy_trained", ask(trained));
    return result;
  }

  cluster::TaskResult predict(const Json& task, cluster::TaskContext& context) {
    const auto network = model(task, context);
    const std::int64_t images = task.at("images");
    const at::Tensor logits =
        models::predict_logits(*network, view_of(data_, data_.test(), images), task.at("batch").get<std::int64_t>())
            .contiguous();
    std::vector<std::int32_t> labels;
    for (const std::int64_t label : models::labels_of(logits)) labels.push_back(static_cast<std::int32_t>(label));
    cluster::TaskResult result;
    result.values["logits"] =
        Array::of<float>({logits.size(0), logits.size(1)},
                         std::span(logits.data_ptr<float>(), static_cast<std::size_t>(logits.numel())));
    result.values["labels"] = Array::of<std::int32_t>({images}, labels);
    return result;
  }

  // The last few models asked for, decoded: evaluations of one model follow each other.
  std::shared_ptr<models::Network> model(const Json& task, cluster::TaskContext& context) {
    const Identity identity = Identity::from_hex(task.at("model").get<std::string>());
    for (auto entry = models_.begin(); entry != models_.end(); ++entry) {
      if (entry->first != identity) continue;
      models_.splice(models_.begin(), models_, entry);
      return models_.front().second;
    }
    models_.emplace_front(identity, models::load_network(*context.artifact(identity)));
    if (models_.size() > 4) models_.pop_back();
    return models_.front().second;
  }

  const data::Dataset& data_;
  std::list<std::pair<Identity, std::shared_ptr<models::Network>>> models_;
};

}  // namespace

cluster::Executor NewLabel::executor(const data::Dataset* data) const {
  auto tasks = std::make_shared<Tasks>(*data);
  return [tasks](ByteSpan payload, cluster::TaskContext& context) { return tasks->run(payload, context); };
}

}  // namespace telltale::study
