#include "watermark/near_decisions.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "models/evaluate.h"
#include "models/network.h"
#include "models/transform.h"

namespace telltale::watermark {
namespace {

constexpr std::int64_t read_at_once = 5000;

std::vector<float> values_of(const at::Tensor& tensor) {
  const at::Tensor rows = tensor.to(at::kFloat).contiguous();
  return {rows.data_ptr<float>(), rows.data_ptr<float>() + rows.numel()};
}

// Images with the logits that they got: the nearest so far.
class Nearest {
 public:
  Nearest(const BiasSettings& settings, at::IntArrayRef image, int classes)
      : settings_(settings),
        images_(at::empty({0, image[0], image[1], image[2]}, at::kByte)),
        logits_(at::empty({0, classes}, at::kFloat)) {}

  void add(const at::Tensor& images, const at::Tensor& logits) {
    const at::Tensor near = (margins(logits) < settings_.margin).nonzero().flatten();
    images_ = at::cat({images_, (images.index_select(0, near) * 255).round().to(at::kByte).contiguous()});
    logits_ = at::cat({logits_, logits.index_select(0, near)});
    if (logits_.size(0) > 2 * settings_.queries) keep();
  }

  /// In their order, the nearest first; equal ones as they came.
  void keep() {
    const std::vector<float> margin = values_of(margins(logits_));
    std::vector<std::int64_t> order(margin.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return margin[static_cast<std::size_t>(a)] < margin[static_cast<std::size_t>(b)];
    });
    order.resize(std::min(order.size(), static_cast<std::size_t>(settings_.queries)));
    const at::Tensor kept = at::tensor(order, at::kLong);
    images_ = images_.index_select(0, kept), logits_ = logits_.index_select(0, kept);
  }

  [[nodiscard]] const at::Tensor& images() const { return images_; }
  [[nodiscard]] const at::Tensor& logits() const { return logits_; }

  static at::Tensor margins(const at::Tensor& logits) {
    const at::Tensor best = std::get<0>(logits.topk(2, 1));
    return best.select(1, 0) - best.select(1, 1);
  }

 private:
  const BiasSettings& settings_;
  at::Tensor images_;  // N x C x H x W bytes
  at::Tensor logits_;
};

}  // namespace

BiasQueries near_decisions(models::Network& network, const models::ImageView& train, const models::ImageView& test,
                           int classes, const BiasSettings& settings, std::int64_t batch,
                           const std::function<void()>& check) {
  const at::NoGradGuard no_grad;
  const models::BiasBasis basis =
      models::BiasBasis::of(train, classes, static_cast<int>(settings.frequencies), settings.copies);
  check();
  Nearest nearest(settings, {train.shape.channels, train.shape.height, train.shape.width}, classes);
  const std::int64_t half = test.count / 2;
  for (const models::ImageView& view : {train, test.part(half, test.count - half)})
    for (long long copy = 0; copy <= settings.copies; ++copy)
      for (std::int64_t first = 0; first < view.count; first += read_at_once) {
        const at::Tensor images = models::copy_of(view, first, read_at_once, copy);
        nearest.add(images, models::predict_logits(network, images, batch));
        check();
      }
  nearest.keep();

  BiasQueries queries;
  queries.shape = train.shape, queries.classes = classes;
  queries.means = values_of(basis.means), queries.whitening = values_of(basis.whitening);
  const at::Tensor pixels = nearest.images().contiguous(), answers = nearest.logits(),
                   pair = std::get<1>(answers.topk(2, 1)).contiguous();
  queries.pixels.assign(pixels.data_ptr<std::uint8_t>(), pixels.data_ptr<std::uint8_t>() + pixels.numel());
  queries.features = values_of(basis.features(pixels.to(at::kFloat) / 255, answers.softmax(1)));
  queries.margin = values_of(Nearest::margins(answers));
  for (std::int64_t i = 0; i < answers.size(0); ++i) {
    queries.first.push_back(pair[i][0].item<std::int64_t>());
    queries.second.push_back(pair[i][1].item<std::int64_t>());
  }
  return queries;
}

at::Tensor pixels_of(const BiasQueries& queries) {
  const data::ImageShape& shape = queries.shape;
  return at::tensor(queries.pixels, at::kByte)
      .view({static_cast<std::int64_t>(queries.count()), shape.channels, shape.height, shape.width});
}

models::BiasBasis basis_of(const BiasQueries& queries, const BiasSettings& settings) {
  const auto features = static_cast<std::int64_t>(queries.each());
  return {static_cast<int>(settings.frequencies), at::tensor(queries.means).view({queries.classes, features}),
          at::tensor(queries.whitening).view({features, features})};
}

}  // namespace telltale::watermark
