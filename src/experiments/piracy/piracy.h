// The experiment of Chen and Wu 2018, "Protect Your Deep Neural Networks from Piracy": networks that are trained to
// work behind a transform alone, and what a thief without it gets out of them.
//
// Stages: `train` (network and transform together), `deliver` (the two apart), `evaluate`, `images` (Fig. 2),
// `machines` (every network on every environment, at every precision), and one for each attack. A thief's tasks have
// the network's product, and the transform's only where an attack needs pairs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/training.h"
#include "watermark/attack.h"

namespace telltale::experiments {

/// A part of what a training of a network and its transform made, as a product of its own: "network" or "transform".
/// Its outcome: the product's SHA-256.
struct Deliver {
  static constexpr study::TaskKind kind{.name = "deliver", .algorithm = 1, .makes_product = true};
  Identity training;
  std::string part;

  void fields(auto& field) { field("training", training), field("part", part); }
};

/// Asks a network, as it is or after an attack, for the test images, raw and (where it has a transform) processed. Its
/// outcome: accuracy and raw_accuracy, each with its _first_half and _second_half of the test images; of a network as
/// it is, perturbation_rms and perturbation_most, in units of its range of pixels; and what the attack measures.
struct QueryProtected {
  static constexpr study::TaskKind kind{.name = "query-protected", .algorithm = 1};
  Identity data, network;
  std::optional<Identity> transform;
  Json attack;
  std::string environment;
  long long eval_batch = 0;
  std::optional<Json> drawn_as{};  ///< the transform's spec, where an attack draws one of its own

  void fields(auto& field) {
    field("data", data), field("network", network), field("transform", transform), field("attack", attack),
        field("environment", environment), field("eval_batch", eval_batch), field("drawn_as", drawn_as);
  }
};

/// One machine's answers to the first test images, raw and (where there is a transform) processed there. Its outcome:
/// accuracy and raw_accuracy, labels and raw_labels, uint8, one an image, and logits, images x classes, of the
/// processed.
struct AnswerProtected {
  static constexpr study::TaskKind kind{.name = "answer-protected", .algorithm = 1};
  Identity data, network;
  std::optional<Identity> transform;
  long long images = 0, batch = 0;
  std::string precision;  ///< of the network; transforms are computed in float32
  std::string profile;    ///< named besides the bits: two profiles that fall together are both asked
  Identity environment;

  void fields(auto& field) {
    field("data", data), field("network", network), field("transform", transform), field("images", images),
        field("batch", batch), field("precision", precision), field("profile", profile),
        field("environment", environment);
  }
};

/// The first test images, raw and processed: float32, images x C x H x W.
struct ShowProcessed {
  static constexpr study::TaskKind kind{.name = "show-processed", .algorithm = 1};
  Identity data, transform;
  long long images = 0;

  void fields(auto& field) { field("data", data), field("transform", transform), field("images", images); }
};

class AntiPiracy final : public study::Experiment {
 public:
  AntiPiracy();

  [[nodiscard]] std::string name() const override { return "anti-piracy"; }
  [[nodiscard]] std::string help() const override {
    return "Chen and Wu 2018: networks that work behind the owner's transform alone, and what a thief makes of them";
  }
  [[nodiscard]] std::vector<ParameterGroup> keys() const override;
  void check(const study::Job& job) const override;
  [[nodiscard]] std::vector<forensics::Subject> subjects(const study::Job& job,
                                                         const data::Dataset* data) const override;
  [[nodiscard]] Plan plan(const StudyInputs& inputs) const override;
  [[nodiscard]] std::vector<store::Group> tabulate(const StudyInputs& inputs, const Plan& plan,
                                                   const OutcomeLookup& outcome) const override;
  [[nodiscard]] std::vector<std::string> papers() const override { return {"anti-piracy"}; }
  [[nodiscard]] std::vector<study::Table> report(const store::Group& root) const override;

 private:
  std::vector<const watermark::Attack*> attacks_;
};

}  // namespace telltale::experiments
