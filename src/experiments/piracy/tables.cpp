#include <algorithm>
#include <cmath>

#include "experiments/piracy/piracy.h"
#include "experiments/settings.h"
#include "forensics/comparison.h"
#include "study/cells.h"

namespace telltale::experiments {
namespace {

using study::missing;

store::Group train_group(const study::Job& job, const Plan& plan, const OutcomeLookup& outcome) {
  store::Group group = study::group_of(plan.stage("evaluate"), outcome);
  group.name = "train";
  add_training_variables(
      group, plan.stage("train"), job, outcome,
      {{"train_loss",
        "mean of each epoch's batches of what is minimised: Eq. 3 of a protected network, cross-entropy of "
        "others"},
       {"train_accuracy",
        "share of each epoch's training images (processed, where there is a transform) classified "
        "correctly"},
       {"epoch_accuracy",
        "share of the test images (processed, where there is a transform) classified correctly after "
        "each epoch"},
       {"epoch_raw_accuracy", "share of the raw test images classified correctly after each epoch",
        "epoch_accuracy"}},  // raw images are all that a network without a transform is asked
      &plan.stage("deliver"));
  const Stage& transforms = plan.stage("deliver-transform");
  group.variables.push_back(study::texts("transform_task", transforms.grid.dimensions(),
                                         identities_of(transforms, outcome),
                                         "the same of its transform; empty: there is none"));
  return group;
}

store::Group images_group(const Stage& stage, const StudyInputs& inputs, const OutcomeLookup& outcome) {
  store::Group group = study::group_over(stage.grid, stage.name, stage.help);
  const data::ImageShape shape = input_of(inputs.job, inputs.data->shape());
  group.dimensions.insert(group.dimensions.end(), {{"sample", inputs.job.integer("show-images")},
                                                   {"channel", shape.channels},
                                                   {"row", shape.height},
                                                   {"column", shape.width}});
  const std::vector<std::string> pixels{"sample", "channel", "row", "column"};
  const auto add = [&](const char* name, const char* help) {
    add_variable(group, stage.grid, name, pixels,
                 study::gathered(stage, outcome, name, study::shape_of(group, pixels), static_cast<float>(missing)),
                 help, "1");
  };
  add("raw", "test images, pixels in [0,1]");
  add("processed", "what the transform makes of them, in the same range and, where it is not clipped, beyond it");
  return group;
}

// The stage's grid ends with precision, batch and environment.
store::Group machines_group(const Stage& stage, const OutcomeLookup& outcome) {
  store::Group group = study::group_of(stage, outcome);
  const std::vector<std::int64_t> shape = stage.grid.shape();
  const auto environments = static_cast<std::size_t>(shape.back()),
             batches = static_cast<std::size_t>(shape[shape.size() - 2]),
             precisions = static_cast<std::size_t>(shape[shape.size() - 3]);
  std::vector<const Outcome*> outcomes;
  for (const auto& task : stage.tasks) outcomes.push_back(study::done(outcome, task));
  const auto share_changed = [&](std::size_t at, const char* name) {
    const std::size_t of_case = at - at % (environments * batches * precisions), batch = at / environments % batches;
    const Outcome *one = outcomes[at], *first = outcomes[of_case + batch * environments];
    if (one == nullptr || first == nullptr) return missing;
    const auto mine = one->values.at(name).as<std::uint8_t>(), theirs = first->values.at(name).as<std::uint8_t>();
    double changed = 0;
    for (std::size_t i = 0; i < mine.size(); ++i) changed += mine[i] != theirs[i];
    return changed / static_cast<double>(mine.size());
  };
  std::vector<double> changed, raw_changed;
  std::vector<std::int32_t> classes;
  for (std::size_t at = 0; at < outcomes.size(); ++at) {
    changed.push_back(share_changed(at, "labels"));
    raw_changed.push_back(share_changed(at, "raw_labels"));
    if (at % environments != 0) continue;
    std::vector<const Array*> answered;
    for (std::size_t e = 0; e < environments; ++e)
      answered.push_back(outcomes[at + e] == nullptr ? nullptr : &outcomes[at + e]->values.at("logits"));
    const auto alike = forensics::equivalence_classes(answered);
    classes.insert(classes.end(), alike.begin(), alike.end());
  }
  add_variable(
      group, stage.grid, "changed", {}, changed,
      "share of the images to which the answer is another than at the first precision on the first environment", "1");
  add_variable(group, stage.grid, "raw_changed", {}, raw_changed, "the same of the images as they are", "1");
  add_variable(group, stage.grid, "equivalence_class", {}, classes, forensics::equivalence_class_help);
  return group;
}

// Over the tries of an attack, the last axis of its grid.
void add_attempts(store::Group& group, const Stage& stage, const OutcomeLookup& outcome) {
  std::vector<study::Axis> axes = stage.grid.axes();
  const std::size_t attempts = axes.back().values.size();
  axes.pop_back();
  const Grid cases(axes);
  Grid({study::named_axis(
           "statistic",
           "over the tries: their mean, and the try that was best on the first half of the test images, by "
           "what it gets of the second",
           {"mean", "best"})})
      .declare(group);
  std::vector<double> accuracies, deviations;
  for (std::size_t first = 0; first < stage.tasks.size(); first += attempts) {
    std::vector<double> got;
    double best = -1, chosen = missing;
    for (std::size_t i = first; i < first + attempts; ++i) {
      const Outcome* tried = study::done(outcome, stage.tasks[i]);
      got.push_back(study::number_of(tried, "raw_accuracy"));
      if (const double seen = study::number_of(tried, "raw_accuracy_first_half"); seen > best)
        best = seen, chosen = study::number_of(tried, "raw_accuracy_second_half");
    }
    const double mean = study::mean(got);
    accuracies.insert(accuracies.end(), {mean, std::isnan(mean) ? missing : chosen});
    double squares = 0;
    for (const double one : got) squares += (one - mean) * (one - mean);
    deviations.push_back(attempts < 2 ? missing : std::sqrt(squares / static_cast<double>(attempts - 1)));
  }
  add_variable(group, cases, "attack_accuracy", {"statistic"}, accuracies,
               "share of the raw test images that the thief gets classified correctly; missing while a try is", "1");
  add_variable(group, cases, "attack_deviation", {}, deviations, "standard deviation of raw_accuracy over the tries",
               "1");
}

}  // namespace

std::vector<store::Group> AntiPiracy::tabulate(const StudyInputs& inputs, const Plan& plan,
                                               const OutcomeLookup& outcome) const {
  std::vector<store::Group> groups{train_group(inputs.job, plan, outcome)};
  if (const Stage* images = plan.find_stage("images")) groups.push_back(images_group(*images, inputs, outcome));
  if (const Stage* machines = plan.find_stage("machines")) groups.push_back(machines_group(*machines, outcome));
  for (const watermark::Attack* attack : attacks_) {
    const Stage* stage = plan.find_stage(attack->name());
    if (stage == nullptr) continue;
    groups.push_back(study::group_of(*stage, outcome));
    if (!attack->attempts_key().empty()) add_attempts(groups.back(), *stage, outcome);
  }
  return groups;
}

}  // namespace telltale::experiments
