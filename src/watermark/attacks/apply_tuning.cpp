#include <ATen/ATen.h>

#include "models/training.h"
#include "watermark/attacks/tuning.h"
#include "watermark/samples.h"

namespace telltale::watermark {

void train_on(const std::shared_ptr<models::Network>& network, const AttackInputs& inputs, const Tuning& tuning,
              std::string_view purpose, const KeySamples* extra) {
  if (tuning.epochs == 0) return;
  models::Recipe recipe;
  recipe.learning_rate = tuning.rate;
  recipe.momentum = tuning.momentum;
  recipe.batch = tuning.batch;
  recipe.epochs = tuning.epochs;
  models::TrainingData data{first_half(inputs.images), {}, {}};
  if (extra != nullptr && extra->count() > 0)
    data.extra_images = images_of(*extra), data.extra_labels = labels_of(*extra);
  models::Trainer trainer(network, recipe, data, inputs.stream.derive(purpose));
  trainer.run(inputs.check);
}

}  // namespace telltale::watermark
