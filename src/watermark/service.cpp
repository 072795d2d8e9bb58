#include "watermark/service.h"

#include <ATen/Tensor.h>

#include "core/error.h"
#include "models/evaluate.h"
#include "models/network.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class NetworkService final : public Service {
 public:
  explicit NetworkService(std::shared_ptr<models::Network> network) : network_(std::move(network)) {}

  [[nodiscard]] int outputs() const override { return network_->spec().classes; }
  at::Tensor logits(const models::ImageView& images, std::int64_t batch) override {
    return models::predict_logits(*network_, images, batch);
  }
  at::Tensor logits(const at::Tensor& images, std::int64_t batch) override {
    return models::predict_logits(*network_, images, batch);
  }

 private:
  std::shared_ptr<models::Network> network_;
};

}  // namespace

std::unique_ptr<Service> apply_attack(const AttackInputs& inputs) {
  const std::string name = attack_named(inputs.settings.at("name").get<std::string>()).name();
#define TELLTALE_ATTACK(attack) \
  if (name == attack##_attack().name()) return apply_##attack(inputs);
#include "watermark/attacks/attacks.def"
#undef TELLTALE_ATTACK
  throw Error("nothing is known of how to apply the attack " + name);
}

std::unique_ptr<Service> serve(std::shared_ptr<models::Network> network) {
  return std::make_unique<NetworkService>(std::move(network));
}

}  // namespace telltale::watermark
