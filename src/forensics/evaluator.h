// A machine that answers a search's questions: one network on this rank, one image at a time.
#pragma once

#include <memory>

#include "forensics/oracle.h"
#include "models/network_spec.h"

namespace telltale::models {
class Network;
}

namespace telltale::forensics {

class Evaluator {
 public:
  /// Takes the network over and puts it into evaluation mode for good. `batch`: the point fills a batch of so many
  /// copies of itself and the first one's answer counts, for services that predict in batches (it changes bits).
  explicit Evaluator(std::shared_ptr<models::Network> network, int batch = 1);

  [[nodiscard]] const models::NetworkSpec& spec() const;

  /// Throws Error for a point of another shape and for classes that the network does not have.
  [[nodiscard]] Answer answer(const Question& question) const;

 private:
  std::shared_ptr<models::Network> network_;
  int batch_;
};

}  // namespace telltale::forensics
