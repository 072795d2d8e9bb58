// What schemes have in common that make key samples of chosen images with a secret.
#pragma once

#include <string>

#include "watermark/scheme.h"

namespace telltale::watermark {

/// Throws SettingError about the key, with the complaint, unless it fits.
void require(bool fits, const std::string& key, const std::string& complaint);

/// Refuses a class, the value of a key, that data of so many classes do not have. `what` names it in the message.
void check_class(const std::string& key, const std::string& what, int number, int classes);

/// Keys of the random streams of key samples: the choice of the images that are marked depends on all settings; the
/// owner's secret and the wrong one are one a repeat, whatever the other settings are. Of a decoy the choice of images
/// is the owner's, and all else another's.
struct KeyStreams {
  explicit KeyStreams(const Json& settings);
  Identity images, labels, secret, wrong_secret;
};

/// The key `key-labels`, of schemes that label key samples as one class or as any.
Parameter key_labels_key();
/// Whether settings say so: labels are drawn, one for each sample.
bool draws_key_labels(const Json& settings);

/// So many of the candidates, drawn without replacement, in ascending order.
std::vector<std::int64_t> chosen(const std::vector<std::int64_t>& candidates, std::int64_t count,
                                 const KeyStreams& streams);

/// Indices of the images of one class, ascending.
std::vector<std::int64_t> images_of_class(const models::ImageView& images, int number);

/// The samples that a scheme embeds, the first `limit` of them (0: all): Query::trained.
KeySamples trained(const Scheme& scheme, const KeyInputs& inputs, std::int64_t limit);

}  // namespace telltale::watermark
