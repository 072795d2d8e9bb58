// The cross-node comparison (Schloegl, Hofer and Boehme 2023): networks trained once, then the same images predicted on
// every environment, at every batch size, thread count and precision; which machines give the same bits, how far apart
// the others lie, and in which layer they part.
//
// A machine is an environment with a number of threads. Stages: `train`, and `compare`, over precision, case, batch
// size, environment and threads, in which one machine predicts.
#pragma once

#include "experiments/training.h"

namespace telltale::experiments {

/// One machine's predictions. Its outcome: logits, probabilities, labels, and a hash of every layer's output for every
/// image (layer_hashes).
struct MachinePrediction {
  static constexpr study::TaskKind kind{.name = "compare", .algorithm = 2};
  Identity data, model;
  long long images = 0, batch = 0, threads = 1;
  std::string precision;
  std::string profile;  ///< named besides the bits: two profiles that fall together are both asked
  Identity environment;

  void fields(auto& field) {
    field("data", data), field("model", model), field("images", images), field("batch", batch),
        field("threads", threads), field("precision", precision), field("profile", profile),
        field("environment", environment);
  }
};

class Compare final : public study::Experiment {
 public:
  [[nodiscard]] std::string name() const override { return "compare"; }
  [[nodiscard]] std::string help() const override {
    return "the same models and images predicted on every environment: Schloegl et al. 2023";
  }
  [[nodiscard]] std::vector<ParameterGroup> keys() const override;
  void check(const study::Job& job) const override { check_training(job); }
  [[nodiscard]] std::vector<forensics::Subject> subjects(const study::Job& job,
                                                         const data::Dataset* data) const override;
  [[nodiscard]] Plan plan(const StudyInputs& inputs) const override;
  [[nodiscard]] std::vector<store::Group> tabulate(const StudyInputs& inputs, const Plan& plan,
                                                   const OutcomeLookup& outcome) const override;
  [[nodiscard]] std::vector<std::string> papers() const override { return {"numerical-deviations"}; }
  [[nodiscard]] std::vector<study::Table> report(const store::Group& root) const override;
};

/// What is shown beside the network's own layers: the confidences, which a service may answer with.
inline constexpr const char* softmax_layer = "softmax";

}  // namespace telltale::experiments
