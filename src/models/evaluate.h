// What a network answers, and how often it is right.
#pragma once

#include <ATen/Tensor.h>

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "models/images.h"
#include "models/network.h"

namespace telltale::models {

/// Logits, N x classes, of the network's precision, asked `batch` images at a time. The batch size may change bits: the
/// last batch is filled up with black images, so that all are of that size. The network is left in the mode it was in.
/// Images of another shape than its input: Error.
at::Tensor predict_logits(Network& network, const ImageView& images, std::int64_t batch);
/// Likewise for float32 images, N x C x H x W.
at::Tensor predict_logits(Network& network, const at::Tensor& images, std::int64_t batch);

/// The logit of an output that never answers. Where all outputs of a row are so, the question was refused.
inline constexpr double no_answer = -std::numeric_limits<double>::infinity();
/// The label of a refused question: equal to none.
inline constexpr std::int64_t refused_label = -1;

/// The output that is largest in each row of `logits` (N x classes), the first if several are. A row of NaN gives 0, a
/// refused one refused_label.
/// `removed` is an output that never answers (a thief deleted it); -1 removes none.
std::vector<std::int64_t> labels_of(const at::Tensor& logits, std::int64_t removed = -1);

/// The share of answers that equal their label, 0 to 1; throws Error if there are none or the counts differ.
double accuracy(std::span<const std::int64_t> answers, std::span<const std::int64_t> labels);
double accuracy(std::span<const std::int64_t> answers, ByteSpan labels);
/// How many answers equal their label. Throws as accuracy().
std::int64_t matches(std::span<const std::int64_t> answers, std::span<const std::int64_t> labels);
/// The margin of each row of `logits`: by how much the logit of the row's label exceeds all others. Throws Error unless
/// there is one label a row.
std::vector<double> margins(const at::Tensor& logits, std::span<const std::int64_t> labels);
/// The least of them. Throws Error if there are none, and as margins().
double least_margin(const at::Tensor& logits, std::span<const std::int64_t> labels);
/// What share of the answers is `label`.
double share_of(std::span<const std::int64_t> answers, std::int64_t label);

}  // namespace telltale::models
