// Tasks that do nothing, or sleep: to measure what handing out, gathering and committing cost, and to test them.
#pragma once

#include "cluster/work.h"
#include "study/experiment.h"

namespace telltale::study {

class Empty final : public Experiment {
 public:
  [[nodiscard]] bool needs_data() const override { return false; }
  [[nodiscard]] std::vector<Axis> axes(const Job&) const override { return {}; }
  [[nodiscard]] std::vector<forensics::Subject> subjects(const Job&) const override { return {}; }
  [[nodiscard]] Plan plan(const StudyInputs& inputs) const override;
  [[nodiscard]] std::vector<store::Group> tabulate(const StudyInputs& inputs, const Plan& plan,
                                                   const OutcomeLookup& outcome) const override;
  [[nodiscard]] std::vector<Table> report(const store::Group& root) const override {
    static_cast<void>(root);
    return {};
  }
};

namespace empty {

/// See make_executor().
cluster::Executor executor();

}  // namespace empty

}  // namespace telltale::study
