// Thieves who copy a network by its answers: the student that they train.
#pragma once

#include <ATen/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "watermark/attack.h"

namespace telltale::watermark {

/// Images that a service is asked at a time.
inline constexpr std::int64_t asked_at_once = 250;

/// Which images of the first half of the test images a thief asks about, in the order that he draws.
std::vector<std::int64_t> asked_images(const AttackInputs& inputs);

/// Trains a student towards `answers`, one row of probabilities for each of `images`, as the settings `steps`, `rate`
/// and `batch` say.
void train_student(const std::shared_ptr<models::Network>& student, const AttackInputs& inputs,
                   const at::Tensor& images, const at::Tensor& answers);

/// Measures `agreement`: the share of the second half of the test images that the student answers as the service does.
void measure_agreement(const AttackInputs& inputs, models::Network& student, Service& service);

}  // namespace telltale::watermark
