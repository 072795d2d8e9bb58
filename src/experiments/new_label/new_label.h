// The experiment of Zhong et al. 2020, "A New Label Helps": networks watermarked by a new label, by the rival's noise
// backdoor (Zhang et al. 2018), and not at all; trained over a grid, queried, pruned, and compared between
// environments.
//
// Its stages are those of ownership, and `predict`, which asks the first marked model for the first test images on
// every environment.
#pragma once

#include "experiments/ownership/ownership.h"

namespace telltale::experiments {

/// A model's answers to the first test images on one environment. Its outcome: logits, labels.
struct Predict {
  static constexpr study::TaskKind kind{.name = "predict", .algorithm = 2};
  Identity data, model;
  long long images = 0, batch = 0;
  std::string profile;  ///< named besides the bits: two profiles that fall together are both asked
  Identity environment;

  void fields(auto& field) {
    field("data", data), field("model", model), field("images", images), field("batch", batch),
        field("profile", profile), field("environment", environment);
  }
};

class NewLabel final : public OwnershipExperiment {
 public:
  NewLabel();

  [[nodiscard]] std::string name() const override { return "new-label"; }
  [[nodiscard]] std::string help() const override { return "Zhong et al. 2020: train, query, prune, predict"; }
  [[nodiscard]] std::vector<ParameterGroup> keys() const override;
  void check(const study::Job& job) const override;
  [[nodiscard]] std::vector<forensics::Subject> subjects(const study::Job& job,
                                                         const data::Dataset* data) const override;
  [[nodiscard]] Plan plan(const StudyInputs& inputs) const override;
  [[nodiscard]] std::vector<store::Group> tabulate(const StudyInputs& inputs, const Plan& plan,
                                                   const OutcomeLookup& outcome) const override;
  [[nodiscard]] std::vector<std::string> papers() const override { return {"new-label"}; }
  [[nodiscard]] std::vector<study::Table> report(const store::Group& root) const override;
};

/// The first of the job's schemes that marks anything: its model is asked everywhere. nullptr if none does.
const std::string* first_marked(const study::Job& job);

}  // namespace telltale::experiments
