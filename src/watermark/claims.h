// One standard for claims of ownership, whatever the scheme: the statistic, what it is compared with, and the verdict.
//
// Two null hypotheses. Of the key: the suspect does not depend on the owner's secret; decoy secrets show what it gives
// to others. Of the model: the suspect is like networks that were trained without the watermark; such networks show
// what they give. A claim is proven when it is admissible and every p-value that is defined says so. The same bits on
// every CPU.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "watermark/scheme.h"

namespace telltale::watermark {

/// The level at which a claim is proven, where nobody says another.
inline constexpr double claim_level = 0.01;
/// A level is met by what falls short of it in the last bits alone, too: 1/100 and 0.01 are the same.
bool meets(double p, double level);

/// How many answers have the claimed label, of the first so many (none said: of all); refusals and unknown labels are
/// no matches. Throws Error unless there is one answer for each label, and as many as `asked`.
std::int64_t claim_matches(std::span<const std::int64_t> answers, const KeySamples& keys,
                           std::optional<std::int64_t> asked = {});

/// The statistic of a claim: T = sum of w_i [a_i = y_i] less the w_i of answers that speak against it (weights of 1,
/// and nothing against it, where the keys say no more). Of a claim of several parts one for each, less its mean by
/// chance and over its deviation. `asked`: of the first so many alone, and of the parts that these reach; of more than
/// there are, none. Throws as claim_matches().
std::vector<double> claim_parts(std::span<const std::int64_t> answers, const KeySamples& keys, std::int64_t asked);
/// In one number, to tell people and to choose by: the largest part's. Claims are compared by their parts.
double claim_score(std::span<const std::int64_t> answers, const KeySamples& keys);

/// Numbers of queries at which the power of a claim of so many is told: 1, 2, 5, 10, 20, 50, ... and all of them.
std::vector<std::int64_t> claim_sizes(std::int64_t queries);

/// (1 + #{others >= own}) / (count + 1): exact where all were drawn alike (Davison and Hinkley 1997, Sec. 4.2). 1 where
/// there are no others.
double rank_p(double own, std::span<const double> others);
/// The same of claims by their parts: with decoy secrets p_key, with null models p_model of one stratum. Each part less
/// its mean and over its deviation among all of these claims, the own one included, and then the largest part. What is
/// by chance can be far more in one part than in another, and differ from suspect to suspect. It is as exact: all are
/// treated alike. 1 where there are no parts. Throws std::out_of_range if another has fewer parts.
double rank_p(std::span<const double> own, std::span<const std::vector<double>> others);
/// The least that it can be: with so many others no smaller level can be reached.
double rank_resolution(std::size_t others);
/// How many others a level needs.
std::size_t others_needed(double level);

/// P(Bin(asked, 1 / labels) >= matches): exact where each claimed label was drawn by itself from so many.
double drawn_labels_p(std::int64_t matches, std::int64_t asked, int labels);
/// The fewest matches that it calls as unlikely as `level`; none: so few queries cannot say it.
std::optional<std::int64_t> matches_needed(std::int64_t asked, int labels, double level);

/// P(at least `matches` of independent trials succeed), of these probabilities (Poisson-binomial): by convolution.
double independent_trials_p(std::int64_t matches, std::span<const double> probabilities);

/// Evidence that may be looked at after every query, for drawn labels: E = prod (p1 L)^x ((1 - p1) / (1 - 1/L))^(1-x).
/// Its mean never exceeds 1 under the null (Ville): a claim is proven as soon as it reaches 1 / level. As its
/// logarithm, so that no number of queries is too many. `hit`: p1, more than 1 / labels and less than 1.
double log_evidence(std::int64_t matches, std::int64_t asked, int labels, double hit);

/// Adjusted p-values of several claims (Holm 1979), in their order, none above 1.
std::vector<double> holm(std::span<const double> p);

enum class Verdict { proven, not_proven, unresolved, inadmissible };
std::string_view name_of(Verdict verdict);

/// A p-value of a claim: which hypothesis it speaks against, and the least that it could have been.
struct ClaimTest {
  std::string against;  ///< "key", "model: same structure and data", ...
  double p = 1;
  double resolution = 0;  ///< 0: any
};

struct Judgement {
  Verdict verdict = Verdict::not_proven;
  double p = 1;  ///< the largest, multiplied by the commitments: what was compared with the level
  /// What would resolve an unresolved claim: "99 null models (model: same structure and data)"; empty for others.
  std::vector<std::string> needs;
};

/// A claimant with `commitments` keys could choose: every p-value is multiplied by their number. Unresolved: no test
/// that fails could have passed, and each says the most that it can; or there is no test.
Judgement judge(bool admissible, std::span<const ClaimTest> tests, std::int64_t commitments = 1,
                double level = claim_level);

}  // namespace telltale::watermark
