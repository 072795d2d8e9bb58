// What `telltale replay` does: predicts points, with no rank and no search around it.
#pragma once

#include <iosfwd>
#include <string>

#include "core/bytes.h"

namespace telltale::experiments {

/// Reads both files, predicts in batches of `batch` copies, and writes tensor "logits" (N x classes) to `output`.
/// `model`: safetensors, or a product out of a folder of artifacts; `points`: safetensors with the float32 tensor
/// "points", N x C x H x W. Throws InputError for a file that holds no network, or points of another shape.
void replay_files(const std::string& model, const std::string& points, int batch, const std::string& output);

/// The same again and again, until `requests` end: each is three lines, the paths of model, points and output; its
/// answer is one line, "done" or "failed: REASON". A model is read again only when its path is not the last one's.
void serve_replays(std::istream& requests, std::ostream& answers, int batch);

/// Answers what `telltale export` wrote as PNG into `folder`, as a service would: reads the images, fills its form
/// (answers.csv) and writes that as `output`.
void replay_export(const std::string& model, const std::string& folder, int batch, const std::string& output);

}  // namespace telltale::experiments
