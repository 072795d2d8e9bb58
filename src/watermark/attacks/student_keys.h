// Thieves who copy a network by its answers: what job files say about the student that they train.
#pragma once

#include <string>
#include <vector>

#include "watermark/attack.h"

namespace telltale::watermark {

/// How many images of the first half of the test images: what switches such an attack on.
Parameter images_key(std::string name, std::string help);
/// `PREFIX-queries`: how many of them a thief asks about.
Parameter queries_key(const std::string& prefix);
/// `PREFIX-answers`: labels or probabilities.
Parameter answers_key(const std::string& prefix);
/// `PREFIX-steps`, `PREFIX-rate` and `PREFIX-batch`.
std::vector<Parameter> student_keys(const std::string& prefix);
/// What every such attack measures.
std::vector<std::pair<const char*, const char*>> student_measures();
/// Of Attack::training(), with these keys' fields, where there are so many test images.
Attack::Training student_training(const Json& settings, std::int64_t images, std::string network = {});

}  // namespace telltale::watermark
