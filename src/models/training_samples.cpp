#include "models/training_samples.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace telltale::models {
namespace {

void check_labels(std::int64_t label, int classes) {
  if (label >= 0 && label < classes) return;
  throw Error("a training sample has label " + std::to_string(label) + "; the network's " + std::to_string(classes) +
              " outputs count from 0");
}

void check_data(const TrainingData& data, const NetworkSpec& spec, Augmentation augmentation) {
  check(data.base);
  const data::ImageShape &image = data.base.shape, &taken = spec.input;
  const bool fits = augmentation == Augmentation::window_flip
                        ? image.channels == taken.channels && image.height >= taken.height && image.width >= taken.width
                        : image == taken;
  if (!fits) throw Error("the training images are not of the shape the network takes");
  for (const std::uint8_t label : data.base.labels) check_labels(label, spec.classes);
  if (data.extra_images.defined() != data.extra_labels.defined()) throw Error("extra samples need images and labels");
  if (data.extra_images.defined()) {
    const at::Tensor& images = data.extra_images;
    const at::Tensor& labels = data.extra_labels;
    const data::ImageShape& shape = spec.input;
    if (images.scalar_type() != at::kFloat || labels.scalar_type() != at::kLong || labels.dim() != 1 ||
        images.sizes() != at::IntArrayRef({labels.size(0), shape.channels, shape.height, shape.width})) {
      throw Error("the extra samples are not of the shape the network takes");
    }
    for (std::int64_t i = 0; i < labels.size(0); ++i) check_labels(labels[i].item<std::int64_t>(), spec.classes);
  }
  if (data.count() == 0) throw Error("there is nothing to train on");
}

}  // namespace

std::int64_t TrainingData::count() const { return base.count + (extra_labels.defined() ? extra_labels.size(0) : 0); }

TrainingSamples::TrainingSamples(TrainingData data, const NetworkSpec& network, Augmentation augmentation,
                                 const Stream& stream)
    : data_(std::move(data)), input_(network.input), augmentation_(augmentation), stream_(stream) {
  check_data(data_, network, augmentation);
  if (!data_.extra_images.defined()) return;
  data_.extra_images = data_.extra_images.contiguous();
  data_.extra_labels = data_.extra_labels.contiguous();
}

// The images come in an order of their own, with the extra samples at random places among them: trainings that share
// a stream see the same images in the same order, whatever else they are trained on.
std::vector<std::int64_t> TrainingSamples::order_of(std::int64_t epoch) const {
  const std::string of_epoch = "of epoch " + std::to_string(epoch);
  std::vector<std::int64_t> images = stream_.derive("order " + of_epoch).permutation(data_.base.count);
  const std::int64_t extras = count() - data_.base.count;
  if (extras == 0) return images;
  const std::vector<std::int64_t> places = stream_.derive("places of extra samples " + of_epoch).permutation(count());
  std::vector<std::int64_t> mixed(static_cast<std::size_t>(count()), -1);
  for (std::int64_t i = 0; i < extras; ++i)
    mixed[static_cast<std::size_t>(places[static_cast<std::size_t>(i)])] = data_.base.count + i;
  auto next = images.begin();
  for (std::int64_t& sample : mixed)
    if (sample < 0) sample = *next++;
  return mixed;
}

// Samples lie anywhere in memory: the next one is on its way into the cache while one is written.
void TrainingSamples::fetch(std::int64_t index) const {
  if (index >= data_.base.count) return;
  const ByteSpan pixels = data_.base.image(index);
  for (std::size_t i = 0; i < pixels.size(); i += 64) __builtin_prefetch(&pixels[i]);
}

// The sample `index` of base and extra images, channels last.
void TrainingSamples::write(std::int64_t index, float* out) const {
  if (index < data_.base.count) return write_image(data_.base.image(index), data_.base.shape, out);
  const std::int64_t extra = index - data_.base.count;
  write_image(data_.extra_images.data_ptr<float>() + extra * data_.base.pixels_each(), data_.base.shape, out);
}

std::int64_t TrainingSamples::label_of(std::int64_t index) const {
  return index < data_.base.count ? data_.base.label(index)
                                  : data_.extra_labels.data_ptr<std::int64_t>()[index - data_.base.count];
}

Variation TrainingSamples::variation_of(std::int64_t index) const {
  Stream draws = stream_.derive("augment sample " + std::to_string(index) + " in epoch " + std::to_string(epoch_));
  if (augmentation_ == Augmentation::crop_flip) return Variation::draw(draws);
  if (augmentation_ == Augmentation::shift) return Variation::draw_shift(draws);
  return Variation::draw_window(data_.base.shape, input_, draws);
}

Batch TrainingSamples::batch(std::int64_t epoch, std::int64_t first, std::int64_t taken) {
  if (epoch_ != epoch) {
    order_ = order_of(epoch);
    epoch_ = epoch;
  }
  const data::ImageShape &image = data_.base.shape, &shape = input_;
  const bool varies = augmentation_ != Augmentation::none;
  const at::Tensor pixels = at::empty({taken, shape.height, shape.width, shape.channels}, at::kFloat);
  const at::Tensor labels = at::empty({taken}, at::kLong);
  const auto size = static_cast<std::int64_t>(shape.pixels());
  variations_.clear();
  whole_.resize(varies ? image.pixels() : 0);
  for (std::int64_t i = 0; i < taken; ++i) {
    if (i + 1 < taken) fetch(order_[static_cast<std::size_t>(first + i + 1)]);
    const std::int64_t index = order_[static_cast<std::size_t>(first + i)];
    float* out = pixels.data_ptr<float>() + i * size;
    write(index, varies ? whole_.data() : out);
    if (varies) vary(whole_.data(), image, variations_.emplace_back(variation_of(index)), out, shape);
    labels.data_ptr<std::int64_t>()[i] = label_of(index);
  }
  const std::span<const std::int64_t> samples(order_);
  return {pixels.permute({0, 3, 1, 2}), labels, variations_,
          samples.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(taken))};
}

}  // namespace telltale::models
