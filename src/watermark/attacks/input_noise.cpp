#include "core/json.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class InputNoise final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "input-noise"; }
  [[nodiscard]] std::string help() const override {
    return "every model, asked about images with normal noise, drawn anew for every image (Lukas et al. 2022)";
  }
  [[nodiscard]] std::string title() const override { return "Noise on what is asked"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    return {{.name = "input-noise",
             .type = ValueType::number,
             .fallback = "",
             .help = "standard deviation of noise on every pixel of what a model is asked, where 1 is the whole range; "
                     "pixels stay in that range; empty: none",
             .axis = AxisRule::always,
             .most = 10,
             .optional = true,
             .field = "deviation"}};
  }
  [[nodiscard]] std::string switched_on_by() const override { return "input-noise"; }
  [[nodiscard]] bool changes_nothing(const Json& settings) const override { return settings.at("deviation") == 0.0; }
};

}  // namespace

const Attack& input_noise_attack() {
  static const InputNoise attack;
  return attack;
}

}  // namespace telltale::watermark
