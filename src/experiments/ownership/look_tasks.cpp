// Tasks that look at watermarks: their key samples, and what model inversion finds of them.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "experiments/ownership/inversion.h"
#include "experiments/ownership/key_images.h"
#include "experiments/runners.h"
#include "experiments/tensors.h"
#include "models/batches.h"
#include "models/evaluate.h"
#include "models/network.h"
#include "watermark/inversion.h"

namespace telltale::experiments {
namespace {

// The images that key samples were made of, N x C x H x W.
at::Tensor originals_of(const watermark::KeySamples& keys, const models::ImageView& images) {
  watermark::KeySamples originals{keys.shape, {}, keys.labels, keys.sources};
  for (const std::int64_t source : keys.sources)
    for (const std::uint8_t byte : images.image(source)) originals.pixels.push_back(models::pixel_value(byte));
  return images_of(originals);
}

struct SplitViews {
  explicit SplitViews(const data::Dataset& data)
      : train(models::ImageView::of(data.shape(), data.train())),
        test(models::ImageView::of(data.shape(), data.test())) {}
  models::ImageView train, test;
};

cluster::TaskResult show_keys(const ShowKeys& task, RankState& rank, cluster::TaskContext& context) {
  const data::Dataset& data = rank.planned_data(task.data);
  const SplitViews views(data);
  const watermark::Scheme& scheme = watermark::scheme_of(task.scheme);
  watermark::KeySamples keys = scheme.queries({task.scheme, views.train, views.test, data.classes(), &rank.other_data},
                                              watermark::Query::fresh, 0);
  keys.keep_first(task.images);
  const auto model = rank.models.get(task.model, context);
  const std::int64_t count = keys.count(), ranks = std::min<std::int64_t>(ShowKeys::ranks, model->spec().classes);
  const at::Tensor images = images_of(keys);
  std::vector<std::int32_t> classes(static_cast<std::size_t>(count * 2 * ShowKeys::ranks), -1);
  std::vector<double> shares(classes.size(), std::nan(""));
  const auto answer = [&](const at::Tensor& asked, std::int64_t version) {
    const at::Tensor probabilities = models::predict_logits(*model, asked, task.eval_batch).to(at::kDouble).softmax(1);
    const auto [best, indices] = probabilities.topk(ranks, 1);
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t r = 0; r < ranks; ++r) {
        const auto place = static_cast<std::size_t>((i * 2 + version) * ShowKeys::ranks + r);
        classes[place] = indices[i][r].item<std::int32_t>();
        shares[place] = best[i][r].item<double>();
      }
  };
  cluster::TaskResult result;
  if (scheme.marks_images()) {
    const at::Tensor originals = originals_of(keys, views.test);
    result.values["originals"] = array_of(originals);
    answer(originals, 0);
  }
  answer(images, 1);
  result.values["images"] = array_of(images);
  result.values["labels"] = array_of(keys.labels);
  result.values["top_classes"] = Array::of<std::int32_t>({count, 2, ShowKeys::ranks}, classes);
  result.values["top_shares"] = Array::of<double>({count, 2, ShowKeys::ranks}, shares);
  return result;
}

// What key samples have in common: more than their originals, or at all.
at::Tensor pattern_of(const watermark::Scheme& scheme, const watermark::KeySamples& keys,
                      const models::ImageView& images) {
  const at::Tensor samples = images_of(keys);
  return (scheme.marks_images() ? samples - originals_of(keys, images) : samples).to(at::kDouble).mean(0);
}

// Pearson's, over all elements; 0 of a constant.
double correlation(const at::Tensor& one, const at::Tensor& other) {
  const at::Tensor a = one.to(at::kDouble).flatten(), b = other.to(at::kDouble).flatten();
  const at::Tensor x = a - a.mean(), y = b - b.mean();
  const double size = std::sqrt(x.dot(x).item<double>() * y.dot(y).item<double>());
  return size == 0 ? 0 : x.dot(y).item<double>() / size;
}

at::Tensor tensor_of(const data::ImageShape& shape, const std::function<float(std::int64_t)>& pixel) {
  at::Tensor image = at::empty({shape.channels, shape.height, shape.width}, at::kFloat);
  float* out = image.data_ptr<float>();
  for (std::int64_t i = 0; i < image.numel(); ++i) out[i] = pixel(i);
  return image;
}

at::Tensor noise_of(const data::ImageShape& shape, Stream draws) {
  return tensor_of(shape, [&](std::int64_t) { return static_cast<float>(draws.uniform()); });
}

// The mean training image of a class; of all where none has it (a new label).
at::Tensor mean_of_class(const models::ImageView& images, std::int64_t label) {
  const bool all = std::find(images.labels.begin(), images.labels.end(), label) == images.labels.end();
  const at::Tensor sum = at::zeros({images.pixels_each()}, at::kDouble);
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < images.count; ++i) {
    if (!all && images.label(i) != label) continue;
    const ByteSpan bytes = images.image(i);
    double* out = sum.data_ptr<double>();
    for (std::size_t p = 0; p < bytes.size(); ++p) out[p] += models::pixel_value(bytes[p]);
    ++count;
  }
  return sum / static_cast<double>(count);
}

// What inversion begins with. `class`: the first training image of the class that is marked, or where a scheme marks no
// class in particular the first of all.
at::Tensor start_of(const Invert& task, const models::ImageView& train, const Stream& stream) {
  if (task.from == "blank") return at::zeros({train.shape.channels, train.shape.height, train.shape.width});
  if (task.from == "noise") return noise_of(train.shape, stream.derive("start"));
  const int marked = task.scheme.value("source", train.label(0));
  const auto first = std::find(train.labels.begin(), train.labels.end(), marked);
  if (first == train.labels.end()) throw Error("there is no training image of the class that is marked");
  const ByteSpan bytes = train.image(first - train.labels.begin());
  return tensor_of(train.shape,
                   [&](std::int64_t i) { return models::pixel_value(bytes[static_cast<std::size_t>(i)]); });
}

cluster::TaskResult run_inversion(const Invert& task, RankState& rank, cluster::TaskContext& context) {
  const data::Dataset& data = rank.planned_data(task.data);
  const SplitViews views(data);
  const watermark::Scheme& scheme = watermark::scheme_of(task.scheme);
  const watermark::KeyInputs inputs{task.scheme, views.train, views.test, data.classes(), &rank.other_data};
  const auto keys = scheme.queries(inputs, watermark::Query::fresh, 0);
  const at::Tensor pattern = pattern_of(scheme, keys, views.test),
                   wrong = pattern_of(scheme, scheme.queries(inputs, watermark::Query::wrong_secret, 0), views.test);
  const std::int64_t label = keys.labels.front();
  const Stream stream(0, {{"model", task.model.hex()}, {"scheme", task.scheme}}, "inversion");
  const at::Tensor start = start_of(task, views.train, stream);
  const watermark::Inverted found =
      watermark::invert(*rank.models.get(task.model, context), start, label,
                        {task.cost, task.steps, task.rate, task.patience, task.confidence}, [&] { context.check(); });

  cluster::TaskResult result;
  const auto put = [&](const char* name, double value) { result.values[name] = Array::scalar(value); };
  result.values["image"] = array_of(found.image);
  result.values["start"] = array_of(start);
  result.values["pattern"] = array_of(pattern.to(at::kFloat));
  result.values["steps"] = Array::scalar(found.steps);
  put("confidence", found.confidence);
  const at::Tensor change = found.image - start;
  put("correlation", correlation(found.image, pattern));
  put("wrong_correlation", correlation(found.image, wrong));
  put("change_correlation", correlation(change, pattern));
  put("wrong_change_correlation", correlation(change, wrong));
  put("class_correlation", correlation(found.image, mean_of_class(views.train, label)));
  double chance = 0;
  for (int i = 0; i < Invert::chances; ++i)
    chance = std::max(
        chance,
        std::abs(correlation(found.image, noise_of(views.test.shape, stream.derive("pattern " + std::to_string(i))))));
  put("chance_correlation", chance);
  return result;
}

}  // namespace

void add_look_runners(Runners& runners) {
  runners.add(show_keys);
  runners.add(run_inversion);
}

}  // namespace telltale::experiments
