// Model inversion (Fredrikson et al. 2015, Algorithm 1; Zhang et al. 2018, Sec. 5.5): an image that a network answers
// with a label, found by gradient steps on the pixels.
#pragma once

#include <ATen/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>

namespace telltale::models {
class Network;
}

namespace telltale::watermark {

struct InversionRecipe {
  std::string cost = "confidence";  ///< 1 - p of the label, as published; or cross-entropy, whose slope does not vanish
  std::int64_t steps = 5000;        ///< at most
  double rate = 0.1;                ///< step size
  std::int64_t patience = 100;      ///< ends when the cost is not below the largest of so many steps before
  double confidence = 0.99;         ///< ends when the label has this probability
};

struct Inverted {
  at::Tensor image;        ///< C x H x W, in [0,1]: of all steps the one of least cost
  double confidence = 0;   ///< the label's probability there
  std::int64_t steps = 0;  ///< taken
};

/// From `start`, C x H x W in [0,1]; pixels stay there. `check` is called before every step. Throws InputError for an
/// unknown cost.
Inverted invert(models::Network& network, const at::Tensor& start, std::int64_t label, const InversionRecipe& recipe,
                const std::function<void()>& check);

}  // namespace telltale::watermark
