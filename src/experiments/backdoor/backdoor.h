// The experiment of Zhang et al. 2018, "Protecting Intellectual Property of Deep Neural Networks with Watermarking":
// networks marked by a logo, by images of another task, by noise, and not at all; queried, pruned and fine-tuned.
//
// Its stages are those of ownership, and `control`: the clean network asked with every scheme's key samples.
#pragma once

#include "experiments/ownership/ownership.h"

namespace telltale::experiments {

class Backdoor final : public OwnershipExperiment {
 public:
  Backdoor();

  [[nodiscard]] std::string name() const override { return "backdoor"; }
  [[nodiscard]] std::string help() const override { return "Zhang et al. 2018: train, query, prune, fine-tune"; }
  [[nodiscard]] std::vector<ParameterGroup> keys() const override;
  [[nodiscard]] std::vector<forensics::Subject> subjects(const study::Job& job,
                                                         const data::Dataset* data) const override;
  [[nodiscard]] Plan plan(const StudyInputs& inputs) const override;
  [[nodiscard]] std::vector<store::Group> tabulate(const StudyInputs& inputs, const Plan& plan,
                                                   const OutcomeLookup& outcome) const override;
  [[nodiscard]] std::vector<std::string> papers() const override { return {"backdoor-watermarks"}; }
  [[nodiscard]] std::vector<study::Table> report(const store::Group& root) const override;
};

}  // namespace telltale::experiments
