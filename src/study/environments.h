// The environments of a study: who is present, which of them trains, and how that stays fixed over every resume.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/json.h"
#include "forensics/fingerprint.h"

namespace telltale::study {

/// What decides the bits of a result. Its identity is made of fingerprints and library builds, never of a host.
struct Environment {
  std::string name;  ///< the profile, with a few digits of the identity where two environments share a profile
  std::string profile;
  Json builds;
  std::map<std::string, std::string> fingerprints;

  /// Identity over some subjects: what a task that uses only these depends on.
  [[nodiscard]] Identity identity(const std::vector<std::string>& subjects) const;
  [[nodiscard]] Identity identity() const;
  /// Whether it has a fingerprint of that subject. Studies that older versions began lack some.
  [[nodiscard]] bool covers(const std::string& subject) const { return fingerprints.count(subject) != 0; }
  /// The same profile with the same bits in every subject that this one covers; `other` may cover more.
  [[nodiscard]] bool is_had_by(const Environment& other) const;

  [[nodiscard]] Json to_json() const;
  static Environment from_json(const Json& json);
};

/// Which environment computes the trainings and measurements of a study: fixed at its first start.
struct Binding {
  std::string rule;  ///< "bound", "spread" or "any"
  int trainer = -1;  ///< index into Environments::list; -1 unless bound
  [[nodiscard]] Json to_json() const;
  static Binding from_json(const Json& json);
};

struct Environments {
  std::vector<Environment> list;
  std::vector<int> of_rank;  ///< index into `list`; -1 for a rank that computes nothing or is set aside
  /// Measured rates of each environment: the fastest of its ranks; empty maps where none is present now.
  std::vector<std::map<std::string, double>> train_step_s, eval_image_s;
  /// The layers of a prediction's network, in the order of computation, by the subject's key: as any rank has seen
  /// them.
  std::map<std::string, std::vector<std::string>> layers;

  [[nodiscard]] const Environment& at(int environment) const { return list.at(static_cast<std::size_t>(environment)); }
  /// Measured seconds of one training step, or of one image's evaluation, by a subject's key; 0 where nothing is known.
  [[nodiscard]] double step_seconds(int environment, const std::string& subject) const;
  [[nodiscard]] double image_seconds(int environment, const std::string& subject) const;
  /// Their names as an axis.
  [[nodiscard]] std::vector<std::string> names() const;
};

/// The profile that a rank is pinned to ("native" if to none), and its host.
std::string profile_of(const forensics::RankReport& rank);
std::string host_of(const forensics::RankReport& rank);

/// Nodes that a study should have.
struct ExpectedNodes {
  std::string microarchitecture;
  long long count = 1;
};
/// "Zen 3:2"; "Haswell" is one. Throws InputError.
ExpectedNodes parse_expected_nodes(const std::string& text);

/// Of these, those that did not come: a sentence each. Throws InputError for what cannot be read.
std::vector<std::string> missing_nodes(const std::vector<std::string>& expected,
                                       const std::map<std::string, std::string>& microarchitecture_of_host);

/// The environments of these ranks, in the order of their profile names. Ranks with `computes` false count for nothing.
Environments environments_of(const std::vector<forensics::RankReport>& ranks, const std::vector<bool>& computes);

/// The recorded environments of an earlier start with today's ranks placed in them; a rank that fits none gets -1.
Environments place_ranks(const std::vector<Environment>& recorded, const std::vector<forensics::RankReport>& ranks,
                         const std::vector<bool>& computes);

/// Follows `train-on`: "spread", "any", or a profile. Throws InputError when no rank has the environment that it asks
/// for, naming those present.
Binding bind_training(const std::string& train_on, const Environments& present);

}  // namespace telltale::study
