// Fingerprints: the bits that decide an environment. Fixed inputs go through a network as training and evaluation
// would send them, and everything that comes out is hashed: two ranks of one fingerprint give the same results.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/identity.h"
#include "core/json.h"
#include "models/network_spec.h"

namespace telltale::forensics {

/// What a study does with a network: which operations decide its bits.
enum class Use {
  training,    ///< training steps of `batch` images, and evaluation `eval_batch` at a time
  prediction,  ///< predictions, `eval_batch` at a time
  search,      ///< the questions of a boundary search: predictions and slopes of one image in a batch of `eval_batch`
};

/// One way in which a study uses a network; bits depend on the batch size, so each size in use belongs to it.
struct Subject {
  models::NetworkSpec network;
  int batch = 128;       ///< images a training step
  int eval_batch = 256;  ///< images at a time in evaluation
  Use use = Use::training;
  // Of predictions; everything else has one thread and float32.
  int threads = 1;
  models::Precision precision = models::Precision::float32;

  /// "dnn-1/1x28x28/11/channels-last/batch 128/evaluation 256", ".../channels-last/prediction 16/2 threads/bfloat16",
  /// ".../channels-last/search 1"; a network's options in braces behind its name.
  [[nodiscard]] std::string key() const;
};

/// What a fingerprint distinguishes, in the order of computation: "forward, one image", "forward, evaluation batch",
/// "forward, training batch", "input gradient", "weight gradients", "optimizer step". A subject has those of its use.
const std::vector<std::string>& operations();

/// One computation of a fingerprint.
struct Trial {
  std::map<std::string, std::string> hashes;  ///< operation -> SHA-256 of the values, hexadecimal
  std::vector<std::string> layers;            ///< of predictions: the network's layers, in the order of computation
  double train_step_s = 0;
  double eval_image_s = 0;

  /// The hash of all operations.
  [[nodiscard]] Identity identity() const;
};

/// Computes it once: for training, a step and two evaluations. Weights, images and labels are drawn from
/// fixed streams. Throws InputError if there is no such network, Error for a batch of less than one image.
Trial run_trial(const Subject& subject);

/// The fingerprint proper: run_trial(subject).identity().
Identity fingerprint(const Subject& subject);

/// The fingerprints of one rank.
struct Fingerprints {
  std::map<std::string, std::string> by_subject;                           ///< subject key -> hash, hexadecimal
  std::map<std::string, std::map<std::string, std::string>> by_operation;  ///< subject key -> operation -> hash
  std::map<std::string, std::vector<std::string>> layers;  ///< key of a prediction -> its network's layers, no part of
                                                           ///< any hash
  std::map<std::string, double> train_step_s;              ///< measured on the way, least of the trials:
  std::map<std::string, double> eval_image_s;              ///< for cost estimates, no part of any hash
  bool repeats = true;
  std::vector<std::string> unrepeated;  ///< "<subject key>: <operation>" whose bits differed from trial to trial

  /// Adds the trials of one subject; its hashes are those of the first. Throws Error unless there are at least two.
  void add(const std::string& subject_key, const std::vector<Trial>& trials);

  [[nodiscard]] Json to_json() const;
  static Fingerprints from_json(const Json& json);
  bool operator==(const Fingerprints&) const = default;
};

/// Each subject `trials` times. Call it on the thread that will compute.
Fingerprints take_fingerprints(const std::vector<Subject>& subjects, int trials = 2);

/// What results that use only these subjects depend on: their fingerprints and the library builds, never a host or a
/// profile name. Throws Error if a subject's fingerprint is missing.
Identity environment_identity(const std::vector<std::string>& subject_keys,
                              const std::map<std::string, std::string>& by_subject, const Json& library_builds);

/// What one rank knows of itself.
struct RankReport {
  int rank = 0;
  Json passport;  ///< see passport.h
  Fingerprints fingerprints;
};

/// Ranks whose environment is the same.
struct EnvironmentGroup {
  Identity environment;    ///< over all subjects
  std::vector<int> ranks;  ///< ascending
};

/// In what two groups differ.
struct GroupDifference {
  std::size_t first = 0, second = 0;  ///< indices into Grouping::groups, first < second
  bool builds = false;                ///< whether the library builds differ
  /// Operation -> keys of the subjects in which it differs; no entry where the groups fall together.
  std::map<std::string, std::vector<std::string>> operations;
};

struct Grouping {
  std::vector<EnvironmentGroup> groups;      ///< in the order of their first ranks
  std::vector<GroupDifference> differences;  ///< every pair of groups
  /// Operation -> the sets of ranks that agree in it, whatever their library builds: what falls together.
  std::map<std::string, std::vector<std::vector<int>>> by_operation;
  std::vector<int> set_aside;  ///< ranks that do not repeat their own bits: in no group
};

Grouping group_environments(const std::vector<RankReport>& reports);

}  // namespace telltale::forensics
