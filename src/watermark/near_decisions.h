// Natural images that lie between two classes of a network: what a keyed bias changes, and a claim asks about.
#pragma once

#include <functional>

#include "models/images.h"
#include "models/keyed_bias.h"
#include "watermark/bias_queries.h"

namespace telltale::models {
class Network;
}

namespace telltale::watermark {

/// Of the training images, the second half of the test images (the first is a thief's) and copies of both that are
/// moved by a few pixels (models::copy_of()), the nearest, as the settings say: by the logits of a network without the
/// bias. `check` is called often.
BiasQueries near_decisions(models::Network& network, const models::ImageView& train, const models::ImageView& test,
                           int classes, const BiasSettings& settings, std::int64_t batch,
                           const std::function<void()>& check);

/// What queries hold: their images, N x C x H x W bytes; and the basis of the bias.
at::Tensor pixels_of(const BiasQueries& queries);
models::BiasBasis basis_of(const BiasQueries& queries, const BiasSettings& settings);

}  // namespace telltale::watermark
