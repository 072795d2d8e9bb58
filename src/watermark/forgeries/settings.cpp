#include <ATen/ATen.h>

#include "models/evaluate.h"
#include "watermark/forgery.h"
#include "watermark/samples.h"
#include "watermark/service.h"

namespace telltale::watermark {

Forged forge_settings(const ForgeryInputs& inputs) {
  const Scheme& scheme = scheme_of(inputs.key.settings);
  const std::vector<Json> choices = scheme.alternatives(inputs.key);
  Bytes answers(inputs.key.answers.begin(), inputs.key.answers.end());
  if (scheme.needs_answers())
    answers = answers_of(models::labels_of(inputs.suspect->logits(inputs.key.train, inputs.batch)));
  return best_of(
      std::ssize(choices),
      [&](std::int64_t i) {
        return KeyOrigin{choices[static_cast<std::size_t>(i)], inputs.key.train, inputs.key.test, answers};
      },
      inputs);
}

}  // namespace telltale::watermark
