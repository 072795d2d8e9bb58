// False claims: how somebody who did not mark a network comes by a key that it answers. A standard of ownership is
// worth what it refuses of them (Liu et al. 2024, "False Claims against Model Ownership Resolution").
//
// Adding one is a line in forgeries/forgeries.def and a file beside it (forge_NAME), which may use LibTorch.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/random.h"
#include "watermark/scheme.h"

namespace telltale::models {
class Network;
}

namespace telltale::watermark {

class Service;

struct Forgery {
  std::string name, help;
  /// The key is made of what the suspect answers: there can be no commitment to it from before.
  bool sees_suspect = false;
};

/// Every forgery there is.
const std::vector<Forgery>& forgeries();
/// Throws InputError, naming those that there are, for another name.
const Forgery& forgery_named(const std::string& name);

/// What a false claimant has.
struct ForgeryInputs {
  /// What the key is made of that he would have as an honest owner: the scheme's settings with a secret of his own, and
  /// where the scheme chooses by answers, those of a network of his own.
  const KeyInputs& key;
  std::shared_ptr<Service> suspect;
  std::vector<std::shared_ptr<models::Network>> ensemble;  ///< networks that he has trained
  std::int64_t key_images = 0, queries = 0;                ///< as of claimed_keys()
  std::int64_t tries = 1;                                  ///< how many secrets he can go through
  double epsilon = 0;                                      ///< by how much he changes a pixel
  std::int64_t batch = 1;                                  ///< images that are asked at a time
  Stream stream;                                           ///< of his own draws
  std::function<void()> check;                             ///< to be called often: throws when the task has to end
};

/// What a scheme makes a key of.
struct KeyOrigin {
  Json settings;
  models::ImageView train, test;
  std::shared_ptr<const Bytes> answers{};  ///< of schemes that choose by them

  /// As of KeyInputs; what this refers to must outlive them.
  [[nodiscard]] KeyInputs inputs(const KeyInputs& claimant, bool labels_alone = false) const;
};

/// The key that he claims with.
struct Forged {
  KeySamples samples;
  std::optional<KeyOrigin> origin{};           ///< out of which the scheme makes these samples; none: it does not
  std::int64_t tries = 1;                      ///< among how many keys he has chosen
  std::shared_ptr<Service> suspect = nullptr;  ///< what he claims, where he made that himself
};

/// Throws InputError for a name that is none, and where the scheme makes no key of what he has.
Forged forge(const std::string& name, const ForgeryInputs& inputs);

/// The settings that somebody has who uses the same scheme with a secret of his own.
Json rival_settings(const Json& owners);

/// The key that the scheme makes of it: claimed_keys(). `labels_alone`: as of KeyInputs.
KeySamples key_of(const KeyOrigin& origin, const ForgeryInputs& inputs, bool labels_alone = false);
/// Of so many keys, the one whose claimed labels the suspect gives most often, the first if several are.
/// `same_images`: all ask the same images, and these are asked once. Throws InputError where the scheme makes none.
Forged best_of(std::int64_t count, const std::function<KeyOrigin(std::int64_t)>& origin, const ForgeryInputs& inputs,
               bool same_images);

#define TELLTALE_FORGERY(name, sees_suspect, help) Forged forge_##name(const ForgeryInputs& inputs);
#include "watermark/forgeries/forgeries.def"
#undef TELLTALE_FORGERY

}  // namespace telltale::watermark
