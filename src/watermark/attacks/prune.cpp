#include "core/json.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class Prune final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "prune"; }
  [[nodiscard]] std::string help() const override {
    return "every model after the smallest weights were set to zero (Zhong et al. 2020, Fig. 4)";
  }
  [[nodiscard]] std::string title() const override { return "Pruning"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    using enum ValueType;
    return {{.name = "prune-scope",
             .type = choice,
             .fallback = "global",
             .help = "the smallest weights of the whole network, or of each tensor",
             .axis = AxisRule::always,
             .choices = {"global", "per-tensor"},
             .field = "scope"},
            {.name = "prune-rate",
             .type = number,
             .fallback = "",
             .help = "shares of the weights set to zero in every trained model; empty: no pruning",
             .axis = AxisRule::always,
             .most = 0.9999,
             .optional = true,
             .dimension = "pruning_rate",
             .field = "rate"}};
  }
  [[nodiscard]] std::string switched_on_by() const override { return "prune-rate"; }
  [[nodiscard]] bool changes_nothing(const Json& settings) const override { return settings.at("rate") == 0.0; }
};

}  // namespace

const Attack& prune_attack() {
  static const Prune attack;
  return attack;
}

}  // namespace telltale::watermark
