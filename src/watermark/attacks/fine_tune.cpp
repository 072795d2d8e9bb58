#include "core/json.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class FineTune final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "fine-tune"; }
  [[nodiscard]] std::string help() const override {
    return "every model after it was trained on with the first half of the test images (Zhang et al. 2018, Table 5; "
           "Zhong et al. 2020, Table 1)";
  }
  [[nodiscard]] std::string title() const override { return "Fine-tuning with the first half of the test images"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    using enum ValueType;
    return {
        {.name = "tune",
         .type = choice,
         .fallback = "",
         .help = "how every trained model is fine-tuned: the last layer (ll) or all layers (al), as they are (ft) or "
                 "with the last layer drawn anew (rt); empty: not at all",
         .axis = AxisRule::always,
         .choices = {"ftll", "ftal", "rtll", "rtal"},
         .optional = true,
         .field = "how"},
        {.name = "tune-rate",
         .type = number,
         .fallback = "0.01",
         .help = "learning rate of fine-tuning",
         .axis = AxisRule::always,
         .least = 1e-12,
         .most = 1000,
         .field = "rate"},
        {.name = "tune-epochs",
         .type = integer,
         .fallback = "10",
         .help = "passes of fine-tuning over its half of the test images",
         .axis = AxisRule::always,
         .least = 1,
         .most = 100000,
         .field = "epochs"},
        {.name = "tune-momentum",
         .type = number,
         .fallback = "0.9",
         .help = "momentum of fine-tuning's SGD",
         .most = 0.9999,
         .field = "momentum"},
        {.name = "tune-batch",
         .type = integer,
         .fallback = "128",
         .help = "images a step of fine-tuning",
         .least = 1,
         .most = 65536,
         .field = "batch"}};
  }
  [[nodiscard]] std::string switched_on_by() const override { return "tune"; }
  [[nodiscard]] Training training(const Json& settings, std::int64_t images) const override {
    return {images / 2, settings.at("batch"), settings.at("epochs")};
  }
};

}  // namespace

const Attack& fine_tune_attack() {
  static const FineTune attack;
  return attack;
}

}  // namespace telltale::watermark
