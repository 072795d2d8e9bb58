#include <string>

#include "core/error.h"
#include "core/json.h"
#include "watermark/registry.h"
#include "watermark/service.h"

namespace telltale::watermark {

std::unique_ptr<Service> apply_combine(const AttackInputs& inputs) {
  std::unique_ptr<Service> left;
  std::shared_ptr<models::Network> model = inputs.model;
  for (const Json& part : inputs.settings.at("parts")) {
    const auto name = part.at("name").get<std::string>();
    if (!model) throw Error("nothing can be made by " + name + " of what the attack before it leaves");
    AttackInputs next{part, model, inputs.images, inputs.stream.derive("then " + name), inputs.check};
    next.classes = inputs.classes;
    next.rival_keys = inputs.rival_keys;
    left = apply_attack(next);
    model = left->network();
  }
  return left;
}

}  // namespace telltale::watermark
