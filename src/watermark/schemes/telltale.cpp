// Ours: a secret in decisions that are near, which whoever copies the network by its answers copies too
// (models/keyed_bias.h); and beside it images of another task with labels drawn from the secret, which no change of the
// weights removes without their copy. A claim is the larger of what the two say.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "models/batches.h"
#include "watermark/bias_queries.h"
#include "watermark/registry.h"
#include "watermark/schemes/foreign_images.h"
#include "watermark/schemes/making.h"

namespace telltale::watermark {
namespace {

class Telltale final : public Scheme {
 public:
  [[nodiscard]] std::string name() const override { return "telltale"; }
  [[nodiscard]] std::string help() const override {
    return "ours: near decisions biased by a secret, and images of another task with labels drawn from it";
  }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    using enum ValueType;
    return {
        unrelated_key(),
        {.name = "bias-strength",
         .type = number,
         .fallback = "2",
         .help = "telltale: the most that the secret adds to a logit of what the network is trained to answer",
         .axis = AxisRule::allowed,
         .most = 100},
        {.name = "bias-slope",
         .type = number,
         .fallback = "1.5",
         .help = "telltale: how soon it adds so much",
         .axis = AxisRule::allowed,
         .least = 1e-6,
         .most = 1000},
        {.name = "bias-frequencies",
         .type = integer,
         .fallback = "4",
         .help = "telltale: of how many of the lowest spatial frequencies, each way, it is a function",
         .axis = AxisRule::allowed,
         .least = 1,
         .most = 64},
        {.name = "bias-queries",
         .type = integer,
         .fallback = "10000",
         .help = "telltale: most near decisions that are practised, one with each training image, and that a claim "
                 "asks about, beside bias-keys images of another task",
         .least = 1,
         .most = 1e6},
        {.name = "bias-margin",
         .type = number,
         .fallback = "2",
         .help = "telltale: what counts as near, in logits of the network without the watermark",
         .least = 1e-6,
         .most = 1000},
        {.name = "bias-copies",
         .type = integer,
         .fallback = "4",
         .help = "telltale: how many copies of each image, moved by up to 2 pixels each way, are looked through for "
                 "near decisions beside itself",
         .most = 1000},
        {.name = "bias-keys",
         .type = integer,
         .fallback = "100",
         .help = "telltale: images of another task with drawn labels",
         .least = 1,
         .most = 1e6},
        {.name = "bias-key-copies",
         .type = integer,
         .fallback = "10",
         .help = "telltale: how often each of these is trained on in an epoch",
         .least = 1,
         .most = 1000}};
  }

  [[nodiscard]] std::optional<BiasSettings> bias(const Json& settings) const override {
    return BiasSettings{settings.at("bias_strength"),
                        settings.at("bias_slope"),
                        settings.at("bias_frequencies"),
                        settings.at("bias_margin"),
                        settings.at("bias_queries"),
                        settings.at("bias_copies"),
                        settings};
  }
  [[nodiscard]] std::vector<std::string> other_data(const Json& settings) const override {
    return {settings.at("unrelated").get<std::string>()};
  }
  [[nodiscard]] bool has(Query query) const override { return query == Query::trained; }
  [[nodiscard]] bool marks_images() const override { return false; }
  [[nodiscard]] Secret secret(const Json&) const override { return Secret::labels; }

  void check(const KeyInputs& inputs) const override {
    const data::Dataset& other = foreign_data(inputs);
    static_cast<void>(ForeignFit(other, inputs.train.shape));
    const std::int64_t keys = inputs.settings.at("bias_keys");
    require(keys <= other.train().count, "bias-keys",
            other.name() + " has only " + std::to_string(other.train().count) + " training images");
    const int frequencies = inputs.settings.at("bias_frequencies");
    require(frequencies <= std::min(inputs.train.shape.height, inputs.train.shape.width), "bias-frequencies",
            "the images have only " + std::to_string(inputs.train.shape.height) + " rows and " +
                std::to_string(inputs.train.shape.width) + " columns");
  }

  [[nodiscard]] std::int64_t embedded_count(const Json& settings, const ClassCounts&) const override {
    return settings.at("bias_keys").get<std::int64_t>() * settings.at("bias_key_copies").get<std::int64_t>();
  }

  [[nodiscard]] KeySamples embedded(const KeyInputs& inputs) const override {
    check(inputs);
    const KeySamples once = keys(inputs);
    KeySamples all{once.shape, {}, {}, {}};
    const auto copies = inputs.settings.at("bias_key_copies").get<std::int64_t>();
    for (std::int64_t copy = 0; copy < copies; ++copy) all.append_images(once);
    return all;
  }

  [[nodiscard]] KeySamples queries(const KeyInputs& inputs, Query query, std::int64_t limit) const override {
    if (query != Query::trained)
      throw Error("a claim asks the images that were trained on, and decisions that are near");
    check(inputs);
    KeySamples all = keys(inputs);
    if (limit > 0) all.keep_first(limit);
    return all;
  }

  // Both parts, whole: the number of decisions is this scheme's own.
  [[nodiscard]] KeySamples claim(const KeyInputs& inputs, std::int64_t, std::int64_t most) const override {
    KeySamples all = queries(inputs, Query::trained, most);
    const auto labelled = all.count();
    const BiasSettings settings = *bias(inputs.settings);
    const KeySamples near = claimed_decisions(BiasQueries::decoded(inputs.answers, !inputs.labels_alone), settings);
    double squares = 0;
    for (const double weight : near.weights) squares += weight * weight;
    all.weights.assign(static_cast<std::size_t>(labelled), 1);
    all.instead.assign(static_cast<std::size_t>(labelled), -1);
    all.append_images(near);
    all.weights.insert(all.weights.end(), near.weights.begin(), near.weights.end());
    all.instead.insert(all.instead.end(), near.instead.begin(), near.instead.end());
    const double chance = 1.0 / inputs.classes, count = static_cast<double>(labelled);
    all.parts = {{0, count * chance, std::sqrt(count * chance * (1 - chance))}};
    if (squares > 0) all.parts.push_back({labelled, 0, std::sqrt(squares)});
    return all;
  }

 private:
  // The same images whatever the secret, labels drawn from it.
  [[nodiscard]] static KeySamples keys(const KeyInputs& inputs) {
    const data::Dataset& other = foreign_data(inputs);
    const auto images = models::ImageView::of(other.shape(), other.train());
    const ForeignFit fit(other, inputs.train.shape);
    std::vector<std::int64_t> sources(static_cast<std::size_t>(images.count));
    for (std::size_t i = 0; i < sources.size(); ++i) sources[i] = static_cast<std::int64_t>(i);
    const KeyStreams streams(inputs.settings);
    sources = chosen(sources, inputs.settings.at("bias_keys"), streams);
    const std::size_t size = fit.to.pixels();
    KeySamples samples{fit.to, std::vector<float>(sources.size() * size), {}, sources};
    Stream labels = Stream(streams.secret).derive("labels of foreign images");
    for (std::size_t k = 0; k < sources.size(); ++k) {
      fit.lay(images.image(sources[k]), std::span(samples.pixels).subspan(k * size, size));
      samples.labels.push_back(static_cast<std::int64_t>(labels.below(static_cast<std::uint64_t>(inputs.classes))));
    }
    return samples;
  }
};

}  // namespace

const Scheme& telltale_scheme() {
  static const Telltale scheme;
  return scheme;
}

}  // namespace telltale::watermark
