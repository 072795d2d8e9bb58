#include "core/json.h"
#include "watermark/attacks/tuning.h"

namespace telltale::watermark {

std::vector<Parameter> tuning_keys(const std::string& prefix, const std::string& what, const char* rate,
                                   const char* epochs) {
  using enum ValueType;
  return {{.name = prefix + "-rate",
           .type = number,
           .fallback = rate,
           .help = "learning rate of " + what + " (SGD, momentum 0.9, 128 images a step)",
           .axis = AxisRule::allowed,
           .least = 1e-12,
           .most = 1000,
           .field = "rate"},
          {.name = prefix + "-epochs",
           .type = integer,
           .fallback = epochs,
           .help = "passes of " + what + " over the first half of the test images",
           .axis = AxisRule::allowed,
           .most = 100000,
           .field = "epochs"}};
}

Tuning tuning_of(const Json& settings) {
  return {.rate = settings.at("rate"), .epochs = settings.at("epochs").get<std::int64_t>()};
}

Attack::Training training_of(const Tuning& tuning, std::int64_t images, std::int64_t extra) {
  if (tuning.epochs == 0) return {};
  return {images / 2 + extra, tuning.batch, tuning.epochs, {}};
}

}  // namespace telltale::watermark
