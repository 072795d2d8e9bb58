#include "experiments/boundary/replay.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <istream>
#include <iterator>
#include <optional>
#include <ostream>

#include "core/error.h"
#include "core/posix.h"
#include "forensics/evaluator.h"
#include "models/batches.h"
#include "models/network.h"
#include "models/runtime.h"
#include "models/weights.h"
#include "store/png_file.h"
#include "study/ledger.h"

namespace telltale::experiments {

namespace {

using namespace study;  // the engine's tables, texts and files

// A network from safetensors, or from a training's product in the artifact store.
forensics::Evaluator evaluator_of(const std::string& path, int batch) {
  models::set_threads_to_one();
  try {
    return forensics::Evaluator(models::load_network(read_made(path)), batch);
  } catch (const Error& error) {
    throw InputError(path + " holds no network: " + error.what());
  }
}

forensics::Point point_of(const std::string& path, const data::ImageShape& shape) {
  const store::PngImage image = store::read_png(path);
  if (image.rows != shape.height || image.columns != shape.width || image.channels != shape.channels)
    throw InputError(path + " is not of the shape that the network takes (" + shape.to_text() + ")");
  forensics::Point point(shape.pixels());
  const auto channels = static_cast<std::size_t>(shape.channels);
  const std::size_t plane = shape.pixels() / channels;
  for (std::size_t i = 0; i < plane; ++i)
    for (std::size_t c = 0; c < channels; ++c)
      point[c * plane + i] = models::pixel_value(image.bytes[i * channels + c]);
  return point;
}

// Writes tensor "logits" (N x classes) for the tensor "points" in a file.
void answer_points(const forensics::Evaluator& evaluator, const std::string& points, const std::string& output) {
  const models::TensorMap map = models::read_tensors(read_file(points));
  const at::Tensor& stored = map.at("points");
  const data::ImageShape& shape = evaluator.spec().input;
  if (stored.dim() != 4 || stored.scalar_type() != at::kFloat || stored.size(1) != shape.channels ||
      stored.size(2) != shape.height || stored.size(3) != shape.width)
    throw InputError("the points are not of the shape that the network takes (" + shape.to_text() + ")");
  const at::Tensor logits = at::empty({stored.size(0), evaluator.spec().classes}, at::kFloat);
  const std::size_t size = shape.pixels();
  for (std::int64_t i = 0; i < stored.size(0); ++i) {
    const float* first = stored.data_ptr<float>() + static_cast<std::size_t>(i) * size;
    const forensics::Answer answer = evaluator.answer({{first, first + size}, forensics::Slope::none, 0, {}});
    std::memcpy(logits[i].data_ptr<float>(), answer.logits.data(), answer.logits.size() * sizeof(float));
  }
  write_file(output, models::write_tensors({{{"logits", logits}}, {}}));
}

}  // namespace

void replay_files(const std::string& model, const std::string& points, int batch, const std::string& output) {
  answer_points(evaluator_of(model, batch), points, output);
}

void serve_replays(std::istream& requests, std::ostream& answers, int batch) {
  std::optional<forensics::Evaluator> evaluator;
  std::string loaded, model, points, output;
  while (std::getline(requests, model) && std::getline(requests, points) && std::getline(requests, output)) {
    std::string answer = "done";
    try {
      if (model != loaded) {
        loaded.clear();
        evaluator.emplace(evaluator_of(model, batch));
        loaded = model;
      }
      answer_points(*evaluator, points, output);
    } catch (const std::exception& error) {
      answer = "failed: " + std::string(error.what());
      std::replace(answer.begin(), answer.end(), '\n', ' ');
    }
    answers << answer << std::endl;
  }
}

void replay_export(const std::string& model, const std::string& folder, int batch, const std::string& output) {
  const forensics::Evaluator evaluator = evaluator_of(model, batch);
  const std::filesystem::path form = std::filesystem::path(folder) / "answers.csv";
  std::ifstream lines(form);
  if (!lines) throw InputError(form.string() + " is missing: this is no folder that `telltale export` wrote");
  std::string filled;
  for (std::string line; std::getline(lines, line); filled += line + "\n") {
    if (line.empty() || line.front() < '0' || line.front() > '9') continue;
    const std::string sample = line.substr(0, line.find(','));
    char name[64];
    std::snprintf(name, sizeof name, "sample-%06lld.png", std::atoll(sample.c_str()));
    const auto image = std::filesystem::path(folder) / name;
    const forensics::Answer answer =
        evaluator.answer({point_of(image.string(), evaluator.spec().input), forensics::Slope::none, 0, {}});
    line = sample + "," + std::to_string(answer.label());
  }
  write_file(output, as_bytes(filled));
}

}  // namespace telltale::experiments
