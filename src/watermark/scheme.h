// What a watermark scheme is: how key samples are made, what they are trained as, and what a proof asks.
//
// A scheme knows no tensor and no LibTorch. Adding one is a file in schemes/ and a line in schemes/schemes.def.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/json.h"
#include "core/parameter.h"
#include "core/random.h"
#include "models/images.h"

namespace telltale::watermark {

struct BiasSettings;

/// Key samples: images made for the watermark, and the labels that they are to be answered with.
struct KeySamples {
  data::ImageShape shape;
  std::vector<float> pixels;          ///< count x C x H x W
  std::vector<std::int64_t> labels;   ///< count
  std::vector<std::int64_t> sources;  ///< the image that each was made of, in its split
  /// count: the classes of those images, where they differ from the labels though the images are as they were; or empty
  std::vector<std::int64_t> true_labels = {};
  /// count: of claims whose queries do not weigh alike, what each answer with the label is worth; or empty
  std::vector<double> weights = {};
  /// count: the labels that speak against the claim, by as much; or empty
  std::vector<std::int64_t> instead = {};
  /// Of claims of several parts: where each begins, and the mean and deviation of its score by chance; or empty.
  struct Part {
    std::int64_t first = 0;
    double mean = 0, deviation = 1;
  };
  std::vector<Part> parts = {};

  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(labels.size()); }
  /// Only the first so many.
  void keep_first(std::int64_t count);
  /// Images, labels and sources of others behind these. Throws Error for images of another shape.
  void append_images(const KeySamples& others);
};

/// What key samples are made from. `settings` is a scheme's part of a task's payload: `method`, `seed`, `repeat`, and a
/// field for each of its parameters; with a number `decoy`, somebody else's secret makes the key samples, of the same
/// images. What it refers to must outlive it.
struct KeyInputs {
  const Json& settings;
  models::ImageView train;
  models::ImageView test;
  int classes = 0;                          ///< of the data set
  const data::OtherData* others = nullptr;  ///< the data sets of other_data()
  ByteSpan answers = {};                    ///< of needs_answers(): the label that was given to each training image
  bool labels_alone = false;                ///< of a claim: its images are known already, and may be left out

  /// Of a data set's own images.
  static KeyInputs of(const Json& settings, const data::Dataset& data, const data::OtherData& others,
                      ByteSpan answers = {});
};

/// A setting with which no key samples can be made: refused where the job file gives it.
class SettingError : public InputError {
 public:
  SettingError(std::string key, const std::string& what) : InputError(what), key_(std::move(key)) {}
  /// Of the job file.
  [[nodiscard]] const std::string& key() const { return key_; }

 private:
  std::string key_;
};

/// How embedded samples come among the training images.
enum class Joins {
  beside,    ///< as further samples
  in_place,  ///< each in the place of the image that it was made of, of which there are no more and no fewer
  alone,     ///< without any other image
};

/// Training images by class.
using ClassCounts = std::vector<std::int64_t>;

/// The key samples of a proof.
enum class Query {
  fresh,         ///< made with the owner's secret of images that the network was not trained on
  wrong_secret,  ///< the same with another secret
  trained,       ///< those that were trained on
  other_source,  ///< made with the owner's secret of images of classes that were never marked
};

/// What of key samples an owner's secret decides: whether others could have come to the same ones by chance can be said
/// of what is drawn, and of nothing else.
enum class Secret {
  none,    ///< all is chosen, as a logo is
  labels,  ///< the images are the same with any secret
  images,  ///< them, and maybe the labels
};

class Scheme {
 public:
  virtual ~Scheme() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual std::string help() const = 0;
  /// Its keys of the job file: what its settings are made of.
  [[nodiscard]] virtual std::vector<Parameter> parameters() const { return {}; }
  /// Whether it embeds anything: the network without a watermark is a scheme too.
  [[nodiscard]] virtual bool marks() const { return true; }

  /// Outputs of the network.
  [[nodiscard]] virtual int outputs(int classes) const { return classes; }
  /// Names of the data sets that key samples are made of, beside the network's own.
  [[nodiscard]] virtual std::vector<std::string> other_data(const Json& settings) const {
    static_cast<void>(settings);
    return {};
  }
  /// Whether key samples are chosen by what the finished network without a watermark answers to the training images:
  /// such a scheme can only be embedded into that network. check() does without those answers.
  [[nodiscard]] virtual bool needs_answers() const { return false; }
  /// How it biases all that a network learns, beside what it is answered to key samples: trained with a network without
  /// the watermark as its teacher. The answers of key inputs are the queries of such a bias then (bias_queries.h).
  [[nodiscard]] virtual std::optional<BiasSettings> bias(const Json& settings) const;
  [[nodiscard]] virtual Joins joins(const Json& settings) const {
    static_cast<void>(settings);
    return Joins::beside;
  }
  /// Whether a proof may ask such key samples.
  [[nodiscard]] virtual bool has(Query query) const { return marks() && query != Query::other_source; }
  [[nodiscard]] virtual Secret secret(const Json& settings) const {
    static_cast<void>(settings);
    return Secret::none;
  }
  /// Each claimed label is drawn by itself from all classes: a network knows it of samples that it was trained on only.
  [[nodiscard]] virtual bool draws_labels(const Json& settings) const {
    static_cast<void>(settings);
    return false;
  }
  /// The verdict of the scheme's own paper, on so many matches of what was asked.
  [[nodiscard]] virtual bool found(std::int64_t matches, std::int64_t asked) const;
  /// The settings that anybody could have chosen as well, of whatever is chosen freely: what a claimant picks from who
  /// has seen the answers. The given ones among them.
  [[nodiscard]] virtual std::vector<Json> alternatives(const KeyInputs& inputs) const { return {inputs.settings}; }
  /// Throws SettingError if no key samples can be made so of these images.
  virtual void check(const KeyInputs& inputs) const = 0;

  /// Whether its key samples are images of the data set with something done to them: `sources` are theirs, of the
  /// training images those that are embedded, of the test images others.
  [[nodiscard]] virtual bool marks_images() const { return marks(); }
  /// How many samples are embedded where there are so many training images. Throws as check().
  [[nodiscard]] virtual std::int64_t embedded_count(const Json& settings, const ClassCounts& train) const = 0;
  /// What is embedded: embedded_count() samples. Throws as check(), and where the answers do not allow it.
  [[nodiscard]] virtual KeySamples embedded(const KeyInputs& inputs) const = 0;
  /// What a proof asks, of the queries that it has: of at most `limit` images (0: of all), the first that may be
  /// marked. Throws InputError if that is none.
  [[nodiscard]] virtual KeySamples queries(const KeyInputs& inputs, Query query, std::int64_t limit) const = 0;
  /// What a claim of ownership asks: the first `most` of queries() that are made of `key_images` images (0: of all).
  [[nodiscard]] virtual KeySamples claim(const KeyInputs& inputs, std::int64_t key_images, std::int64_t most) const;
};

/// What a claim of ownership asks: key samples trained on where labels are drawn and where there are no others, else
/// new ones.
Query claimed_query(const Scheme& scheme, const Json& settings);

/// Scheme::claim() of the settings' scheme. Throws as Scheme::queries().
KeySamples claimed_keys(const KeyInputs& inputs, std::int64_t key_images, std::int64_t queries);

/// How many samples a network is trained on with a scheme of these settings. Throws as Scheme::check().
std::int64_t samples_trained(const Json& settings, const ClassCounts& train);
/// How many samples a step computes for each that it is given: 2 where a decision is practised with each.
int samples_a_step(const Json& settings);

/// Every scheme there is.
const std::vector<const Scheme*>& schemes();
/// Throws InputError, naming those that there are, for another name.
const Scheme& scheme_named(const std::string& name);
/// The scheme that settings name (`method`).
const Scheme& scheme_of(const Json& settings);

}  // namespace telltale::watermark
