// Ours: every block of an image times an orthogonal matrix of its own, which the owner's secret alone decides. Nothing
// of it is trained, and nothing of the network decides it: whoever has the network has no part of the key.
#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "models/transform.h"
#include "models/transforms/blocks.h"

namespace telltale::models {
namespace {

// An orthogonal matrix, uniformly (Haar): the rows of a Gaussian one, each made orthogonal to those before it (modified
// Gram-Schmidt, twice, which is enough for a float's precision). In doubles, one operation after the other: the same
// bits on every CPU.
void draw_orthogonal(float* out, std::int64_t side, Stream& draws) {
  const auto n = static_cast<std::size_t>(side);
  std::vector<double> rows(n * n);
  for (double& value : rows) value = draws.normal();
  for (std::size_t i = 0; i < n; ++i) {
    double* row = &rows[i * n];
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t j = 0; j < i; ++j) {
        const double* before = &rows[j * n];
        double along = 0;
        for (std::size_t k = 0; k < n; ++k) along += row[k] * before[k];
        for (std::size_t k = 0; k < n; ++k) row[k] -= along * before[k];
      }
      double squares = 0;
      for (std::size_t k = 0; k < n; ++k) squares += row[k] * row[k];
      const double length = std::sqrt(squares);
      for (std::size_t k = 0; k < n; ++k) row[k] /= length;
    }
  }
  for (std::size_t i = 0; i < n * n; ++i) out[i] = static_cast<float>(rows[i]);
}

class Keyed final : public Transform {
 public:
  explicit Keyed(const TransformSpec& spec) : Transform(spec), side_(setting("key_block").get<std::int64_t>()) {
    const std::int64_t size = block_size(spec.input, side_);
    keys_ = register_buffer("keys", at::zeros({block_count(spec.input, side_), size, size}));
  }

  void draw(const Stream& secret) override {
    const std::int64_t size = keys_.size(1);
    for (std::int64_t block = 0; block < keys_.size(0); ++block) {
      Stream draws = secret.derive("key of block " + std::to_string(block));
      draw_orthogonal(keys_.data_ptr<float>() + block * size * size, size, draws);
    }
  }

 private:
  at::Tensor perturbation(const at::Tensor& images, std::span<const Variation>) override {
    const at::Tensor turned = blocks_of(images, spec().input, side_).bmm(keys_.transpose(1, 2));
    return (from_blocks(turned, spec().input, side_) - images) / unit();
  }

  std::int64_t side_;
  at::Tensor keys_;  // blocks x size x size
};

}  // namespace

std::shared_ptr<Transform> make_keyed(const TransformSpec& spec) { return std::make_shared<Keyed>(spec); }

}  // namespace telltale::models
