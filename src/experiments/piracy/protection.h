// What a case of anti-piracy trains: a network and the transform that it is to work behind, as the job's keys say.
#pragma once

#include "data/dataset.h"
#include "experiments/training.h"

namespace telltale::experiments {

/// The value of `transform` of networks that are not protected, and what raw images are of then: nothing.
inline constexpr const char* no_transform = "none";
/// The value of `transform` that stands for all that ours is made of (docs/anti-piracy.md).
inline constexpr const char* telltale_preset = "telltale";

/// The keys of transforms and of the loss.
ParameterGroup protection_keys();

/// The network behind the preset: one that is blind to how pixels lie.
models::NetworkSpec keyed_network(const data::ImageShape& input, int classes);
/// The network that works behind a case's transform: the job's, but for the preset.
models::NetworkSpec network_behind(const CaseValues& values, const data::ImageShape& input, int classes);

/// What a case trains. `input`: what networks of the job take.
Trained protected_training(const CaseValues& values, const data::ImageShape& input, const data::Dataset& data);

}  // namespace telltale::experiments
