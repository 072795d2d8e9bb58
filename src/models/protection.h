// How a network is trained to work behind an anti-piracy transform alone (Chen and Wu 2018, Eq. 3).
#pragma once

namespace telltale::models {

/// E = alpha E_p + beta E_r + gamma ||x_p - x_r||^2 (Eq. 3): cross-entropy of the processed images, probability of the
/// right answer for the raw ones, both means over the batch.
struct ProtectionWeights {
  double alpha = 1, beta = 1, gamma = 0.01;
  bool decoy = false;      ///< raw images are answered by decoys (decoy.h): E_r is the cross-entropy of those
  bool mean_norm = false;  ///< the third term is a mean over pixels; or their sum. Over images it is a mean.
  bool decays = true;      ///< the recipe's weight decay is the transform's too

  void fields(auto& field) {
    field("alpha", alpha), field("beta", beta), field("gamma", gamma), field("mean_norm", mean_norm),
        field("decays", decays), field("decoy", decoy);
  }
};

}  // namespace telltale::models
