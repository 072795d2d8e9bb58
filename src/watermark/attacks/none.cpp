// The model as it is: what every attack is compared with.
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {
namespace {

class None final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "none"; }
  [[nodiscard]] std::string help() const override { return "every model as it is"; }
  [[nodiscard]] std::unique_ptr<Service> apply(const AttackInputs& inputs) const override {
    return serve(inputs.model);
  }
};

}  // namespace

const Attack& no_attack() {
  static const None attack;
  return attack;
}

}  // namespace telltale::watermark
