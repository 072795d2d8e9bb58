#include "core/json.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class Quantise final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "quantise"; }
  [[nodiscard]] std::string help() const override {
    return "every model after its weights were rounded to a few levels (Hubara et al. 2018; Lukas et al. 2022)";
  }
  [[nodiscard]] std::string title() const override { return "Weight quantisation"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    return {{.name = "quantise-bits",
             .type = ValueType::integer,
             .fallback = "",
             .help = "bits a weight of every trained model: 2^bits - 1 levels, as far from each other, from minus to "
                     "plus the largest of its tensor (biases stay as they are); empty: no quantisation",
             .axis = AxisRule::always,
             .least = 2,
             .most = 16,
             .optional = true,
             .field = "bits"}};
  }
  [[nodiscard]] std::string switched_on_by() const override { return "quantise-bits"; }
};

}  // namespace

const Attack& quantise_attack() {
  static const Quantise attack;
  return attack;
}

}  // namespace telltale::watermark
