// A suspect as it can be asked: mostly a network, but not always (an attacker may smooth, reject, or drop classes).
#pragma once

#include <functional>
#include <memory>

#include "models/images.h"

namespace at {
class Tensor;
}
namespace telltale::models {
class Network;
}

namespace telltale::watermark {

class Service {
 public:
  virtual ~Service() = default;
  /// Answers that it can give.
  [[nodiscard]] virtual int outputs() const = 0;
  /// The network, where it answers as it is; nullptr where something stands before or behind it.
  [[nodiscard]] virtual std::shared_ptr<models::Network> network() const { return nullptr; }
  /// Logits, N x outputs (a row of models::no_answer: it refuses), asked `batch` images at a time (the batch size may
  /// change bits).
  virtual at::Tensor logits(const models::ImageView& images, std::int64_t batch) = 0;
  /// The same for float32 images, N x C x H x W.
  virtual at::Tensor logits(const at::Tensor& images, std::int64_t batch) = 0;
};

/// A network that answers as it is.
std::unique_ptr<Service> serve(std::shared_ptr<models::Network> network);
/// A network that is asked what `changed` makes of images, N x C x H x W.
std::unique_ptr<Service> serve_behind(std::shared_ptr<models::Network> network,
                                      std::function<at::Tensor(const at::Tensor&)> changed);

/// A network whose logits, N x classes, are read as `read` says.
std::unique_ptr<Service> serve_read(std::shared_ptr<models::Network> network,
                                    std::function<at::Tensor(const at::Tensor&)> read);

}  // namespace telltale::watermark
