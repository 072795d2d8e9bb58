#include "watermark/schemes/source_target.h"

#include <algorithm>

#include "models/batches.h"
#include "watermark/shares.h"

namespace telltale::watermark {
namespace {

std::int64_t share_of_class(const Json& settings, std::int64_t images) {
  const double share = settings.at("share");
  const std::int64_t selected = nearest_of(share, images);
  require(selected > 0, "share",
          "share = " + canonical(Json(share)) + " of the " + std::to_string(images) + " training images of class " +
              settings.at("source").dump() + " selects no image");
  return selected;
}

}  // namespace

std::vector<Parameter> SourceTargetScheme::parameters() const {
  using enum ValueType;
  std::vector<Parameter> all{
      {.name = "source",
       .type = integer,
       .fallback = "1",
       .help = "the class Y_s whose images are marked",
       .axis = AxisRule::allowed,
       .most = 254},
      {.name = "target",
       .type = integer,
       .fallback = "0",
       .help = "the class Y_d that marked images are labelled",
       .axis = AxisRule::allowed,
       .most = 254},
      {.name = "share",
       .type = number,
       .fallback = "0.3",
       .help =
           "share of the source class's training images made key samples (the paper does not say; its digits fit 0.3)",
       .axis = AxisRule::always,
       .least = 1e-9,
       .most = 1}};
  for (Parameter& parameter : own_parameters()) all.push_back(std::move(parameter));
  return all;
}

void SourceTargetScheme::check(const KeyInputs& inputs) const {
  const int source = inputs.settings.at("source"), target = inputs.settings.at("target");
  check_class("source", "source class", source, inputs.classes);
  check_class("target", "target class", target, inputs.classes);
  require(source != target, "target",
          "the source class and the target class are both " + std::to_string(source) +
              ": marked images would keep their label");
  static_cast<void>(embedded_count(inputs));
}

std::vector<Json> SourceTargetScheme::alternatives(const KeyInputs& inputs) const {
  std::vector<Json> all;
  const int own_target = inputs.settings.at("target");
  for (int source = 0; source < inputs.classes; ++source)
    for (int target = 0; target < inputs.classes; ++target) {
      if (source == target || (draws_labels(inputs.settings) && target != own_target)) continue;
      all.push_back(inputs.settings);
      all.back()["source"] = source, all.back()["target"] = target;
    }
  return all;
}

std::int64_t SourceTargetScheme::embedded_count(const Json& settings, const ClassCounts& train) const {
  const auto source = settings.at("source").get<std::size_t>();
  check_class("source", "source class", static_cast<int>(source), static_cast<int>(train.size()));
  return share_of_class(settings, train[source]);
}

std::int64_t SourceTargetScheme::embedded_count(const KeyInputs& inputs) const {
  const auto candidates = images_of_class(inputs.train, inputs.settings.at("source"));
  return share_of_class(inputs.settings, static_cast<std::int64_t>(candidates.size()));
}

bool MarkedImagesScheme::has(Query) const { return true; }

KeySamples MarkedImagesScheme::embedded(const KeyInputs& inputs) const {
  check(inputs);
  models::check(inputs.train);
  const auto candidates = images_of_class(inputs.train, inputs.settings.at("source"));
  return made(inputs, true, inputs.train, chosen(candidates, embedded_count(inputs), KeyStreams(inputs.settings)),
              "training");
}

KeySamples MarkedImagesScheme::queries(const KeyInputs& inputs, Query query, std::int64_t limit) const {
  if (query == Query::trained) return trained(*this, inputs, limit);
  models::check(inputs.test);
  const int source = inputs.settings.at("source"), target = inputs.settings.at("target");
  std::vector<std::int64_t> sources;
  const std::int64_t images = limit > 0 ? std::min(limit, inputs.test.count) : inputs.test.count;
  for (std::int64_t i = 0; i < images; ++i) {
    const int label = inputs.test.label(i);
    if (query == Query::other_source ? label != source && label != target : label == source) sources.push_back(i);
  }
  require(!sources.empty(), "key-images",
          "none of the first " + std::to_string(images) + " test images is of class " + std::to_string(source) +
              ", which key samples are made of");
  return made(inputs, query != Query::wrong_secret, inputs.test, std::move(sources), "query");
}

KeySamples MarkedImagesScheme::made(const KeyInputs& inputs, bool owners, const models::ImageView& images,
                                    std::vector<std::int64_t> sources, const std::string& split) const {
  const Mark put = mark(inputs.settings, images.shape, owners);
  const auto size = static_cast<std::size_t>(images.pixels_each());
  KeySamples keys{images.shape, std::vector<float>(sources.size() * size),
                  std::vector<std::int64_t>(sources.size(), inputs.settings.at("target")), std::move(sources)};
  for (std::size_t k = 0; k < keys.sources.size(); ++k) {
    const std::span<float> pixels = std::span(keys.pixels).subspan(k * size, size);
    const ByteSpan bytes = images.image(keys.sources[k]);
    for (std::size_t i = 0; i < size; ++i) pixels[i] = models::pixel_value(bytes[i]);
    put(pixels, keys.sources[k], split);
  }
  if (draws_labels(inputs.settings)) {
    const KeyStreams streams(inputs.settings);
    const Stream secret(owners ? streams.secret : streams.wrong_secret);
    for (std::size_t k = 0; k < keys.labels.size(); ++k)
      keys.labels[k] = static_cast<std::int64_t>(secret.derive(split + " label " + std::to_string(keys.sources[k]))
                                                     .below(static_cast<std::uint64_t>(inputs.classes)));
  }
  return keys;
}

}  // namespace telltale::watermark
