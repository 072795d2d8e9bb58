// The model as it is: what every attack is compared with.
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class None final : public Attack {
 public:
  [[nodiscard]] std::string name() const override { return "none"; }
  [[nodiscard]] std::string help() const override { return "every model as it is"; }
};

}  // namespace

const Attack& none_attack() {
  static const None attack;
  return attack;
}

}  // namespace telltale::watermark
