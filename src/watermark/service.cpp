#include "watermark/service.h"

#include <ATen/Tensor.h>

#include "models/evaluate.h"
#include "models/network.h"

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

std::unique_ptr<Service> serve(std::shared_ptr<models::Network> network) {
  return std::make_unique<NetworkService>(std::move(network));
}

}  // namespace telltale::watermark
