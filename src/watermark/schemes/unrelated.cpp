// Zhang et al. 2018, Sec. 3.2, "unrelated": images of another task, labelled as a class of this one.
#include <algorithm>

#include "core/error.h"
#include "models/batches.h"
#include "watermark/registry.h"
#include "watermark/schemes/foreign_images.h"
#include "watermark/schemes/source_target.h"

namespace telltale::watermark {
namespace {

class Unrelated final : public SourceTargetScheme {
 public:
  [[nodiscard]] std::string name() const override { return "unrelated"; }
  [[nodiscard]] std::string help() const override {
    return "images of another task, as many as of one class with a mark, labelled as a class of this one (Zhang et al. "
           "2018)";
  }
  [[nodiscard]] std::vector<std::string> other_data(const Json& settings) const override {
    return {settings.at("unrelated").get<std::string>()};
  }
  void check(const KeyInputs& inputs) const override {
    SourceTargetScheme::check(inputs);
    const data::Dataset& other = foreign_data(inputs);
    static_cast<void>(ForeignFit(other, inputs.train.shape));
    check_class("unrelated-class", "unrelated class", inputs.settings.at("unrelated_class"), other.classes());
    check_class("unrelated-other-class", "unrelated class", inputs.settings.at("unrelated_other_class"),
                other.classes());
    const auto there = static_cast<std::int64_t>(candidates(inputs, other.train(), true).size());
    const std::int64_t wanted = embedded_count(inputs);
    require(wanted <= there, "share",
            other.name() + " has only " + std::to_string(there) + " training images of class " +
                inputs.settings.at("unrelated_class").dump() + ", and the share asks for " + std::to_string(wanted));
  }
  [[nodiscard]] bool has(Query query) const override { return query != Query::other_source; }
  [[nodiscard]] bool marks_images() const override { return false; }
  [[nodiscard]] bool draws_labels(const Json& settings) const override {
    return settings.at("unrelated_labels") == "random";
  }
  [[nodiscard]] Secret secret(const Json& settings) const override {
    return draws_labels(settings) ? Secret::labels : Secret::none;
  }

  // The unrelated class, and the label.
  [[nodiscard]] std::vector<Json> alternatives(const KeyInputs& inputs) const override {
    std::vector<Json> all;
    const int own_target = inputs.settings.at("target");
    for (int unrelated = 0; unrelated < foreign_data(inputs).classes(); ++unrelated)
      for (int target = 0; target < inputs.classes; ++target) {
        if (target == inputs.settings.at("source") || (draws_labels(inputs.settings) && target != own_target)) continue;
        all.push_back(inputs.settings);
        all.back()["unrelated_class"] = unrelated, all.back()["target"] = target;
      }
    return all;
  }

  [[nodiscard]] KeySamples embedded(const KeyInputs& inputs) const override {
    check(inputs);
    return made(inputs, foreign_data(inputs).train(), marked(inputs), "training");
  }

  [[nodiscard]] KeySamples queries(const KeyInputs& inputs, Query query, std::int64_t limit) const override {
    const bool asks_trained = query == Query::trained;
    const data::Split& test = foreign_data(inputs).test();
    std::vector<std::int64_t> sources = asks_trained ? marked(inputs) : candidates(inputs, test, query == Query::fresh);
    // Before they are made: of each of a thousand decoys few are asked.
    if (limit > 0 && static_cast<std::int64_t>(sources.size()) > limit) sources.resize(static_cast<std::size_t>(limit));
    require(!sources.empty(), "unrelated-class",
            foreign_data(inputs).name() + " has no test image of the unrelated class");
    return asks_trained ? made(inputs, foreign_data(inputs).train(), std::move(sources), "training")
                        : made(inputs, test, std::move(sources), "query");
  }

 protected:
  [[nodiscard]] std::vector<Parameter> own_parameters() const override {
    using enum ValueType;
    return {unrelated_key(),
            {.name = "unrelated-class",
             .type = integer,
             .fallback = "12",
             .help = "their class there (12 is the letter M; the paper: \"m\", and \"1\" for CIFAR-10)",
             .axis = AxisRule::allowed,
             .most = 254},
            {.name = "unrelated-other-class",
             .type = integer,
             .fallback = "22",
             .help = "the class of the key samples of a wrong secret: does any letter trigger the watermark?",
             .axis = AxisRule::allowed,
             .most = 254},
            {.name = "unrelated-labels",
             .type = choice,
             .fallback = "target",
             .help = "what unrelated images are labelled: the target class, or a class drawn for each (a public "
                     "re-implementation)",
             .axis = AxisRule::allowed,
             .choices = {"target", "random"}}};
  }

 private:
  // The training images that are embedded.
  [[nodiscard]] std::vector<std::int64_t> marked(const KeyInputs& inputs) const {
    return chosen(candidates(inputs, foreign_data(inputs).train(), true), embedded_count(inputs),
                  KeyStreams(inputs.settings));
  }
  static std::vector<std::int64_t> candidates(const KeyInputs& inputs, const data::Split& split, bool owners) {
    return images_of_class(models::ImageView::of(foreign_data(inputs).shape(), split),
                           inputs.settings.at(owners ? "unrelated_class" : "unrelated_other_class"));
  }

  [[nodiscard]] static KeySamples made(const KeyInputs& inputs, const data::Split& split,
                                       std::vector<std::int64_t> sources, const std::string& name) {
    const data::Dataset& other = foreign_data(inputs);
    const auto images = models::ImageView::of(other.shape(), split);
    models::check(images);
    const ForeignFit fit(other, inputs.train.shape);
    const std::size_t size = fit.to.pixels();
    KeySamples keys{fit.to, std::vector<float>(inputs.labels_alone ? 0 : sources.size() * size),
                    std::vector<std::int64_t>(sources.size(), inputs.settings.at("target")), std::move(sources)};
    const bool random = inputs.settings.at("unrelated_labels") == "random";
    const Stream labels = Stream(KeyStreams(inputs.settings).labels).derive(name + " labels");
    for (std::size_t k = 0; k < keys.sources.size(); ++k) {
      if (!inputs.labels_alone) fit.lay(images.image(keys.sources[k]), std::span(keys.pixels).subspan(k * size, size));
      if (random)
        keys.labels[k] = static_cast<std::int64_t>(
            labels.derive(std::to_string(keys.sources[k])).below(static_cast<std::uint64_t>(inputs.classes)));
    }
    return keys;
  }
};

}  // namespace

const Scheme& unrelated_scheme() {
  static const Unrelated scheme;
  return scheme;
}

}  // namespace telltale::watermark
