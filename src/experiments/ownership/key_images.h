// What key samples look like, and what a network answers to them: the pictures of a watermark (Zhang et al. 2018,
// Figs. 4 and 5).
#pragma once

#include "experiments/ownership/ownership.h"

namespace telltale::experiments {

/// The first key samples of a case and their originals, with the network's best answers to both. Its outcome, over
/// samples: images (float32, samples x C x H x W) and labels (int32); originals, where key samples are made of the data
/// set's images; and over samples, versions (original, key) and ranks: top_classes (int32) and top_shares (float64).
struct ShowKeys {
  static constexpr study::TaskKind kind{.name = "show-keys", .algorithm = 1};
  static constexpr std::int64_t ranks = 5;
  Identity data, model;
  Json scheme;
  long long images = 0;
  std::string environment;
  long long eval_batch = 0;

  void fields(auto& field) {
    field("data", data), field("model", model), field("scheme", scheme), field("images", images),
        field("environment", environment), field("eval_batch", eval_batch);
  }
};

/// `show-images`.
Parameter show_images_key();

/// Lays out the stage `key-images` over the cases with a watermark, where the job asks for it.
void plan_key_images(Plan& plan, const StudyInputs& inputs, const Ownership& ownership,
                     const std::vector<PlannedTraining>& trainings);

store::Group key_images_group(const Stage& stage, const StudyInputs& inputs, const OutcomeLookup& outcome);

}  // namespace telltale::experiments
