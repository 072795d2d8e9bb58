// What forgeries have in common, with LibTorch.
#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "core/error.h"
#include "models/evaluate.h"
#include "watermark/claims.h"
#include "watermark/forgery.h"
#include "watermark/samples.h"
#include "watermark/service.h"

namespace telltale::watermark {
namespace {

// Who is asked one key after the other. Of many schemes a secret decides labels alone: an image that the first key had
// at the same place is not asked again.
class Asked {
 public:
  Asked(Service& suspect, std::int64_t batch) : suspect_(suspect), batch_(batch) {}

  std::vector<std::int64_t> labels_given(const KeySamples& samples) {
    const auto size = static_cast<std::int64_t>(samples.shape.pixels());
    const auto known = [&](std::int64_t i) {
      return i < first_.count() &&
             std::equal(samples.pixels.begin() + i * size, samples.pixels.begin() + (i + 1) * size,
                        first_.pixels.begin() + i * size);
    };
    std::vector<std::int64_t> given(static_cast<std::size_t>(samples.count())), places;
    KeySamples unknown{samples.shape, {}, {}, {}};
    for (std::int64_t i = 0; i < samples.count(); ++i) {
      if (known(i)) {
        given[static_cast<std::size_t>(i)] = given_first_[static_cast<std::size_t>(i)];
        continue;
      }
      places.push_back(i);
      unknown.pixels.insert(unknown.pixels.end(), samples.pixels.begin() + i * size,
                            samples.pixels.begin() + (i + 1) * size);
      unknown.labels.push_back(samples.labels[static_cast<std::size_t>(i)]);
    }
    if (!places.empty()) {
      const auto answers = models::labels_of(suspect_.logits(images_of(unknown), batch_));
      for (std::size_t i = 0; i < places.size(); ++i) given[static_cast<std::size_t>(places[i])] = answers[i];
    }
    if (first_.count() == 0) first_ = samples, given_first_ = given;
    return given;
  }

 private:
  Service& suspect_;
  std::int64_t batch_;
  KeySamples first_;
  std::vector<std::int64_t> given_first_;
};

}  // namespace

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
  Asked asked(*inputs.suspect, inputs.batch);
  for (std::int64_t i = 0; i < count; ++i) {
    inputs.check();
    KeyOrigin tried = origin(i);
    KeySamples samples;
    try {
      samples = key_of(tried, inputs);
    } catch (const InputError&) {
      continue;  // there are no images for such a key
    }
    const double score = claim_score(asked.labels_given(samples), samples);
    if (best && score <= most) continue;
    most = score;
    best = {std::move(samples), std::move(tried)};
  }
  if (!best) throw InputError("the scheme makes no key of what the claimant has");
  best->tries = count;
  return std::move(*best);
}

}  // namespace telltale::watermark
