// Model inversion of watermarked networks: does an image that is made from the network's answers alone show the mark?
// (Zhang et al. 2018, Sec. 5.5, Figs. 8 and 9)
#pragma once

#include "experiments/ownership/ownership.h"

namespace telltale::experiments {

/// Inverts a network for the label of a scheme's key samples, and sets the image found beside the watermark's pattern:
/// what key samples have more than their originals, on average, or the average key sample of a scheme that marks no
/// images. Its outcome: image (float32, C x H x W), start (likewise), pattern (likewise), confidence, steps (int64),
/// and Pearson correlations over the pixels of the pattern, or of another secret's (wrong), with the image and with
/// what inversion changed (change): correlation, wrong_correlation, change_correlation, wrong_change_correlation;
/// class_correlation with the mean training image of the label; chance_correlation, the largest magnitude of the
/// image's with `chances` patterns of noise.
struct Invert {
  static constexpr study::TaskKind kind{.name = "invert", .algorithm = 1};
  static constexpr int chances = 99;
  Identity data, model;
  Json scheme;
  std::string from;  ///< class, blank or noise
  std::string cost;
  long long steps = 0, patience = 0;
  double rate = 0, confidence = 0;
  std::string environment;

  void fields(auto& field) {
    field("data", data), field("model", model), field("scheme", scheme), field("from", from), field("cost", cost),
        field("steps", steps), field("patience", patience), field("rate", rate), field("confidence", confidence),
        field("environment", environment);
  }
};

/// The keys `invert-*`.
ParameterGroup inversion_keys();

/// What fingerprints must cover: one image at a time.
void add_inversion_subjects(std::vector<forensics::Subject>& subjects, const study::Job& job);

/// Lays out the stage `inversion` where the job asks for it: every case's marked network, and the clean one as control.
void plan_inversion(Plan& plan, const StudyInputs& inputs, const Ownership& ownership,
                    const std::vector<PlannedTraining>& trainings);

store::Group inversion_group(const Stage& stage, const StudyInputs& inputs, const OutcomeLookup& outcome);
/// Means over the repeats.
study::Table inversion_table(const store::Group& inversion);

}  // namespace telltale::experiments
