// The claims that a results file of experiment `ownership` holds, counted by scheme.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "store/results_file.h"

namespace telltale::experiments {

/// The share of its accuracy that a stolen network must keep to be worth stealing.
inline constexpr double useful_share = 0.9;
/// Beside the level of the verdicts: the strictest that 999 decoys can say.
inline constexpr double strict_level = 0.001;

/// Of the networks of one scheme.
struct Claims {
  std::size_t count = 0;
  std::size_t by_decoys_of = 0;                 ///< have a p by decoys
  std::size_t by_secret = 0, by_secret_of = 0;  ///< at the level by decoys and drawn labels, of those that have either
  std::size_t by_nulls = 0, by_nulls_of = 0;    ///< the same by null models
  std::size_t strictly = 0;                     ///< every p that is defined is at most the strict level
  std::map<std::string, std::size_t> verdicts;
  std::vector<std::size_t> proven_by_size;  ///< at the level when only the first queries are asked

  [[nodiscard]] std::size_t proven() const;
  void add(const Claims& more);
};

/// By scheme. Attacked: after every setting of an attack that leaves at least `useful_share` of the accuracy. Not
/// stolen: networks of controls, which owe the attacked one nothing.
struct ClaimsMade {
  using ByScheme = std::map<std::string, Claims>;
  ByScheme unattacked, attacked, not_stolen;
  std::map<std::string, ByScheme> by_attack;
};

/// `attacks`: names of the groups of networks that were attacked.
ClaimsMade claims_made(const store::Group& root, const store::Group& train, const std::vector<std::string>& attacks);

}  // namespace telltale::experiments
