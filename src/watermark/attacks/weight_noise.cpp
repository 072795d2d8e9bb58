#include "core/json.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class WeightNoise final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "weight-noise"; }
  [[nodiscard]] std::string help() const override { return "every model after normal noise was added to its weights"; }
  [[nodiscard]] std::string title() const override { return "Noise on the weights"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    return {{.name = "weight-noise",
             .type = ValueType::number,
             .fallback = "",
             .help = "standard deviations of noise on every weight, in standard deviations of its tensor (biases stay "
                     "as they are); empty: none",
             .axis = AxisRule::always,
             .most = 100,
             .optional = true,
             .field = "strength"}};
  }
  [[nodiscard]] std::string switched_on_by() const override { return "weight-noise"; }
  [[nodiscard]] bool changes_nothing(const Json& settings) const override { return settings.at("strength") == 0.0; }
};

}  // namespace

const Attack& weight_noise_attack() {
  static const WeightNoise attack;
  return attack;
}

}  // namespace telltale::watermark
