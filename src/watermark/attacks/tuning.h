// Training a stolen network on, as several attacks do.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "watermark/attack.h"
#include "watermark/scheme.h"

namespace telltale::watermark {

/// How a thief trains on: SGD.
struct Tuning {
  double rate = 0.01, momentum = 0.9;
  std::int64_t batch = 128, epochs = 0;
};

/// The keys `PREFIX-rate` and `PREFIX-epochs` of an attack that trains on afterwards.
std::vector<Parameter> tuning_keys(const std::string& prefix, const std::string& what, const char* rate,
                                   const char* epochs);
/// What these keys, as fields of an attack's settings, say.
Tuning tuning_of(const Json& settings);
/// Of Attack::training(): on the first half of so many test images, and `extra` samples.
Attack::Training training_of(const Tuning& tuning, std::int64_t images, std::int64_t extra = 0);

/// Trains on with the first half of the test images, and with `extra` samples if there are any; draws from the
/// attacker's stream for `purpose`. No epochs: leaves the network as it is.
void train_on(const std::shared_ptr<models::Network>& network, const AttackInputs& inputs, const Tuning& tuning,
              std::string_view purpose, const KeySamples* extra = nullptr);

}  // namespace telltale::watermark
