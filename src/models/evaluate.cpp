#include "models/evaluate.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "models/batches.h"
#include "models/runtime.h"

namespace telltale::models {
namespace {

// Evaluation mode for as long as it lives.
class Evaluating {
 public:
  explicit Evaluating(Network& network) : network_(network), was_training_(network.is_training()) { network.eval(); }
  ~Evaluating() { network_.train(was_training_); }
  Evaluating(const Evaluating&) = delete;
  Evaluating& operator=(const Evaluating&) = delete;

 private:
  Network& network_;
  bool was_training_;
  at::NoGradGuard no_grad_;
};

// LibTorch gives oneDNN bfloat16 by the flags of the CPU, and does not see that a profile holds oneDNN below AVX-512,
// where it refuses. A CPU of such a profile computes with LibTorch's own kernels: so does this, as long as it lives.
class AsOnThisProfile {
 public:
  explicit AsOnThisProfile(at::ScalarType type)
      : refuses_(type == at::kBFloat16 && at::globalContext().userEnabledMkldnn() && !onednn_computes_bfloat16()) {
    if (refuses_) at::globalContext().setUserEnabledMkldnn(false);
  }
  ~AsOnThisProfile() {
    if (refuses_) at::globalContext().setUserEnabledMkldnn(true);
  }
  AsOnThisProfile(const AsOnThisProfile&) = delete;
  AsOnThisProfile& operator=(const AsOnThisProfile&) = delete;

 private:
  bool refuses_;
};

// `write(index, out)` puts image `index` to `out`, channels last. The last batch is filled up with black images: bits
// depend on the size of a batch, so that there is one size only, whatever the number of images is.
template <typename Write>
at::Tensor predict(Network& network, std::int64_t count, std::int64_t batch, Write write) {
  if (batch < 1) throw Error("images are asked in batches of at least one");
  const Evaluating evaluating(network);
  const data::ImageShape& shape = network.spec().input;
  const auto size = static_cast<std::int64_t>(shape.pixels());
  const at::ScalarType type = network.parameters().front().scalar_type();
  const AsOnThisProfile kernels(type);
  at::Tensor logits = at::empty({count, network.spec().classes}, type);
  for (std::int64_t first = 0; first < count; first += batch) {
    const std::int64_t taken = std::min(batch, count - first);
    const at::Tensor pixels = at::empty({batch, shape.height, shape.width, shape.channels}, at::kFloat);
    for (std::int64_t i = 0; i < taken; ++i) write(first + i, pixels.data_ptr<float>() + i * size);
    std::fill_n(pixels.data_ptr<float>() + taken * size, (batch - taken) * size, 0.0F);
    logits.narrow(0, first, taken).copy_(network.forward(pixels.permute({0, 3, 1, 2}).to(type)).narrow(0, 0, taken));
  }
  return logits;
}

template <typename Label>
std::int64_t count_right(std::span<const std::int64_t> answers, std::span<const Label> labels) {
  if (answers.empty() || answers.size() != labels.size()) throw Error("an accuracy needs one label for each answer");
  std::int64_t right = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) right += answers[i] == static_cast<std::int64_t>(labels[i]);
  return right;
}

double share(std::int64_t right, std::size_t all) { return static_cast<double>(right) / static_cast<double>(all); }

}  // namespace

at::Tensor predict_logits(Network& network, const ImageView& images, std::int64_t batch) {
  check(images);
  if (images.shape != network.spec().input) throw Error("these images are not of the shape the network takes");
  return predict(network, images.count, batch,
                 [&](std::int64_t index, float* out) { write_image(images.image(index), images.shape, out); });
}

at::Tensor predict_logits(Network& network, const at::Tensor& images, std::int64_t batch) {
  const data::ImageShape& shape = network.spec().input;
  if (images.dim() != 4 || images.scalar_type() != at::kFloat || images.size(1) != shape.channels ||
      images.size(2) != shape.height || images.size(3) != shape.width) {
    throw Error("these images are not of the shape the network takes");
  }
  const at::Tensor planes = images.contiguous();
  const float* first = planes.data_ptr<float>();
  const auto size = static_cast<std::int64_t>(shape.pixels());
  return predict(network, planes.size(0), batch,
                 [&](std::int64_t index, float* out) { write_image(first + index * size, shape, out); });
}

std::vector<std::int64_t> labels_of(const at::Tensor& logits, std::int64_t removed) {
  if (logits.dim() != 2 || !logits.is_floating_point()) throw Error("labels are read from rows of logits");
  const std::int64_t classes = logits.size(1);
  if (classes - (removed >= 0 && removed < classes) < 1) throw Error("there is no output left to answer");
  const at::Tensor rows = logits.detach().to(at::kDouble).contiguous();  // exact for every precision
  std::vector<std::int64_t> labels(static_cast<std::size_t>(rows.size(0)));
  const double* row = rows.data_ptr<double>();
  for (std::int64_t& label : labels) {
    label = removed == 0 ? 1 : 0;
    for (std::int64_t c = label + 1; c < classes; ++c) {
      if (c != removed && row[c] > row[label]) label = c;
    }
    if (row[label] == no_answer) label = refused_label;
    row += classes;
  }
  return labels;
}

double accuracy(std::span<const std::int64_t> answers, std::span<const std::int64_t> labels) {
  return share(count_right(answers, labels), labels.size());
}

double accuracy(std::span<const std::int64_t> answers, ByteSpan labels) {
  return share(count_right(answers, labels), labels.size());
}

std::int64_t matches(std::span<const std::int64_t> answers, std::span<const std::int64_t> labels) {
  return count_right(answers, labels);
}

std::vector<double> margins(const at::Tensor& logits, std::span<const std::int64_t> labels) {
  if (logits.dim() != 2 || logits.size(0) != static_cast<std::int64_t>(labels.size()))
    throw Error("margins need one label for each row of logits");
  const at::Tensor rows = logits.detach().to(at::kDouble).contiguous();
  const std::int64_t classes = rows.size(1);
  const double* row = rows.data_ptr<double>();
  std::vector<double> all;
  for (const std::int64_t label : labels) {
    double best = -std::numeric_limits<double>::infinity();
    for (std::int64_t c = 0; c < classes; ++c)
      if (c != label) best = std::max(best, row[c]);
    all.push_back(row[label] - best);
    row += classes;
  }
  return all;
}

double least_margin(const at::Tensor& logits, std::span<const std::int64_t> labels) {
  if (labels.empty()) throw Error("there is no least margin of no rows");
  const std::vector<double> all = margins(logits, labels);
  return *std::min_element(all.begin(), all.end());
}

double share_of(std::span<const std::int64_t> answers, std::int64_t label) {
  if (answers.empty()) throw Error("a share of no answers is asked for");
  return static_cast<double>(std::count(answers.begin(), answers.end(), label)) / static_cast<double>(answers.size());
}

}  // namespace telltale::models
