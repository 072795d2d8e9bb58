// What forgeries have in common, with LibTorch.
#include <ATen/ATen.h>

#include <limits>
#include <vector>

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

KeyInputs KeyOrigin::inputs(const KeyInputs& claimant, bool labels_alone) const {
  return {settings, train, test, claimant.classes, claimant.others, bytes_or_none(answers), labels_alone};
}

KeySamples key_of(const KeyOrigin& origin, const ForgeryInputs& inputs, bool labels_alone) {
  return claimed_keys(origin.inputs(inputs.key, labels_alone), inputs.key_images, inputs.queries);
}

Forged best_of(std::int64_t count, const std::function<KeyOrigin(std::int64_t)>& origin, const ForgeryInputs& inputs,
               bool same_images) {
  std::optional<Forged> best;
  double most = -std::numeric_limits<double>::infinity();
  std::vector<std::int64_t> given;
  for (std::int64_t i = 0; i < count; ++i) {
    inputs.check();
    KeyOrigin tried = origin(i);
    const bool known = same_images && best;
    KeySamples samples;
    try {
      samples = key_of(tried, inputs, known);
    } catch (const InputError&) {
      continue;  // there are no images for such a key
    }
    if (!known) given = models::labels_of(inputs.suspect->logits(images_of(samples), inputs.batch));
    const double score = claim_score(given, samples);
    if (best && score <= most) continue;
    most = score;
    best = {std::move(samples), std::move(tried)};
  }
  if (!best) throw InputError("the scheme makes no key of what the claimant has");
  if (same_images) best->samples = key_of(*best->origin, inputs);  // with its images
  best->tries = count;
  return std::move(*best);
}

}  // namespace telltale::watermark
