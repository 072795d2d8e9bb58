// The samples of a training, step by step: in which order they come, how each is varied, and the batch that they make.
#pragma once

#include <vector>

#include "core/random.h"
#include "models/objective.h"
#include "models/training.h"

namespace telltale::models {

class TrainingSamples {
 public:
  /// Throws Error if images or labels do not fit the network or each other. What `data.base` points at must outlive it.
  TrainingSamples(TrainingData data, const NetworkSpec& network, Augmentation augmentation, const Stream& stream);

  [[nodiscard]] std::int64_t count() const { return data_.count(); }
  /// `taken` samples from number `first` of an epoch's order on. A function of the stream, the epoch and these numbers:
  /// no checkpoint holds it. The variations stay until the next batch.
  [[nodiscard]] Batch batch(std::int64_t epoch, std::int64_t first, std::int64_t taken);

 private:
  [[nodiscard]] std::vector<std::int64_t> order_of(std::int64_t epoch) const;
  void fetch(std::int64_t index) const;
  void write(std::int64_t index, float* out) const;
  [[nodiscard]] std::int64_t label_of(std::int64_t index) const;
  [[nodiscard]] Variation variation_of(std::int64_t index) const;

  TrainingData data_;
  data::ImageShape input_;  // what the network takes
  Augmentation augmentation_;
  Stream stream_;
  std::vector<std::int64_t> order_;
  std::int64_t epoch_ = -1;  // of that order
  std::vector<Variation> variations_;
  std::vector<float> whole_;  // an image before it is varied
};

}  // namespace telltale::models
