// What forgeries have in common, with LibTorch.
#include <ATen/ATen.h>

#include <limits>

#include "core/error.h"
#include "models/evaluate.h"
#include "watermark/claims.h"
#include "watermark/forgery.h"
#include "watermark/samples.h"
#include "watermark/service.h"

namespace telltale::watermark {

Forged forge(const std::string& name, const ForgeryInputs& inputs) {
  const std::string known = forgery_named(name).name;
  std::size_t place = 0;
#define TELLTALE_FORGERY(forgery, sees_suspect, help) \
  if (forgeries()[place++].name == known) return forge_##forgery(inputs);
#include "watermark/forgeries/forgeries.def"
#undef TELLTALE_FORGERY
  throw Error("nothing is known of how to make the forgery " + known);
}

KeySamples key_of(const KeyOrigin& origin, const ForgeryInputs& inputs) {
  return claimed_keys(
      {origin.settings, origin.train, origin.test, inputs.key.classes, inputs.key.others, origin.answers},
      inputs.key_images, inputs.queries);
}

Forged best_of(std::int64_t count, const std::function<KeyOrigin(std::int64_t)>& origin, const ForgeryInputs& inputs) {
  std::optional<Forged> best;
  double most = -std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < count; ++i) {
    inputs.check();
    KeyOrigin tried = origin(i);
    KeySamples samples;
    try {
      samples = key_of(tried, inputs);
    } catch (const InputError&) {
      continue;  // there are no images for such a key
    }
    const auto given = models::labels_of(inputs.suspect->logits(images_of(samples), inputs.batch));
    const double score = claim_score(given, samples);
    if (best && score <= most) continue;
    most = score;
    best = {std::move(samples), std::move(tried)};
  }
  if (!best) throw InputError("the scheme makes no key of what the claimant has");
  best->tries = count;
  return std::move(*best);
}

}  // namespace telltale::watermark
