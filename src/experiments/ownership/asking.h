// A claim put to whoever answers, as tasks do it.
#pragma once

#include <functional>
#include <vector>

#include "cluster/work.h"
#include "experiments/ownership/claims.h"
#include "watermark/scheme.h"

namespace telltale::experiments {

/// The labels that are given to key samples.
using Answers = std::function<std::vector<std::int64_t>(const watermark::KeySamples&)>;

/// Asks the owner's key and, where a secret decides it, those of decoys. Puts into the outcome: claim_queries,
/// claim_matches, claim_score (watermark/claims.h), score_by_size; p_key and p_key_by_size where a secret was drawn;
/// p_labels and p_labels_by_size where each label was.
void put_claim(cluster::TaskResult& result, const ClaimSettings& claim, long long key_images,
               const watermark::KeyInputs& inputs, const Answers& ask);

}  // namespace telltale::experiments
