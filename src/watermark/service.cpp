#include "watermark/service.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "models/evaluate.h"
#include "models/network.h"
#include "models/transform.h"
#include "watermark/registry.h"

namespace telltale::watermark {
namespace {

class NetworkService final : public Service {
 public:
  explicit NetworkService(std::shared_ptr<models::Network> network) : network_(std::move(network)) {}

  [[nodiscard]] int outputs() const override { return network_->spec().classes; }
  [[nodiscard]] std::shared_ptr<models::Network> network() const override { return network_; }
  at::Tensor logits(const models::ImageView& images, std::int64_t batch) override {
    return models::predict_logits(*network_, images, batch);
  }
  at::Tensor logits(const at::Tensor& images, std::int64_t batch) override {
    return models::predict_logits(*network_, images, batch);
  }

 private:
  std::shared_ptr<models::Network> network_;
};

class ChangedService final : public Service {
 public:
  ChangedService(std::shared_ptr<models::Network> network, std::function<at::Tensor(const at::Tensor&)> changed)
      : network_(std::move(network)), changed_(std::move(changed)) {}

  [[nodiscard]] int outputs() const override { return network_->spec().classes; }
  at::Tensor logits(const models::ImageView& images, std::int64_t batch) override {
    return in_batches(images.count, batch,
                      [&](std::int64_t first) { return models::planes_of(images.part(first, batch)); });
  }
  at::Tensor logits(const at::Tensor& images, std::int64_t batch) override {
    return in_batches(images.size(0), batch, [&](std::int64_t first) {
      return images.narrow(0, first, std::min(batch, images.size(0) - first));
    });
  }

 private:
  template <typename Part>
  at::Tensor in_batches(std::int64_t count, std::int64_t batch, const Part& part) {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> all;
    for (std::int64_t first = 0; first < count; first += batch)
      all.push_back(models::predict_logits(*network_, changed_(part(first)), batch));
    return at::cat(all);
  }

  std::shared_ptr<models::Network> network_;
  std::function<at::Tensor(const at::Tensor&)> changed_;
};

class ReadService final : public Service {
 public:
  ReadService(std::unique_ptr<Service> asked, std::function<at::Tensor(const at::Tensor&)> read)
      : asked_(std::move(asked)), read_(std::move(read)) {}

  [[nodiscard]] int outputs() const override { return asked_->outputs(); }
  at::Tensor logits(const models::ImageView& images, std::int64_t batch) override {
    return read_(asked_->logits(images, batch));
  }
  at::Tensor logits(const at::Tensor& images, std::int64_t batch) override {
    return read_(asked_->logits(images, batch));
  }

 private:
  std::unique_ptr<Service> asked_;
  std::function<at::Tensor(const at::Tensor&)> read_;
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

std::unique_ptr<Service> serve_behind(std::shared_ptr<models::Network> network,
                                      std::function<at::Tensor(const at::Tensor&)> changed) {
  return std::make_unique<ChangedService>(std::move(network), std::move(changed));
}

std::unique_ptr<Service> serve_read(std::shared_ptr<models::Network> network,
                                    std::function<at::Tensor(const at::Tensor&)> read) {
  return std::make_unique<ReadService>(serve(std::move(network)), std::move(read));
}

}  // namespace telltale::watermark
