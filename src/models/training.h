// Training: one step, one epoch, a checkpoint between any two steps. Resumed ends bit for bit where uninterrupted does.
#pragma once

#include <ATen/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/random.h"
#include "models/images.h"
#include "models/network.h"
#include "models/objective.h"

namespace telltale::models {

enum class Optimizer { sgd, adam };
enum class Augmentation {
  none,
  crop_flip,    ///< Variation::draw()
  shift,        ///< Variation::draw_shift()
  window_flip,  ///< Variation::draw_window(): the network takes windows of the images
};

/// By the name that job files and checkpoints have for it. Throws Error for another.
Augmentation augmentation_named(const std::string& name);

/// How a network is trained.
struct Recipe {
  Optimizer optimizer = Optimizer::sgd;
  double learning_rate = 0.01;
  double momentum = 0;       ///< sgd only
  bool nesterov = false;     ///< Nesterov's momentum
  double rate_decay = 0;     ///< the learning rate is divided by 1 + rate_decay x steps done (Keras' `decay`)
  std::int64_t warm_up = 0;  ///< steps over which the learning rate rises to its full value, in equal parts
  double weight_decay = 0;   ///< added to the gradient
  double gradient_clip = 0;  ///< a step's gradient of a larger L2 norm is scaled down to this; 0: none is
  std::int64_t batch = 128;
  std::int64_t epochs = 50;
  std::vector<std::int64_t> milestones;  ///< finished epochs after which the learning rate is multiplied by `gamma`
  double gamma = 0.1;
  Augmentation augmentation = Augmentation::none;

  [[nodiscard]] Json to_json() const;
};

/// Throws InputError, naming the value, if a recipe cannot be followed.
void check(const Recipe& recipe);

/// Images to train on: bytes, and float images beside them (a watermark's key samples).
struct TrainingData {
  ImageView base;
  at::Tensor extra_images;  ///< M x C x H x W float32, or undefined
  at::Tensor extra_labels;  ///< M, int64

  [[nodiscard]] std::int64_t count() const;
};

/// Means over one epoch, each batch as the weights were when it came.
struct EpochRecord {
  double loss = 0;      ///< what is minimised: cross-entropy in nats, if nothing else
  double accuracy = 0;  ///< 0 to 1
  bool operator==(const EpochRecord&) const = default;
};

/// Trains one network on one thread. Parameters that require no gradient are left alone.
///
/// Every epoch goes through all samples once in an order of its own, a function of the stream's key and the epoch (that
/// of the images does not depend on the extra samples); the last batch may be smaller. The network is trained in place
/// and starts as it is given.
class Trainer {
 public:
  /// `objective`: what is minimised; nullptr: the cross-entropy of the network's answers. Throws Error or InputError if
  /// labels, shapes or the recipe do not fit the network or each other. What `data.base` points at must outlive the
  /// trainer.
  Trainer(std::shared_ptr<Network> network, Recipe recipe, TrainingData data, const Stream& stream,
          std::shared_ptr<Objective> objective = nullptr);
  ~Trainer();
  Trainer(Trainer&&) noexcept;
  Trainer& operator=(Trainer&&) noexcept;

  /// One optimizer step; throws Error if the training is finished.
  void step();
  /// Steps to the end of the current epoch, or of the training. `after_step` is called after each step and may throw
  /// to stop: the trainer is then between two steps, and can be checkpointed or go on.
  void run_epoch(const std::function<void()>& after_step = {});
  void run(const std::function<void()>& after_step = {});

  [[nodiscard]] bool finished() const;
  [[nodiscard]] std::int64_t epoch() const;       ///< finished epochs
  [[nodiscard]] std::int64_t steps_done() const;  ///< in all epochs
  [[nodiscard]] std::int64_t steps_per_epoch() const;
  [[nodiscard]] std::int64_t steps_total() const;
  [[nodiscard]] const std::vector<EpochRecord>& records() const;  ///< of the finished epochs
  [[nodiscard]] const std::shared_ptr<Network>& network() const;

  /// Everything that a trainer of the same network, recipe, data and stream needs to go on from here.
  [[nodiscard]] Bytes checkpoint() const;
  /// Throws Error, and changes nothing, if the checkpoint is damaged or of another training (says what differs).
  void restore(ByteSpan checkpoint);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace telltale::models
