#include "experiments/piracy/protection.h"

#include <algorithm>
#include <numeric>

#include "core/text.h"
#include "experiments/settings.h"
#include "models/transform_spec.h"

namespace telltale::experiments {
namespace {

// The transforms' keys, each once: some belong to several.
std::vector<Parameter> transform_parameters() {
  std::vector<Parameter> all;
  for (const models::TransformKind& kind : models::transform_kinds())
    for (const Parameter& parameter : kind.parameters)
      if (std::none_of(all.begin(), all.end(), [&](const auto& known) { return known.name == parameter.name; }))
        all.push_back(parameter);
  return all;
}

}  // namespace

ParameterGroup protection_keys() {
  using enum ValueType;
  Parameter transform{.name = "transform", .type = choice, .fallback = "", .help = "", .axis = AxisRule::always};
  std::vector<std::string> helps;
  for (const models::TransformKind& kind : models::transform_kinds()) {
    transform.choices.push_back(kind.name);
    helps.push_back(kind.name + ": " + kind.help);
  }
  transform.choices.emplace_back(telltale_preset);
  transform.choices.emplace_back(no_transform);
  helps.push_back(std::string(telltale_preset) +
                  ": ours: keyed, the whole image one block; a network of dense layers, taught by the one that is not "
                  "protected; decoys for raw images");
  helps.push_back(std::string(no_transform) + ": a network that is not protected");
  transform.fallback = std::string("fixed, learned, generator, ") + no_transform;  // the paper's
  transform.help = joined(helps, "; ");
  std::vector<Parameter> all{transform};
  for (Parameter& parameter : transform_parameters()) all.push_back(std::move(parameter));
  const auto weight = [&](const char* name, const char* fallback, const char* help) {
    all.push_back(
        {.name = name, .type = number, .fallback = fallback, .help = help, .axis = AxisRule::allowed, .most = 1e6});
  };
  weight("loss-alpha", "1", "weight of the processed images' cross-entropy (alpha of Eq. 3)");
  weight("loss-beta", "1", "weight of the probability of the right answer for raw images (beta)");
  weight("loss-gamma", "0.01", "weight of the square of what the transform changes (gamma)");
  all.push_back({.name = "loss-raw",
                 .type = choice,
                 .fallback = "wrong",
                 .help = "what raw images are to be answered: anything but the right label (wrong: Eq. 3), or decoy "
                         "labels that come of a secret, as are images behind a stranger's transform (decoy: ours)",
                 .axis = AxisRule::allowed,
                 .choices = {"wrong", "decoy"}});
  all.push_back({.name = "loss-norm",
                 .type = choice,
                 .fallback = "sum",
                 .help = "that square is summed over an image's pixels, or their mean; over images it is a mean",
                 .axis = AxisRule::allowed,
                 .choices = {"sum", "mean"}});
  all.push_back({.name = "transform-decay",
                 .type = flag,
                 .fallback = "yes",
                 .help = "weight decay is the transform's too: one optimizer trains both",
                 .axis = AxisRule::allowed});
  all.push_back({.name = "window",
                 .type = integer,
                 .fallback = "0",
                 .help =
                     "networks see windows of so many rows and columns: in training anywhere in an image, half of them "
                     "flipped; in tests the middle one; 0: whole images",
                 .most = 4096});
  all.push_back({.name = "show-images",
                 .type = integer,
                 .fallback = "0",
                 .help = "so many test images are kept in the results, raw and processed (Fig. 2); 0: none",
                 .most = 10000});
  return {"Protection", std::move(all)};
}

namespace {

// The preset: how its parts came to be chosen is in docs/anti-piracy.md.
Protection telltale_protection(const models::NetworkSpec& network, const data::ImageShape& whole) {
  Protection protection{{"keyed", network.input, whole, models::pixels_of(network)}, {}};
  protection.transform.settings = {{"clip", false}, {"key_block", std::gcd(network.input.height, network.input.width)}};
  protection.loss.decoy = true;
  return protection;
}

std::optional<Protection> protection_of(const CaseValues& values, const models::NetworkSpec& network,
                                        const data::ImageShape& whole) {
  const std::string name = values.text("transform");
  if (name == no_transform) return {};
  if (name == telltale_preset) return telltale_protection(network, whole);
  const models::TransformKind& kind = models::transform_kind(name);
  Protection protection{{name, network.input, whole, models::pixels_of(network)}, {}};
  for (const Parameter& parameter : kind.parameters)
    protection.transform.settings[parameter.field_name()] = value_of(parameter, values);
  // Where training does not vary images, a pattern is on both.
  if (protection.transform.settings.contains("pattern_on") && values.text("augment") == "none" &&
      network.input == whole)
    protection.transform.settings["pattern_on"] = "window";
  models::ProtectionWeights& loss = protection.loss;
  loss.alpha = values.number("loss-alpha");
  loss.beta = values.number("loss-beta");
  loss.decoy = values.text("loss-raw") == "decoy";
  if (kind.is_trained) {
    loss.gamma = values.number("loss-gamma");
    loss.mean_norm = values.text("loss-norm") == "mean";
    loss.decays = values.flag("transform-decay");
  }
  return protection;
}

}  // namespace

models::NetworkSpec keyed_network(const data::ImageShape& input, int classes) {
  return {"mlp", input, classes, {{"norm", "batch"}}};
}

models::NetworkSpec network_behind(const CaseValues& values, const data::ImageShape& input, int classes) {
  if (values.text("transform") == telltale_preset) return keyed_network(input, classes);
  return network_of(values, input, classes);
}

Trained protected_training(const CaseValues& values, const data::ImageShape& input, const data::Dataset& data) {
  Trained of{network_behind(values, input, data.classes()), no_scheme()};
  of.protection = protection_of(values, of.network, data.shape());
  if (values.text("transform") == telltale_preset) of.teacher = network_of(values, input, data.classes());
  return of;
}

}  // namespace telltale::experiments
