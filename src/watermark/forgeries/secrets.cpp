#include "watermark/forgery.h"

namespace telltale::watermark {

Forged forge_secrets(const ForgeryInputs& inputs) {
  const Json& own = inputs.key.settings;
  const auto answers = std::make_shared<const Bytes>(inputs.key.answers.begin(), inputs.key.answers.end());
  const Secret drawn = scheme_of(own).secret(own);
  return best_of(
      drawn == Secret::none ? 1 : inputs.tries,
      [&](std::int64_t i) {
        KeyOrigin origin{own, inputs.key.train, inputs.key.test, answers};
        origin.settings["seed"] = own.at("seed").get<std::uint64_t>() + static_cast<std::uint64_t>(i);
        return origin;
      },
      inputs, drawn == Secret::labels);
}

}  // namespace telltale::watermark
