#include "core/json.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class Reject final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "reject"; }
  [[nodiscard]] std::string help() const override {
    return "every model, behind an autoencoder that refuses what does not look like the images that it was made from "
           "(Meng and Chen 2017; Hitaj, Hitaj and Mancini 2019)";
  }
  [[nodiscard]] std::string title() const override { return "Refusal of strange questions"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    using enum ValueType;
    return {{.name = "reject-images",
             .type = integer,
             .fallback = "",
             .help = "how many images of the first half of the test images the autoencoder is made from: four fifths "
                     "to train it, the rest to say from which error on it refuses; empty: there is none",
             .axis = AxisRule::always,
             .least = 10,
             .most = most_of_a_count,
             .optional = true,
             .field = "images"},
            {.name = "reject-share",
             .type = number,
             .fallback = "0.05",
             .help = "share of those that it refuses: what a thief is ready to lose",
             .axis = AxisRule::allowed,
             .most = 0.99,
             .field = "share"},
            {.name = "reject-steps",
             .type = integer,
             .fallback = "1000",
             .help = "steps of the autoencoder's training (Adam, rate 0.001, 64 images a step)",
             .least = 1,
             .most = 1e7,
             .field = "steps"}};
  }
  [[nodiscard]] std::string switched_on_by() const override { return "reject-images"; }
  [[nodiscard]] bool refuses() const override { return true; }
};

}  // namespace

const Attack& reject_attack() {
  static const Reject attack;
  return attack;
}

}  // namespace telltale::watermark
