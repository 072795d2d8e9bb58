// How far a watermark twists the boundaries between the classes that the network had before (Zhong et al. 2020, Fig.
// 2).
#pragma once

#include "experiments/ownership/ownership.h"

namespace telltale::experiments {

/// Sets a marked network beside the clean one of its repeat on the test images, by the outputs that both have. An
/// image's margin: by how much the logit of its class exceeds all others of those. Its outcome: changed (share of the
/// images of which another of those outputs is the largest), mean_change (of the margin, in magnitude, in logits), and
/// change (float64): quantiles 0, 1, ... 100% of the change, marked less clean.
struct Twist {
  static constexpr study::TaskKind kind{.name = "twist", .algorithm = 1};
  static constexpr std::int64_t quantiles = 101;
  Identity data, model, clean;
  std::string environment;
  long long eval_batch = 0;

  void fields(auto& field) {
    field("data", data), field("model", model), field("clean", clean), field("environment", environment),
        field("eval_batch", eval_batch);
  }
};

/// `twist`.
Parameter twist_key();

/// Lays out the stage `twist`, where the job asks for it: every case with a watermark.
void plan_twist(Plan& plan, const StudyInputs& inputs, const Ownership& ownership,
                const std::vector<PlannedTraining>& trainings);

store::Group twist_group(const Stage& stage, const OutcomeLookup& outcome);
study::Table twist_table(const store::Group& twist);

}  // namespace telltale::experiments
