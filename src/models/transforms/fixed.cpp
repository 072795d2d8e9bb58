// Fixed (Chen and Wu 2018, Sec. 2.3): a bipolar pattern that the owner draws beforehand.
#include "models/transforms/pattern.h"

namespace telltale::models {
namespace {

class Fixed final : public PatternTransform {
 public:
  explicit Fixed(const TransformSpec& spec)
      : PatternTransform(spec), pattern_(register_buffer("pattern", empty_pattern())) {}

 private:
  [[nodiscard]] const at::Tensor& pattern() const override { return pattern_; }

  at::Tensor pattern_;
};

}  // namespace

std::shared_ptr<Transform> make_fixed(const TransformSpec& spec) { return std::make_shared<Fixed>(spec); }

}  // namespace telltale::models
