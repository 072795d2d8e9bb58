#include "watermark/forgery.h"

namespace telltale::watermark {

Forged forge_secrets(const ForgeryInputs& inputs) {
  const Json& own = inputs.key.settings;
  const Bytes answers(inputs.key.answers.begin(), inputs.key.answers.end());
  const bool drawn = scheme_of(own).secret(own) != Secret::none;
  return best_of(
      drawn ? inputs.tries : 1,
      [&](std::int64_t i) {
        KeyOrigin origin{own, inputs.key.train, inputs.key.test, answers};
        origin.settings["seed"] = own.at("seed").get<std::uint64_t>() + static_cast<std::uint64_t>(i);
        return origin;
      },
      inputs);
}

}  // namespace telltale::watermark
