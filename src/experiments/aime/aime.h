// The experiment of Mehta et al. 2022, "AIME: Watermarking AI Models by Leveraging Errors": a signature is written in
// images that the finished network mispredicts, embedded by fine-tuning on them, and read back.
//
// Its stages are those of ownership, with the clean network of the same repeat as the control: the key before any
// fine-tuning ("0 epochs"); and `confusion`, `integrity` (every key put to every network), `weights`.
#pragma once

#include "experiments/ownership/ownership.h"

namespace telltale::experiments {

/// Puts a key to a network and nothing else. Its outcome: answers (int32, one a digit), matches and true_matches
/// (int64) with the key's labels and the true classes, least_margin (of the key's labels, in logits).
struct Extract {
  static constexpr study::TaskKind kind{.name = "extract", .algorithm = 1};
  Identity data, model;
  Json scheme;       ///< of the key
  Identity answers;  ///< that the key was chosen by
  std::string environment;
  long long eval_batch = 0;

  void fields(auto& field) {
    field("data", data), field("model", model), field("scheme", scheme), field("answers", answers),
        field("environment", environment), field("eval_batch", eval_batch);
  }
};

/// How a network's weights differ from those that it started from. Its outcome: counts and start_counts (parts x bins,
/// int64) of edges (parts x bins + 1), the parts being weights and biases; largest_change, ks_statistic, mean_shift,
/// deviation_ratio (parts); and of networks with a convolution kernels (float32, filters x channels x rows x columns,
/// the first one's) and largest_kernel_change.
struct CompareWeights {
  static constexpr study::TaskKind kind{.name = "compare-weights", .algorithm = 1};
  static constexpr std::int64_t parts = 2, bins = 100;
  Identity model, start;

  void fields(auto& field) { field("model", model), field("start", start); }
};

class Aime final : public OwnershipExperiment {
 public:
  Aime();

  [[nodiscard]] std::string name() const override { return "aime"; }
  [[nodiscard]] std::string help() const override {
    return "Mehta et al. 2022: train, embed, extract, prune, fine-tune";
  }
  [[nodiscard]] std::vector<ParameterGroup> keys() const override;
  [[nodiscard]] Plan plan(const StudyInputs& inputs) const override;
  [[nodiscard]] std::vector<store::Group> tabulate(const StudyInputs& inputs, const Plan& plan,
                                                   const OutcomeLookup& outcome) const override;
  [[nodiscard]] std::vector<std::string> papers() const override { return {"aime"}; }
  [[nodiscard]] std::vector<study::Table> report(const store::Group& root) const override;
};

}  // namespace telltale::experiments
