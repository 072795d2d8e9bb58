// Claims of ownership in a study (watermark/claims.h): what decoy secrets and networks without the watermark get beside
// the owner's key, and the verdict, of every case and after every attack.
#pragma once

#include "experiments/training.h"

namespace telltale::experiments {

/// Puts a claim's queries to a network that has nothing to do with its key. Its outcome: claim_matches, how many are
/// answered with the claimed label.
struct AskNull {
  static constexpr study::TaskKind kind{.name = "ask-null", .algorithm = 1};
  Identity data, model;
  Json scheme;  ///< whose key samples are asked
  long long key_images = 0, claim_queries = 0;
  std::string environment;
  long long eval_batch = 0;
  std::optional<Identity> answers{};  ///< as of Train: what the key samples were chosen by

  void fields(auto& field) {
    field("data", data), field("model", model), field("scheme", scheme), field("key_images", key_images),
        field("claim_queries", claim_queries), field("environment", environment), field("eval_batch", eval_batch),
        field("answers", answers);
  }
};

/// `decoys`, `claim-queries`, `null-models`.
ParameterGroup claim_keys();

/// Whether a job has claims looked at.
bool claims(const study::Job& job);

/// Adds what was claimed at every point of a stage that asks networks of `cases`, with which p-values, and the verdict.
/// `nulls`: the stage that asks null models, over the cases and the models; nullptr if there are none.
void add_claims(store::Group& group, const Stage& stage, const Grid& cases, const Stage* nulls, const study::Job& job,
                const OutcomeLookup& outcome);

}  // namespace telltale::experiments
