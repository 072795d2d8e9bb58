// What a trained model answers to every image of one split of its data: confusion matrices, and the errors that a
// scheme may be made of.
#pragma once

#include "experiments/training.h"

namespace telltale::experiments {

/// Labels that a model gives to one split. Its outcome: confusion (classes x outputs, int64: true class by answer). Its
/// product: the answers, a byte an image.
struct Classify {
  static constexpr study::TaskKind kind{.name = "classify", .algorithm = 1, .makes_product = true};
  Identity data, model;
  std::string split;  ///< train or test
  std::string environment;
  long long eval_batch = 0;

  void fields(auto& field) {
    field("data", data), field("model", model), field("split", split), field("environment", environment),
        field("eval_batch", eval_batch);
  }
};

/// A task that asks a planned model for a split.
study::Task<Classify> classify(const Plan& plan, const StudyInputs& inputs, const PlannedTraining& training,
                               const std::string& split);

/// Lays out the stage `confusion`: every case's model and both splits.
void plan_confusion(Plan& plan, const StudyInputs& inputs, const Grid& cases,
                    const std::vector<PlannedTraining>& trainings);

/// The group `confusion`: confusion matrices, and the accuracy on each class.
store::Group confusion_group(const Stage& stage, const data::Dataset& data, const OutcomeLookup& outcome);

}  // namespace telltale::experiments
