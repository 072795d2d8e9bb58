// What an attack is: something done to a stolen network, or to what it is asked, after which it is asked again.
//
// Adding one is a line in attacks/attacks.def and two files beside it: NAME.cpp says what it is (NAME_attack), and
// apply_NAME.cpp, which needs LibTorch, what it does (apply_NAME).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/json.h"
#include "core/parameter.h"
#include "core/random.h"
#include "models/images.h"
#include "watermark/scheme.h"

namespace telltale::models {
class Network;
class Transform;
}  // namespace telltale::models

namespace telltale::watermark {

class Service;

/// What an attacker has. `settings` is an attack's part of a task's payload: `name`, and a field for each parameter.
struct AttackInputs {
  const Json& settings;
  std::shared_ptr<models::Network> model;  ///< shared with others: an attack changes a copy
  models::ImageView images;                ///< the test images, with their labels
  Stream stream;                           ///< of the attacker's own draws
  std::function<void()> check;             ///< to be called often: throws when the task has to end
  int classes = 0;                         ///< of the data: a network may have more outputs
  /// The key samples of a second owner who uses the same scheme on these images; empty: there is no scheme.
  std::function<KeySamples(const models::ImageView&)> rival_keys = {};
  // Of networks behind an anti-piracy transform:
  std::shared_ptr<models::Transform> transform = {};  ///< which an attacker knows by pairs alone: Attack::needs_pairs()
  models::ImageView owner_images = {};                ///< the training images, whose middle windows such pairs are
  Json kind = {};                                     ///< the transform's spec, for Attack::draws_as_owner()
  /// What answers rightly to raw images, where that is not the model itself: Attack::asks_device().
  std::shared_ptr<Service> device = {};
  /// Takes what else an attack measures: the values that Attack::measures() names.
  std::function<void(const char*, double)> measured = [](const char*, double) {};
};

/// The half of the test images that an attacker is taken to have; the second half shows what an attack costs.
inline models::ImageView first_half(const models::ImageView& images) { return images.part(0, images.count / 2); }

class Attack {
 public:
  /// A training that belongs to an attack: `images` of the test set, `batch` a step.
  struct Training {
    std::int64_t images = 0, batch = 1, epochs = 0;
    std::string network = {};  ///< what is trained, where it is not the model's structure
  };

  virtual ~Attack() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  /// What is done to every model: the description of its group of results.
  [[nodiscard]] virtual std::string help() const = 0;
  /// Of its table in reports.
  [[nodiscard]] virtual std::string title() const { return "Attack " + name(); }
  /// Its keys of the job file: the axes of its group of results.
  [[nodiscard]] virtual std::vector<Parameter> parameters() const { return {}; }
  /// The key that must have a value for the attack to take place at all; empty: it always does.
  [[nodiscard]] virtual std::string switched_on_by() const { return {}; }
  /// The key that says how often it is tried, each time with draws of its own (a dimension `attempt` of its group);
  /// empty: once.
  [[nodiscard]] virtual std::string attempts_key() const { return {}; }
  /// It needs images before and after an anti-piracy transform.
  [[nodiscard]] virtual bool needs_pairs() const { return false; }
  /// It asks the owner's service about raw images: of a network behind a transform, both together.
  [[nodiscard]] virtual bool asks_device() const { return false; }
  /// It trains a network from drawn weights, which need not be of the model's structure: the setting `network`, where
  /// there is one, is the spec of another.
  [[nodiscard]] virtual bool trains_own(const Json& settings) const {
    static_cast<void>(settings);
    return false;
  }
  /// It knows all of an anti-piracy transform but what is drawn for it, and draws its own: possible where nothing of
  /// such a transform is trained.
  [[nodiscard]] virtual bool draws_as_owner(const Json& settings) const {
    static_cast<void>(settings);
    return false;
  }
  /// It takes nothing of the network: what others are worth shows beside it, and whoever proves a claim of what it leaves
  /// proves a false one.
  [[nodiscard]] virtual bool is_control() const { return false; }
  /// It is after what a network behind a transform answers to raw images, and nothing else: authorised users are not
  /// asked about, and of a network without a transform there is nothing to get.
  [[nodiscard]] virtual bool opens_raw_images() const { return false; }
  /// The attacks, one after the other, that it is made of: their settings are `parts` in its own.
  [[nodiscard]] virtual std::vector<std::string> parts(const Json& settings) const {
    static_cast<void>(settings);
    return {};
  }
  /// Some questions get no answer after it.
  [[nodiscard]] virtual bool refuses() const { return false; }
  /// Settings whose combination has a meaning: of others there is no case.
  [[nodiscard]] virtual bool has_meaning(const Json& settings) const {
    static_cast<void>(settings);
    return true;
  }
  /// What it measures itself: variable, and what that means.
  [[nodiscard]] virtual std::vector<std::pair<const char*, const char*>> measures() const { return {}; }
  /// What it trains the model with, if it does, where there are so many test images: fingerprints cover it, and its
  /// time is planned for.
  [[nodiscard]] virtual Training training(const Json& settings, std::int64_t images) const {
    static_cast<void>(settings), static_cast<void>(images);
    return {};
  }
  /// Settings with which the model stays as it is: its unattacked measurement serves.
  [[nodiscard]] virtual bool changes_nothing(const Json& settings) const {
    static_cast<void>(settings);
    return false;
  }
};

/// The model after the attack that the settings name, as it can be asked. Throws InputError for settings that are none.
std::unique_ptr<Service> apply_attack(const AttackInputs& inputs);

/// Every attack there is.
const std::vector<const Attack*>& attacks();
/// Throws InputError, naming those that there are, for another name.
const Attack& attack_named(const std::string& name);

}  // namespace telltale::watermark
