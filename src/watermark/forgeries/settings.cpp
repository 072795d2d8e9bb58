#include <ATen/ATen.h>

#include "models/evaluate.h"
#include "watermark/forgery.h"
#include "watermark/service.h"

namespace telltale::watermark {

Forged forge_settings(const ForgeryInputs& inputs) {
  const Scheme& scheme = scheme_of(inputs.key.settings);
  const std::vector<Json> choices = scheme.alternatives(inputs.key);
  Bytes answers(inputs.key.answers.begin(), inputs.key.answers.end());
  if (scheme.needs_answers()) {
    answers.clear();
    for (const std::int64_t label : models::labels_of(inputs.suspect->logits(inputs.key.train, inputs.batch)))
      answers.push_back(static_cast<std::uint8_t>(label));
  }
  return best_of(
      std::ssize(choices),
      [&](std::int64_t i) {
        return KeyOrigin{choices[static_cast<std::size_t>(i)], inputs.key.train, inputs.key.test, answers};
      },
      inputs);
}

}  // namespace telltale::watermark
