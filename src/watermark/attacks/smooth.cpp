#include "core/json.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class Smooth final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "smooth"; }
  [[nodiscard]] std::string help() const override {
    return "every model, asked about smoothed images (Xu, Evans and Qi 2018; Lukas et al. 2022)";
  }
  [[nodiscard]] std::string title() const override { return "Smoothing of what is asked"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    using enum ValueType;
    return {
        {.name = "smooth-by",
         .type = choice,
         .fallback = "mean",
         .help = "what every pixel is replaced by, of the window around it: its mean, its median, or a mean weighted "
                 "by a Gaussian of 0.15 x side + 0.35 pixels",
         .axis = AxisRule::always,
         .choices = {"mean", "median", "gaussian"},
         .field = "by"},
        {.name = "smooth",
         .type = integer,
         .fallback = "",
         .help = "side of that window in pixels (even: one more; the border is repeated outwards); empty: no "
                 "smoothing",
         .axis = AxisRule::always,
         .least = 3,
         .most = 31,
         .optional = true,
         .dimension = "window",
         .field = "window"}};
  }
  [[nodiscard]] std::string switched_on_by() const override { return "smooth"; }
};

}  // namespace

const Attack& smooth_attack() {
  static const Smooth attack;
  return attack;
}

}  // namespace telltale::watermark
