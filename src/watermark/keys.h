// The room of ownership: how a watermark is made and embedded, how it is attacked, how it is verified.
//
// This header: the new label (Zhong et al. 2020) and its rival, the noise backdoor (Zhang et al. 2018).
#pragma once

#include <ATen/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/random.h"
#include "models/images.h"
#include "models/training.h"

namespace telltale::watermark {

enum class Method { clean, new_label, noise_backdoor };

/// "clean", "new-label" or "noise-backdoor".
std::string_view name_of(Method method);
/// Throws InputError, with the known names, for any other.
Method method_named(std::string_view name);

/// What beta multiplies. The paper's formula says amplitude; the scale of beta in its figures suggests variance.
enum class Reading {
  amplitude,  ///< k = x + beta eps
  variance,   ///< k = x + sqrt(beta) eps
};

/// "amplitude" or "variance".
std::string_view name_of(Reading reading);
/// Throws InputError, with the known names, for any other.
Reading reading_named(std::string_view name);

/// A watermark's settings. For Method::clean only the method counts.
struct Scheme {
  Method method = Method::clean;
  double alpha = 0.01;  ///< share of the training images that key samples are made of, |D1| / |D|
  double beta = 0.01;   ///< strength, for pixels in [0, 1]
  Reading reading = Reading::amplitude;
  bool fresh_noise = false;  ///< a pattern of its own for each image, instead of one for all
  bool clip = false;         ///< keep key samples in [0, 1]; the new label's formula does not
  int target = 0;            ///< noise_backdoor: the existing class that key samples are labelled with

  [[nodiscard]] Json to_json() const;
};

/// Throws InputError, naming the value, if no key samples can be made so for a data set of `classes` classes.
void check(const Scheme& scheme, int classes);

/// Outputs of the network: the new label is one more.
int output_classes(const Scheme& scheme, int classes);

/// The label of key samples; throws Error for the clean method, which has none.
int key_label(const Scheme& scheme, int classes);

struct KeySet {
  at::Tensor images;                  ///< K x C x H x W float32
  at::Tensor labels;                  ///< K, int64, all of them key_label()
  std::vector<std::int64_t> sources;  ///< the image each was made of, in its split
};

/// The pattern eps that a secret determines: C x H x W standard normal values, float32.
at::Tensor noise_pattern(const Stream& secret, const data::ImageShape& shape);

/// KsGen on the training data: alpha of all images, drawn by `choice` without replacement from those that may be
/// marked (the rival never marks its target class), in ascending order. Throws InputError if that is no image, or more
/// than may be marked.
KeySet make_trained_keys(const Scheme& scheme, const Stream& secret, const Stream& choice,
                         const models::ImageView& train, int classes);

/// KsGen on images the network was not trained on: all that may be marked, in order. With another secret's stream
/// these are the wrong-secret keys.
KeySet make_query_keys(const Scheme& scheme, const Stream& secret, const models::ImageView& test, int classes);

/// What TrEmb trains on: the training images with all their labels and, unless the method is clean, the trained keys.
models::TrainingData embed(const models::ImageView& train, const KeySet& keys);
models::TrainingData embed_nothing(const models::ImageView& train);

}  // namespace telltale::watermark
