// Tasks that do nothing, or sleep: to measure what handing out, gathering and committing cost, and to test them.
#pragma once

#include "study/experiment.h"

namespace telltale::experiments {

/// A task that sleeps. Its outcome: index.
struct Nothing {
  static constexpr study::TaskKind kind{.name = "empty"};
  long long seed = 0, index = 0;
  double seconds = 0;

  void fields(auto& field) { field("seed", seed), field("index", index), field("seconds", seconds); }
};

class Empty final : public study::Experiment {
 public:
  [[nodiscard]] std::string name() const override { return "empty"; }
  [[nodiscard]] std::string help() const override { return "tasks that do nothing, to measure the machinery"; }
  [[nodiscard]] std::vector<ParameterGroup> keys() const override;
  [[nodiscard]] bool needs_data() const override { return false; }
  [[nodiscard]] std::vector<forensics::Subject> subjects(const study::Job&, const data::Dataset*) const override {
    return {};
  }
  [[nodiscard]] study::Plan plan(const study::StudyInputs& inputs) const override;
  [[nodiscard]] std::vector<store::Group> tabulate(const study::StudyInputs& inputs, const study::Plan& plan,
                                                   const study::OutcomeLookup& outcome) const override;
  [[nodiscard]] std::vector<study::Table> report(const store::Group& root) const override {
    static_cast<void>(root);
    return {};
  }
};

}  // namespace telltale::experiments
