#include <ATen/ATen.h>

#include "models/evaluate.h"
#include "watermark/forgery.h"
#include "watermark/samples.h"
#include "watermark/service.h"

namespace telltale::watermark {

Forged forge_settings(const ForgeryInputs& inputs) {
  const Scheme& scheme = scheme_of(inputs.key.settings);
  const std::vector<Json> choices = scheme.alternatives(inputs.key);
  const auto answers = std::make_shared<const Bytes>(
      scheme.needs_answers() ? answers_of(models::labels_of(inputs.suspect->logits(inputs.key.train, inputs.batch)))
                             : Bytes(inputs.key.answers.begin(), inputs.key.answers.end()));
  return best_of(
      std::ssize(choices),
      [&](std::int64_t i) {
        return KeyOrigin{choices[static_cast<std::size_t>(i)], inputs.key.train, inputs.key.test, answers};
      },
      inputs, false);
}

}  // namespace telltale::watermark
