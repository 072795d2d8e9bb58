#include <torch/types.h>

#include "models/evaluate.h"
#include "models/network.h"
#include "models/runtime.h"
#include "models/weights.h"
#include "study/key_samples.h"
#include "study/new_label.h"
#include "study/training.h"
#include "watermark/prune.h"

namespace telltale::study {
namespace {

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
    if (kind == "train") return run_training(task, data_, context);
    if (kind == "evaluate") return evaluate(task, context);
    if (kind == "predict") return predict(task, context);
    throw Error("unknown kind of task: " + kind);
  }

 private:
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
    const KeySamples keys(data_, task.at("scheme"));
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

  std::shared_ptr<models::Network> model(const Json& task, cluster::TaskContext& context) {
    return models_.get(Identity::from_hex(task.at("model").get<std::string>()), context);
  }

  const data::Dataset& data_;
  ModelCache models_;
};

}  // namespace

cluster::Executor new_label::executor(const data::Dataset& data) {
  auto tasks = std::make_shared<Tasks>(data);
  return [tasks](ByteSpan payload, cluster::TaskContext& context) { return tasks->run(payload, context); };
}

}  // namespace telltale::study
