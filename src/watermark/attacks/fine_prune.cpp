#include "core/json.h"
#include "watermark/attacks/tuning.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class FinePrune final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "fine-prune"; }
  [[nodiscard]] std::string help() const override {
    return "every model after those channels of its last convolution that clean images leave at rest were cut off, and "
           "it was trained on with the first half of the test images (Liu, Dolan-Gavitt and Garg 2018)";
  }
  [[nodiscard]] std::string title() const override { return "Fine-pruning"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    std::vector<Parameter> keys{
        {.name = "fine-prune",
         .type = ValueType::number,
         .fallback = "",
         .help = "share of the channels of the last convolution (of the last hidden layer where there is none) that is "
                 "cut off in every trained model, those of the smallest mean activation on the first half of the test "
                 "images first; empty: no fine-pruning",
         .axis = AxisRule::always,
         .most = 0.9999,
         .optional = true,
         .field = "share"}};
    for (Parameter& key : tuning_keys("fine-prune", "training on after fine-pruning", "0.01", "5"))
      keys.push_back(std::move(key));
    return keys;
  }
  [[nodiscard]] std::string switched_on_by() const override { return "fine-prune"; }
  [[nodiscard]] Training training(const Json& settings, std::int64_t images) const override {
    return training_of(tuning_of(settings), images);
  }
};

}  // namespace

const Attack& fine_prune_attack() {
  static const FinePrune attack;
  return attack;
}

}  // namespace telltale::watermark
