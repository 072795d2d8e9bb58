// The new label's rival: the noise backdoor of Zhang et al. 2018, whose key samples take the label of an existing
// class, and are never made of its images.
#include "core/error.h"
#include "watermark/registry.h"
#include "watermark/schemes/added_noise.h"

namespace telltale::watermark {
namespace {

class NoiseBackdoor final : public NoiseScheme {
 public:
  [[nodiscard]] std::string name() const override { return "noise-backdoor"; }
  [[nodiscard]] std::string help() const override {
    return "key samples are labelled as an existing class (Zhang et al. 2018)";
  }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    std::vector<Parameter> all = NoiseScheme::parameters();
    all.push_back({.name = "target",
                   .type = ValueType::integer,
                   .fallback = "0",
                   .help = "the existing class that noise-backdoor labels its key samples",
                   .most = 254});
    return all;
  }
  [[nodiscard]] std::vector<Json> alternatives(const KeyInputs& inputs) const override {
    std::vector<Json> all(static_cast<std::size_t>(inputs.classes), inputs.settings);
    for (int target = 0; target < inputs.classes; ++target) all[static_cast<std::size_t>(target)]["target"] = target;
    return all;
  }
  void check(const KeyInputs& inputs) const override {
    check_class("target", "target class", inputs.settings.at("target"), inputs.classes);
    NoiseScheme::check(inputs);
  }

 protected:
  [[nodiscard]] std::int64_t label(const Json& settings, int) const override { return settings.at("target"); }
  [[nodiscard]] int unmarked_class(const Json& settings) const override { return settings.at("target"); }
};

}  // namespace

const Scheme& noise_backdoor_scheme() {
  static const NoiseBackdoor scheme;
  return scheme;
}

}  // namespace telltale::watermark
