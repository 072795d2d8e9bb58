// Small images that own their bytes, for tests.
#pragma once

#include "core/random.h"
#include "models/images.h"
#include "models/network.h"

namespace telltale::models {

struct Samples {
  Bytes pixels, labels;
  data::ImageShape shape;

  /// Random pixels; labels below `classes`, and the top left quarter as bright as the label says.
  Samples(const data::ImageShape& image, std::int64_t count, int classes) : shape(image) {
    Stream draws(7, Json(count), "samples");
    for (std::int64_t i = 0; i < count; ++i) {
      const auto label = static_cast<int>(draws.below(static_cast<std::uint64_t>(classes)));
      labels.push_back(static_cast<std::uint8_t>(label));
      for (int c = 0; c < shape.channels; ++c) {
        for (int y = 0; y < shape.height; ++y) {
          for (int x = 0; x < shape.width; ++x) {
            const bool told = y < shape.height / 2 && x < shape.width / 2;
            pixels.push_back(static_cast<std::uint8_t>(told ? label * 200 / classes + static_cast<int>(draws.below(30))
                                                            : static_cast<int>(draws.below(256))));
          }
        }
      }
    }
  }

  [[nodiscard]] ImageView view() const { return {pixels, labels, shape, static_cast<std::int64_t>(labels.size())}; }
};

inline std::shared_ptr<Network> fresh_network(const NetworkSpec& spec, const char* purpose = "initialise") {
  auto network = make_network(spec);
  initialise(*network, Stream(1, {}, purpose));
  return network;
}

}  // namespace telltale::models
