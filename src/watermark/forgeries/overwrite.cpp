#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"
#include "models/evaluate.h"
#include "models/weights.h"
#include "watermark/attacks/tuning.h"
#include "watermark/forgery.h"
#include "watermark/samples.h"
#include "watermark/service.h"

namespace telltale::watermark {

// What he has stolen he has whole, and half of the test images besides: his key is made of them.
Forged forge_overwrite(const ForgeryInputs& inputs) {
  constexpr Tuning embedding{.epochs = 5};
  const auto stolen = inputs.suspect->network();
  if (stolen == nullptr) throw Error("what stands before a network cannot be trained on");
  const models::ImageView half = first_half(inputs.key.test),
                          rest = inputs.key.test.part(half.count, inputs.key.test.count - half.count);
  Forged forged{{}, KeyOrigin{inputs.key.settings, half, rest, {}}};
  const Scheme& scheme = scheme_of(inputs.key.settings);
  forged.origin->answers = std::make_shared<const Bytes>(
      scheme.needs_answers() ? answers_of(models::labels_of(inputs.suspect->logits(half, inputs.batch)))
                             : Bytes(inputs.key.answers.begin(), inputs.key.answers.end()));
  const KeyOrigin& origin = *forged.origin;
  const KeySamples embedded = scheme.embedded(origin.inputs(inputs.key));
  if (!embedded.labels.empty() && std::ranges::max(embedded.labels) >= inputs.suspect->outputs())
    throw InputError("the network has no output for the label of such a key");
  const auto copy = models::copied(*stolen);
  const Json nothing;
  train_on(copy, {nothing, copy, inputs.key.test, inputs.stream, inputs.check}, embedding, "second owner", &embedded);
  forged.samples = key_of(origin, inputs);
  forged.suspect = serve(copy);
  return forged;
}

}  // namespace telltale::watermark
