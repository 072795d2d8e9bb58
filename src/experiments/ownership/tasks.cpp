#include <torch/types.h>

#include "experiments/ownership/asking.h"
#include "experiments/ownership/ownership.h"
#include "experiments/runners.h"
#include "experiments/tensors.h"
#include "models/evaluate.h"
#include "models/network.h"
#include "watermark/claims.h"
#include "watermark/forgery.h"
#include "watermark/service.h"

namespace telltale::experiments {
namespace {

constexpr std::int64_t answers_at_once = 250;

// What a second owner makes of the images that he has, by the same scheme with a secret of his own; none where these
// images do not do for it. A scheme that chooses by answers gets those of the network that he stole.
watermark::KeySamples rival_keys(const watermark::Scheme& scheme, const Json& owners, const models::ImageView& images,
                                 const watermark::AttackInputs& inputs, const data::OtherData& others) {
  const Json settings = watermark::rival_settings(owners);
  Bytes answers;
  if (scheme.needs_answers())
    answers = watermark::answers_of(models::labels_of(models::predict_logits(*inputs.model, images, answers_at_once)));
  try {
    return scheme.embedded({settings, images, images, inputs.classes, &others, answers});
  } catch (const Error&) {
    return {};
  }
}

cluster::TaskResult ask_null(const AskNull& task, RankState& rank, cluster::TaskContext& context) {
  const data::Dataset& data = rank.planned_data(task.data);
  std::shared_ptr<const Bytes> chosen_by;
  if (task.answers) chosen_by = context.artifact(*task.answers);
  const auto inputs = watermark::KeyInputs::of(task.scheme, data, rank.other_data, bytes_or_none(chosen_by));
  const auto keys = watermark::claimed_keys(inputs, task.key_images, task.claim.queries);
  const auto network = rank.models.get(task.model, context);
  const auto given = models::labels_of(models::predict_logits(*network, images_of(keys), task.eval_batch));
  cluster::TaskResult result;
  put_statistic(result, given, keys, task.claim.sizes);
  return result;
}

cluster::TaskResult evaluate(const Evaluate& task, RankState& rank, cluster::TaskContext& context) {
  const data::Dataset& data = rank.planned_data(task.data);
  const auto test = models::ImageView::of(data.shape(), data.test());
  const auto check = [&] { context.check(); };
  // One stream a model: attacks that differ in a rate alone draw the same.
  const Stream stream(0, {{"model", task.model.hex()}}, "attack");
  cluster::TaskResult result;
  const auto put = [&](const std::string& name, double value) { result.values[name] = Array::scalar(value); };
  const watermark::Scheme& scheme = watermark::scheme_of(task.scheme);
  watermark::AttackInputs attacked{task.attack, rank.models.get(task.model, context), test, stream, check};
  attacked.classes = data.classes();
  if (task.is_marked)
    attacked.rival_keys = [&](const models::ImageView& images) {
      return rival_keys(scheme, task.scheme, images, attacked, rank.other_data);
    };
  attacked.measured = [&](const char* name, double value) { put(name, value); };
  const auto service = watermark::apply_attack(attacked);

  const at::Tensor logits = service->logits(test, task.eval_batch);
  const auto answers = models::labels_of(logits);
  const ByteSpan labels = data.test().labels;
  put_accuracies(result, "accuracy", answers, labels);
  const bool refuses = watermark::attack_named(task.attack.at("name").get<std::string>()).refuses();
  if (refuses) put("refused", models::share_of(answers, models::refused_label));
  if (service->outputs() > data.classes())
    put("accuracy_label_removed", models::accuracy(models::labels_of(logits, data.classes()), data.test().labels));
  check();

  std::shared_ptr<const Bytes> chosen_by;
  if (task.answers) chosen_by = context.artifact(*task.answers);
  const auto inputs = watermark::KeyInputs::of(task.scheme, data, rank.other_data, bytes_or_none(chosen_by));
  const auto ask = [&](watermark::Query query, const std::string& name) {
    if (!scheme.has(query)) return;
    const watermark::KeySamples keys = scheme.queries(inputs, query, task.key_images);
    const auto given = models::labels_of(service->logits(images_of(keys), task.eval_batch));
    result.values["keys_" + name] = Array::scalar<std::int64_t>(keys.count());
    result.values["key_matches_" + name] = Array::scalar<std::int64_t>(models::matches(given, keys.labels));
    put("key_accuracy_" + name, models::accuracy(given, keys.labels));
    if (refuses) put("refused_" + name, models::share_of(given, models::refused_label));
    if (!keys.true_labels.empty()) {
      result.values["true_matches_" + name] = Array::scalar<std::int64_t>(models::matches(given, keys.true_labels));
      put("signature", given == keys.labels ? 1 : 0);
    }
    check();
  };
  ask(watermark::Query::fresh, "new");
  ask(watermark::Query::wrong_secret, "wrong");
  ask(watermark::Query::other_source, "other");
  if (task.is_marked || !scheme.has(watermark::Query::fresh)) ask(watermark::Query::trained, "trained");
  if (task.claim)
    put_claim(result, *task.claim, task.key_images, inputs, [&](const watermark::KeySamples& keys) {
      auto given = models::labels_of(service->logits(images_of(keys), task.eval_batch));
      check();
      return given;
    });
  return result;
}

}  // namespace

void add_ownership_runners(Runners& runners) {
  runners.add(evaluate);
  runners.add(ask_null);
}

}  // namespace telltale::experiments
