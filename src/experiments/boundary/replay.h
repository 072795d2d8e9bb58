// Predictions by a process of its own: what a boundary sample is worth only shows outside of the search that found it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "data/dataset.h"
#include "forensics/oracle.h"

namespace telltale::experiments {

/// The logits (one row a point) that a new process, started outside of MPI with this process' profile, predicts for
/// `points` with the network in `model` (safetensors). `check` is called while it runs; an exception of its own ends
/// the child too. Throws Error, with what the child said, if it fails.
std::vector<std::vector<float>> replay_in_process(ByteSpan model, const std::vector<forensics::Point>& points,
                                                  const data::ImageShape& shape, int batch,
                                                  const std::function<void()>& check);

/// What that process does: reads both files, predicts in batches of `batch` copies, and writes tensor "logits"
/// (N x classes) to `output` unless that is empty. `model`: safetensors, or a product out of a folder of artifacts;
/// `points`: safetensors with the float32 tensor "points", N x C x H x W. Returns the labels.
std::vector<int> replay_files(const std::string& model, const std::string& points, int batch,
                              const std::string& output);

/// Answers what `telltale export` wrote as PNG into `folder`, as a service would: reads the images, fills its form
/// (answers.csv) and writes that as `output`.
void replay_export(const std::string& model, const std::string& folder, int batch, const std::string& output);

}  // namespace telltale::experiments
