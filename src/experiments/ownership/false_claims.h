// False claims in a study (watermark/forgery.h): keys of those who did not mark a network, and which standard of proof
// lets them through.
#pragma once

#include "experiments/ownership/claims.h"
#include "experiments/training.h"

namespace telltale::experiments {

/// Claims a network with a forged key. Its outcome: claim_queries, claim_matches, tries (among how many keys the
/// claimant chose); p_key and p_labels, of keys that come out of the scheme, where these are defined; p_model, of
/// claims that pass all standards before that; of a key that was embedded into a stolen network, claim_matches_before,
/// of that network; and whether the claim passes (1 or 0) each standard, the later ones harder: passes_raw,
/// passes_regeneration, passes_secrets, passes_nulls, passes_commitment. Where no such key can be made: nothing.
struct FalseClaim {
  static constexpr study::TaskKind kind{.name = "false-claim", .algorithm = 7};
  Identity data, model;  ///< of the suspect
  Json scheme;           ///< settings of the claimant's key: the owner's, with a secret of his own
  std::string forgery;
  ClaimSettings claim;
  long long key_images = 0;
  long long tries = 0;             ///< the most keys that he goes through
  double epsilon = 0;              ///< by how much he changes a pixel
  std::vector<Identity> ensemble;  ///< his own networks
  std::vector<Identity> nulls;     ///< the judge's
  std::string environment;
  long long eval_batch = 0;
  std::optional<Identity> answers{};  ///< of the first of his networks, as of Train: what his key is chosen by

  void fields(auto& field) {
    field("data", data), field("model", model), field("scheme", scheme), field("forgery", forgery),
        field("claim", claim), field("key_images", key_images), field("tries", tries), field("epsilon", epsilon),
        field("ensemble", ensemble), field("nulls", nulls), field("environment", environment),
        field("eval_batch", eval_batch), field("answers", answers);
  }
};

/// The standards of proof, the later ones harder: variable, and what has to be true besides.
const std::vector<std::pair<const char*, const char*>>& claim_standards();

/// `false-claims`, `false-claim-tries`, `false-claim-networks`, `false-claim-epsilon`.
ParameterGroup false_claim_keys();

/// Whether a job has false claims looked at.
bool has_false_claims(const study::Job& job);

/// What is measured of each.
std::vector<study::Measure> false_claim_measures();
std::vector<study::Count> false_claim_counts();

}  // namespace telltale::experiments
