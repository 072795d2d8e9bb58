#include "core/json.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class Pairs final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "pairs"; }
  [[nodiscard]] std::string help() const override {
    return "raw images behind a transform that a thief fitted, by least squares, to training images before and after "
           "the owner's (Chen and Wu 2018, Sec. 4)";
  }
  [[nodiscard]] std::string title() const override { return "Pair attack"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    using enum ValueType;
    return {{.name = "pair-attempts",
             .type = integer,
             .fallback = "0",
             .help = "how many fits a pair attack tries, each from other weights and to other pairs; 0: there is none",
             .most = 100000},
            {.name = "pairs",
             .type = integer,
             .fallback = "1000",
             .help = "how many images before and after the transform it has",
             .axis = AxisRule::always,
             .least = 1,
             .most = most_of_a_count},
            {.name = "pair-model",
             .type = choice,
             .fallback = "generator",
             .help = "what it fits: the mean difference (pattern), a matrix for every block (linear), the generator's "
                     "structure, or another one of three convolutions (deep)",
             .axis = AxisRule::always,
             .choices = {"pattern", "linear", "generator", "deep"},
             .field = "model"},
            {.name = "pair-block",
             .type = integer,
             .fallback = "4",
             .help = "rows and columns of the blocks of linear",
             .axis = AxisRule::always,
             .least = 1,
             .most = 64,
             .field = "block"},
            {.name = "pair-steps",
             .type = integer,
             .fallback = "2000",
             .help = "steps of fitting (Adam); the mean difference needs none",
             .axis = AxisRule::always,
             .least = 1,
             .most = 1e7,
             .field = "steps"},
            {.name = "pair-rate",
             .type = number,
             .fallback = "0.003",
             .help = "its learning rate",
             .least = 1e-12,
             .most = 1000,
             .field = "rate"},
            {.name = "pair-batch",
             .type = integer,
             .fallback = "128",
             .help = "pairs a step",
             .least = 1,
             .most = 65536,
             .field = "batch"}};
  }
  [[nodiscard]] std::string attempts_key() const override { return "pair-attempts"; }
  [[nodiscard]] std::string switched_on_by() const override { return attempts_key(); }
  [[nodiscard]] bool needs_pairs() const override { return true; }
  [[nodiscard]] bool opens_raw_images() const override { return true; }
  [[nodiscard]] std::vector<std::pair<const char*, const char*>> measures() const override {
    return {{"fit_error",
             "root of the mean square, over pixels of test images, of what the fitted transform adds less what the "
             "owner's adds, in units of the network's range of pixels"}};
  }
};

}  // namespace

const Attack& pairs_attack() {
  static const Pairs attack;
  return attack;
}

}  // namespace telltale::watermark
