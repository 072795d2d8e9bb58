#include "core/json.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class Jpeg final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "jpeg"; }
  [[nodiscard]] std::string help() const override {
    return "every model, asked about images that were JPEG files (Das et al. 2018; Lukas et al. 2022)";
  }
  [[nodiscard]] std::string title() const override { return "JPEG compression of what is asked"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    return {{.name = "jpeg-quality",
             .type = ValueType::integer,
             .fallback = "",
             .help = "quality of the JPEG file that every image goes through before a model is asked; empty: none does",
             .axis = AxisRule::always,
             .least = 1,
             .most = 100,
             .optional = true,
             .field = "quality"}};
  }
  [[nodiscard]] std::string switched_on_by() const override { return "jpeg-quality"; }
};

}  // namespace

const Attack& jpeg_attack() {
  static const Jpeg attack;
  return attack;
}

}  // namespace telltale::watermark
