#include "core/json.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class RemoveClass final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "remove-class"; }
  [[nodiscard]] std::string help() const override {
    return "every model after an output was taken from it (Zhong et al. 2020, Sec. 5)";
  }
  [[nodiscard]] std::string title() const override { return "Removal of a class"; }
  [[nodiscard]] std::vector<Parameter> parameters() const override {
    return {{.name = "remove-class",
             .type = ValueType::choice,
             .fallback = "",
             .help = "the output that never answers: one of the data's classes, or `extra`, all beyond them (a network "
                     "that has none stays as it is); empty: all answer",
             .axis = AxisRule::always,
             .choices = {"extra", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
             .optional = true,
             .field = "output"}};
  }
  [[nodiscard]] std::string switched_on_by() const override { return "remove-class"; }
};

}  // namespace

const Attack& remove_class_attack() {
  static const RemoveClass attack;
  return attack;
}

}  // namespace telltale::watermark
