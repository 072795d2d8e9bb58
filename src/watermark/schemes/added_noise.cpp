#include "watermark/schemes/added_noise.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "models/batches.h"
#include "watermark/shares.h"

namespace telltale::watermark {
namespace {

std::string text_of(double value) { return canonical(Json(value)); }

}  // namespace

double noise_scale(double beta, const std::string& reading) {
  if (reading == "amplitude") return beta;
  if (reading == "variance") return std::sqrt(beta);
  throw InputError("there is no reading of beta named \"" + reading + "\"; there are: amplitude, variance");
}

std::vector<float> noise_pattern(const Stream& secret, const data::ImageShape& shape) {
  Stream draws = secret.derive("noise pattern");
  std::vector<float> pattern(static_cast<std::size_t>(shape.pixels()));
  for (float& value : pattern) value = static_cast<float>(draws.normal());
  return pattern;
}

std::int64_t images_selected(double alpha, std::int64_t count) {
  const std::int64_t selected = nearest_of(alpha, count);
  require(selected > 0, "alpha",
          "alpha = " + text_of(alpha) + " of " + std::to_string(count) +
              " images selects no image; the smallest share that does is " +
              text_of(0.5 / static_cast<double>(std::max<std::int64_t>(count, 1))));
  return selected;
}

std::vector<Parameter> NoiseScheme::parameters() const {
  using enum ValueType;
  return {{.name = "reading",
           .type = choice,
           .fallback = "variance",
           .help = "what beta scales: the noise's variance (k = x + sqrt(beta) eps), which alone reaches the published "
                   "key accuracies, or its amplitude (k = x + beta eps), as the formula is printed",
           .axis = AxisRule::always,
           .choices = {"variance", "amplitude"}},
          {.name = "alpha",
           .type = number,
           .fallback = "0.01",
           .help = "share of the training images made key samples",
           .axis = AxisRule::always,
           .least = 1e-9,
           .most = 1},
          {.name = "beta",
           .type = number,
           .fallback = "0.01",
           .help = "strength of the key samples' noise, on [0,1] pixels",
           .axis = AxisRule::always,
           .most = 1000},
          {.name = "clip",
           .type = flag,
           .fallback = "yes",
           .help = "keep key samples in [0,1], as the noise of scikit-image does, which the paper's words name (its "
                   "formula does not)"},
          {.name = "key-noise",
           .type = choice,
           .fallback = "fixed",
           .help = "one noise pattern for all key samples of a secret, or a fresh one for each",
           .choices = {"fixed", "fresh"},
           .field = "noise"}};
}

std::vector<std::int64_t> NoiseScheme::markable(const Json& settings, const models::ImageView& images) const {
  const int never = unmarked_class(settings);
  std::vector<std::int64_t> candidates;
  for (std::int64_t i = 0; i < images.count; ++i)
    if (images.label(i) != never) candidates.push_back(i);
  return candidates;
}

void NoiseScheme::check(const KeyInputs& inputs) const {
  const double alpha = inputs.settings.at("alpha"), beta = inputs.settings.at("beta");
  require(alpha > 0 && alpha <= 1, "alpha",
          "alpha = " + text_of(alpha) + " is no share: it is greater than 0 and at most 1");
  require(std::isfinite(beta) && beta >= 0, "beta", "beta = " + text_of(beta) + " is no strength: it is at least 0");
  static_cast<void>(noise_scale(beta, inputs.settings.at("reading").get<std::string>()));
  const std::int64_t selected = images_selected(alpha, inputs.train.count);
  const auto candidates = static_cast<std::int64_t>(markable(inputs.settings, inputs.train).size());
  require(selected <= candidates, "alpha",
          "a share of " + text_of(alpha) + " is more than the " + std::to_string(candidates) + " of " +
              std::to_string(inputs.train.count) + " images that " + name() + " may mark");
}

std::int64_t NoiseScheme::embedded_count(const Json& settings, const ClassCounts& train) const {
  return images_selected(settings.at("alpha"), std::accumulate(train.begin(), train.end(), std::int64_t{0}));
}

KeySamples NoiseScheme::embedded(const KeyInputs& inputs) const {
  check(inputs);
  models::check(inputs.train);
  const std::vector<std::int64_t> candidates = markable(inputs.settings, inputs.train);
  const KeyStreams streams(inputs.settings);
  const std::int64_t selected = images_selected(inputs.settings.at("alpha"), inputs.train.count);
  return made(inputs, Stream(streams.secret), inputs.train, chosen(candidates, selected, streams), "training");
}

KeySamples NoiseScheme::queries(const KeyInputs& inputs, Query query, std::int64_t limit) const {
  if (query == Query::trained) return trained(*this, inputs, limit);
  models::check(inputs.test);
  std::vector<std::int64_t> sources = markable(inputs.settings, inputs.test);
  // Of the first images, as far as they may be marked.
  if (limit > 0) std::erase_if(sources, [&](std::int64_t source) { return source >= limit; });
  require(!sources.empty(), "key-images", "there is no image left to ask with: all are of the target class");
  const KeyStreams streams(inputs.settings);
  const Stream secret(query == Query::fresh ? streams.secret : streams.wrong_secret);
  return made(inputs, secret, inputs.test, std::move(sources), "query");
}

KeySamples NoiseScheme::made(const KeyInputs& inputs, const Stream& secret, const models::ImageView& images,
                             std::vector<std::int64_t> sources, const std::string& split) const {
  const Json& settings = inputs.settings;
  const double scale = noise_scale(settings.at("beta"), settings.at("reading").get<std::string>());
  const bool fresh = settings.at("noise") == "fresh", clip = settings.at("clip");
  KeySamples keys{images.shape, {}, std::vector(sources.size(), label(settings, inputs.classes)), std::move(sources)};
  keys.pixels.reserve(keys.sources.size() * static_cast<std::size_t>(images.shape.pixels()));
  std::vector<float> pattern = noise_pattern(secret, images.shape);
  for (const std::int64_t source : keys.sources) {
    if (fresh) pattern = noise_pattern(secret.derive(split + " image " + std::to_string(source)), images.shape);
    const ByteSpan bytes = images.image(source);
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      // Computed in double and rounded once.
      const double clean = models::pixel_value(bytes[i]);
      const auto key = static_cast<float>(clean + scale * static_cast<double>(pattern[i]));
      keys.pixels.push_back(clip ? std::clamp(key, 0.0F, 1.0F) : key);
    }
  }
  return keys;
}

}  // namespace telltale::watermark
