// Learned (Chen and Wu 2018, Sec. 2.3): a pattern that is trained with the network. What it starts from is not said:
// here the pattern that Fixed would have.
#include "models/transforms/pattern.h"

namespace telltale::models {
namespace {

class Learned final : public PatternTransform {
 public:
  explicit Learned(const TransformSpec& spec)
      : PatternTransform(spec), pattern_(register_parameter("pattern", empty_pattern())) {}

 private:
  [[nodiscard]] const at::Tensor& pattern() const override { return pattern_; }

  at::Tensor pattern_;
};

}  // namespace

std::shared_ptr<Transform> make_learned(const TransformSpec& spec) { return std::make_shared<Learned>(spec); }

}  // namespace telltale::models
