// What results files hold of trainings.
#include <algorithm>

#include "experiments/training.h"
#include "study/axis.h"

namespace telltale::experiments {

using study::Job;
using study::missing;

std::vector<std::string> identities_of(const Stage& stage, const OutcomeLookup& outcome) {
  std::vector<std::string> all;
  for (const auto& task : stage.tasks) {
    const Outcome* made = study::done(outcome, task);
    all.push_back(made == nullptr ? "" : made->identity.hex());
  }
  return all;
}

void add_training_variables(store::Group& group, const Stage& train, const Job& job, const OutcomeLookup& outcome,
                            const std::vector<Curve>& curves, const Stage* models) {
  std::vector<std::string> hashes;
  for (const auto& task : train.tasks) {
    const Outcome* trained = study::done(outcome, task);
    hashes.push_back(
        trained == nullptr ? "" : Identity::from_bytes(trained->values.at(model_hash_value).as<std::uint8_t>()).hex());
  }
  const auto dimensions = train.grid.dimensions();
  group.variables.push_back(
      study::texts("model_sha256", dimensions, hashes, "SHA-256 of the trained model (safetensors)"));
  group.variables.push_back(study::texts("model_task", dimensions,
                                         identities_of(models != nullptr ? *models : train, outcome),
                                         "identity of the task that made the model: its product is "
                                         "artifacts/products-<identity>"));

  // As long as the longest training.
  std::int64_t epochs = 0;
  const auto at_least = [&](const char* key) {
    for (const std::string& text : job.values(key)) epochs = std::max<std::int64_t>(epochs, study::parse_integer(text));
  };
  at_least("epochs");
  if (tunes(job)) at_least("embed-epochs");
  Grid({study::counted_axis("epoch", epochs)}).declare(group);
  for (const auto& [name, help, instead] : curves) {
    std::vector<double> all;
    all.reserve(train.tasks.size() * static_cast<std::size_t>(epochs));
    for (const auto& task : train.tasks) {
      std::vector<double> curve(static_cast<std::size_t>(epochs), missing);
      if (const Outcome* trained = study::done(outcome, task)) {
        const bool has = instead == nullptr || trained->values.contains(name);
        const auto recorded = trained->values.at(has ? name : instead).as<double>();
        std::copy(recorded.begin(), recorded.end(), curve.begin());
      }
      all.insert(all.end(), curve.begin(), curve.end());
    }
    add_variable(group, train.grid, name, {"epoch"}, all, help, "1");
  }
}

store::Group clean_train_group(const std::string& help, const Stage& train, const Job& job,
                               const OutcomeLookup& outcome) {
  store::Group group = study::group_over(train.grid, "train", help);
  std::vector<double> accuracy;
  for (const auto& task : train.tasks) {
    const Outcome* trained = study::done(outcome, task);
    accuracy.push_back(trained == nullptr ? missing : trained->values.at("epoch_accuracy").as<double>().back());
  }
  add_variable(group, train.grid, "accuracy", {}, accuracy, "share of the test images classified correctly", "1");
  add_training_variables(group, train, job, outcome,
                         {{"train_loss", "mean cross-entropy of each epoch's batches, in nats"},
                          {"train_accuracy", "share of each epoch's training images classified correctly"},
                          {"epoch_accuracy", "share of the test images classified correctly after each epoch"}});
  return group;
}

}  // namespace telltale::experiments
