// Every watermark against every attack, under one standard: no paper's experiment, but the one that compares them.
#pragma once

#include "experiments/ownership/ownership.h"

namespace telltale::experiments {

/// Its stages are those of ownership, with all schemes and attacks, and `control`: the clean network asked with every
/// scheme's key samples.
class OwnershipMatrix final : public OwnershipExperiment {
 public:
  OwnershipMatrix();

  [[nodiscard]] std::string name() const override { return "ownership"; }
  [[nodiscard]] std::string help() const override { return "every watermark against every attack"; }
  [[nodiscard]] std::vector<ParameterGroup> keys() const override;
  [[nodiscard]] Plan plan(const StudyInputs& inputs) const override;
  [[nodiscard]] std::vector<store::Group> tabulate(const StudyInputs& inputs, const Plan& plan,
                                                   const OutcomeLookup& outcome) const override;
  [[nodiscard]] std::vector<study::Table> report(const store::Group& root) const override;
};

}  // namespace telltale::experiments
