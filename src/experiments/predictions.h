// Questions that every machine is asked: the keys that experiments which ask them have in common.
#pragma once

#include <string>

#include "core/parameter.h"
#include "forensics/fingerprint.h"
#include "study/environments.h"
#include "study/grid.h"
#include "study/job.h"

namespace telltale::experiments {

/// How many test images are predicted on every environment.
Parameter predict_images_key(const std::string& help);
Parameter predict_batch_key();
/// What they are computed in.
Parameter precision_key();

/// Refuses more of these images than there are.
void check_predict_images(const study::Job& job, long long test_images);

/// The environments as an axis.
study::Axis environment_axis(const study::Environments& environments);

/// What fingerprints must cover of predictions by a network.
forensics::Subject prediction_subject(const models::NetworkSpec& network, long long batch, long long threads,
                                      const std::string& precision);

}  // namespace telltale::experiments
