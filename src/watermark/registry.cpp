#include "watermark/registry.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "core/text.h"
#include "watermark/bias_queries.h"
#include "watermark/verification.h"

namespace telltale::watermark {
namespace {

template <typename Thing>
const Thing& named(const std::vector<const Thing*>& all, const std::string& name, const std::string& what) {
  std::vector<std::string> known;
  for (const Thing* thing : all) {
    if (thing->name() == name) return *thing;
    known.push_back(thing->name());
  }
  throw InputError("there is no " + what + " named \"" + name + "\"; there are: " + joined(known));
}

}  // namespace

const std::vector<const Scheme*>& schemes() {
  static const std::vector<const Scheme*> all{
#define TELLTALE_SCHEME(name) &name##_scheme(),
#include "watermark/schemes/schemes.def"
#undef TELLTALE_SCHEME
  };
  return all;
}

const std::vector<const Attack*>& attacks() {
  static const std::vector<const Attack*> all{
#define TELLTALE_ATTACK(name) &name##_attack(),
#include "watermark/attacks/attacks.def"
#undef TELLTALE_ATTACK
  };
  return all;
}

const Scheme& scheme_named(const std::string& name) { return named(schemes(), name, "scheme"); }
const Scheme& scheme_of(const Json& settings) { return scheme_named(settings.at("method").get<std::string>()); }
const Attack& attack_named(const std::string& name) { return named(attacks(), name, "attack"); }

bool Scheme::found(std::int64_t matches, std::int64_t asked) const {
  return backdoor_found(asked - matches, asked, backdoor_tau);
}

std::int64_t samples_trained(const Json& settings, const ClassCounts& train) {
  const Scheme& scheme = scheme_of(settings);
  const std::int64_t images = std::accumulate(train.begin(), train.end(), std::int64_t{0}),
                     embedded = scheme.embedded_count(settings, train);
  switch (scheme.joins(settings)) {
    case Joins::in_place: return images;
    case Joins::alone: return embedded;
    case Joins::beside: break;
  }
  return images + embedded;
}

int samples_a_step(const Json& settings) { return scheme_of(settings).bias(settings) ? 2 : 1; }

Query claimed_query(const Scheme& scheme, const Json& settings) {
  return scheme.draws_labels(settings) || !scheme.has(Query::fresh) ? Query::trained : Query::fresh;
}

KeySamples claimed_keys(const KeyInputs& inputs, std::int64_t key_images, std::int64_t queries) {
  return scheme_of(inputs.settings).claim(inputs, key_images, queries);
}

KeySamples Scheme::claim(const KeyInputs& inputs, std::int64_t key_images, std::int64_t most) const {
  KeySamples keys = queries(inputs, claimed_query(*this, inputs.settings), key_images);
  keys.keep_first(most);
  return keys;
}

std::optional<BiasSettings> Scheme::bias(const Json&) const { return {}; }

KeyInputs KeyInputs::of(const Json& settings, const data::Dataset& data, const data::OtherData& others,
                        ByteSpan answers) {
  return {settings,
          models::ImageView::of(data.shape(), data.train()),
          models::ImageView::of(data.shape(), data.test()),
          data.classes(),
          &others,
          answers};
}

void KeySamples::keep_first(std::int64_t count) {
  if (count >= this->count()) return;
  const auto kept = static_cast<std::size_t>(count);
  pixels.resize(kept * static_cast<std::size_t>(shape.pixels()));
  labels.resize(kept);
  sources.resize(kept);
  if (!true_labels.empty()) true_labels.resize(kept);
  if (!weights.empty()) weights.resize(kept);
  if (!instead.empty()) instead.resize(kept);
  std::erase_if(parts, [&](const Part& part) { return part.first >= count; });
}

void KeySamples::append_images(const KeySamples& others) {
  if (others.shape != shape) throw Error("key samples of two shapes do not go together");
  pixels.insert(pixels.end(), others.pixels.begin(), others.pixels.end());
  labels.insert(labels.end(), others.labels.begin(), others.labels.end());
  sources.insert(sources.end(), others.sources.begin(), others.sources.end());
}

}  // namespace telltale::watermark
