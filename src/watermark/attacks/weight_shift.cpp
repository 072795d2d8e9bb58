#include "core/json.h"
#include "watermark/attacks/tuning.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class WeightShift final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "weight-shift"; }
  [[nodiscard]] std::string help() const override {
    return "every model after its filters were shifted against their mean, with noise, and it was trained on with the "
           "first half of the test images (Lukas et al. 2022)";
  }
  [[nodiscard]] std::string title() const override { return "Weight shifting, then fine-tuning"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    using enum ValueType;
    std::vector<Parameter> keys{
        {.name = "weight-shift",
         .type = number,
         .fallback = "",
         .help = "how many times the mean of a layer's filters is taken from each of them, in every convolution of "
                 "every trained model (in every hidden layer where there is none); empty: no shifting",
         .axis = AxisRule::always,
         .most = 100,
         .optional = true,
         .field = "strength"},
        {.name = "weight-shift-noise",
         .type = number,
         .fallback = "1",
         .help = "standard deviations of noise on the shifted weights, in standard deviations of their tensor",
         .axis = AxisRule::allowed,
         .most = 100,
         .field = "noise"}};
    for (Parameter& key : tuning_keys("weight-shift", "training on after weight shifting", "0.01", "5"))
      keys.push_back(std::move(key));
    return keys;
  }
  [[nodiscard]] std::string switched_on_by() const override { return "weight-shift"; }
  [[nodiscard]] Training training(const Json& settings, std::int64_t images) const override {
    return training_of(tuning_of(settings), images);
  }
};

}  // namespace

const Attack& weight_shift_attack() {
  static const WeightShift attack;
  return attack;
}

}  // namespace telltale::watermark
