// Thieves who copy a network by its answers: the student that they train.
#pragma once

#include <ATen/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "models/network_spec.h"
#include "watermark/attack.h"

namespace telltale::watermark {

/// Which images of the first half of the test images a thief asks about, in the order that he draws.
std::vector<std::int64_t> asked_images(const AttackInputs& inputs);

/// What the service tells him of each image, as the setting `answers` says: all probabilities, or 1 for its label;
/// images x classes.
at::Tensor told(Service& service, const at::Tensor& images, const Json& settings);

/// A network of this structure with weights that the thief draws.
std::shared_ptr<models::Network> new_student(const AttackInputs& inputs, const models::NetworkSpec& spec);

/// Trains a student towards `answers`, one row of probabilities for each of `images`, as the settings `steps`, `rate`
/// and `batch` say.
void train_student(const std::shared_ptr<models::Network>& student, const AttackInputs& inputs,
                   const at::Tensor& images, const at::Tensor& answers);

/// Measures `agreement`: the share of the second half of the test images that the student answers as the service does.
void measure_agreement(const AttackInputs& inputs, models::Network& student, Service& service);

}  // namespace telltale::watermark
