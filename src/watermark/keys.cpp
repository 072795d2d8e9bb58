#include "watermark/keys.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "models/batches.h"
#include "watermark/shares.h"

namespace telltale::watermark {
namespace {

template <typename Value>
struct Named {
  Value value;
  std::string_view name;
};

constexpr std::array methods{Named{Method::clean, "clean"}, Named{Method::new_label, "new-label"},
                             Named{Method::noise_backdoor, "noise-backdoor"}};
constexpr std::array readings{Named{Reading::amplitude, "amplitude"}, Named{Reading::variance, "variance"}};

template <typename Names, typename Value>
std::string_view find_name(const Names& names, Value value) {
  return std::find_if(names.begin(), names.end(), [&](const auto& item) { return item.value == value; })->name;
}

template <typename Names>
auto find_value(const Names& names, std::string_view name, const std::string& what) {
  std::string known;
  for (const auto& item : names) {
    if (item.name == name) return item.value;
    known += (known.empty() ? "" : ", ") + std::string(item.name);
  }
  throw InputError("there is no " + what + " named \"" + std::string(name) + "\"; there are: " + known);
}

std::string text_of(double value) { return canonical(Json(value)); }

void require(bool fits, const std::string& complaint) {
  if (!fits) throw InputError(complaint);
}

std::vector<std::int64_t> may_be_marked(const Scheme& scheme, const models::ImageView& images) {
  std::vector<std::int64_t> candidates;
  for (std::int64_t i = 0; i < images.count; ++i) {
    if (scheme.method != Method::noise_backdoor || images.label(i) != scheme.target) candidates.push_back(i);
  }
  return candidates;
}

// k = x + scale eps, computed in double and rounded once.
KeySet make_keys(const Scheme& scheme, const Stream& secret, const models::ImageView& images, int classes,
                 std::vector<std::int64_t> sources, const std::string& split) {
  const auto count = static_cast<std::int64_t>(sources.size());
  const std::int64_t size = images.pixels_each();
  const double scale = scheme.reading == Reading::amplitude ? scheme.beta : std::sqrt(scheme.beta);
  const data::ImageShape& shape = images.shape;
  KeySet keys{at::empty({count, shape.channels, shape.height, shape.width}, at::kFloat),
              at::full({count}, key_label(scheme, classes), at::kLong), std::move(sources)};
  at::Tensor pattern = noise_pattern(secret, shape);
  float* pixel = keys.images.data_ptr<float>();
  for (const std::int64_t source : keys.sources) {
    if (scheme.fresh_noise) pattern = noise_pattern(secret.derive(split + " image " + std::to_string(source)), shape);
    const float* noise = pattern.data_ptr<float>();
    const ByteSpan bytes = images.image(source);
    for (std::int64_t i = 0; i < size; ++i, ++pixel) {
      const double clean = models::pixel_value(bytes[static_cast<std::size_t>(i)]);
      const auto key = static_cast<float>(clean + scale * static_cast<double>(noise[i]));
      *pixel = scheme.clip ? std::clamp(key, 0.0F, 1.0F) : key;
    }
  }
  return keys;
}

}  // namespace

std::string_view name_of(Method method) { return find_name(methods, method); }
Method method_named(std::string_view name) { return find_value(methods, name, "method"); }
std::string_view name_of(Reading reading) { return find_name(readings, reading); }
Reading reading_named(std::string_view name) { return find_value(readings, name, "reading of beta"); }

Json Scheme::to_json() const {
  Json json{{"method", name_of(method)}};
  if (method == Method::clean) return json;
  json["alpha"] = alpha;
  json["beta"] = beta;
  json["reading"] = name_of(reading);
  json["fresh_noise"] = fresh_noise;
  json["clip"] = clip;
  if (method == Method::noise_backdoor) json["target"] = target;
  return json;
}

void check(const Scheme& scheme, int classes) {
  if (scheme.method == Method::clean) return;
  require(scheme.alpha > 0 && scheme.alpha <= 1,
          "alpha = " + text_of(scheme.alpha) + " is no share: it is greater than 0 and at most 1");
  require(std::isfinite(scheme.beta) && scheme.beta >= 0,
          "beta = " + text_of(scheme.beta) + " is no strength: it is at least 0");
  require(scheme.method != Method::noise_backdoor || (scheme.target >= 0 && scheme.target < classes),
          "the target class " + std::to_string(scheme.target) + " is none of the " + std::to_string(classes) +
              " classes, which count from 0");
}

int output_classes(const Scheme& scheme, int classes) { return classes + (scheme.method == Method::new_label); }

int key_label(const Scheme& scheme, int classes) {
  switch (scheme.method) {
    case Method::new_label: return classes;
    case Method::noise_backdoor: return scheme.target;
    case Method::clean: break;
  }
  throw Error("a clean network has no key samples");
}

at::Tensor noise_pattern(const Stream& secret, const data::ImageShape& shape) {
  Stream draws = secret.derive("noise pattern");
  at::Tensor pattern = at::empty({shape.channels, shape.height, shape.width}, at::kFloat);
  float* value = pattern.data_ptr<float>();
  for (std::int64_t i = 0; i < pattern.numel(); ++i) value[i] = static_cast<float>(draws.normal());
  return pattern;
}

KeySet make_trained_keys(const Scheme& scheme, const Stream& secret, const Stream& choice,
                         const models::ImageView& train, int classes) {
  check(scheme, classes);
  models::check(train);
  const std::int64_t selected = images_selected(scheme.alpha, train.count);
  const std::vector<std::int64_t> candidates = may_be_marked(scheme, train);
  require(selected <= static_cast<std::int64_t>(candidates.size()),
          "alpha = " + text_of(scheme.alpha) + " of " + std::to_string(train.count) + " images selects " +
              std::to_string(selected) + ", but only " + std::to_string(candidates.size()) + " may be marked");
  Stream draws = choice;
  std::vector<std::int64_t> sources = draws.permutation(static_cast<std::int64_t>(candidates.size()));
  sources.resize(static_cast<std::size_t>(selected));
  for (std::int64_t& source : sources) source = candidates[static_cast<std::size_t>(source)];
  std::sort(sources.begin(), sources.end());
  return make_keys(scheme, secret, train, classes, std::move(sources), "training");
}

KeySet make_query_keys(const Scheme& scheme, const Stream& secret, const models::ImageView& test, int classes) {
  check(scheme, classes);
  models::check(test);
  std::vector<std::int64_t> sources = may_be_marked(scheme, test);
  require(!sources.empty(), "there is no image left to ask with: all are of the target class");
  return make_keys(scheme, secret, test, classes, std::move(sources), "query");
}

models::TrainingData embed(const models::ImageView& train, const KeySet& keys) {
  return {train, keys.images, keys.labels};
}

models::TrainingData embed_nothing(const models::ImageView& train) { return {train, {}, {}}; }

}  // namespace telltale::watermark
