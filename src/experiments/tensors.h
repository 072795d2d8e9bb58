// Between the program's own arrays and LibTorch's tensors.
#pragma once

#include <ATen/Tensor.h>

#include <span>
#include <string>

#include "cluster/work.h"
#include "core/array.h"
#include "watermark/samples.h"

namespace telltale::experiments {

/// A float64 tensor as it is, any other as float32 (which holds bfloat16 exactly): row-major, bit for bit.
Array array_of(const at::Tensor& values);
/// Labels as the results hold them.
Array array_of(const std::vector<std::int64_t>& labels);

/// Puts the accuracy of answers to all test images, and to each half of them, into a task's outcome: `name`, and `name`
/// with _first_half (none of a single image) and _second_half.
void put_accuracies(cluster::TaskResult& result, const std::string& name, std::span<const std::int64_t> answers,
                    ByteSpan labels);

}  // namespace telltale::experiments
