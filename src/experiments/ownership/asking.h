// A claim put to whoever answers, as tasks do it.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "cluster/work.h"
#include "experiments/ownership/claims.h"
#include "watermark/scheme.h"

namespace telltale::experiments {

/// The labels that are given to key samples.
using Answers = std::function<std::vector<std::int64_t>(const watermark::KeySamples&)>;

/// Puts the keys of decoy secrets to whoever answers; `each` gets what was answered, and the samples that it was
/// answered to. Where a secret decides labels alone nobody is asked: `given`, the answers to the claimant's own `keys`,
/// are theirs too, and the samples come without images.
void ask_decoys(const ClaimSettings& claim, long long key_images, const watermark::KeyInputs& inputs,
                const watermark::KeySamples& keys, std::span<const std::int64_t> given, const Answers& ask,
                const std::function<void(std::span<const std::int64_t>, const watermark::KeySamples&)>& each);

/// Puts what was answered to a claim into an outcome: claim_queries, claim_matches, claim_score (watermark/claims.h);
/// and claim_parts, [1 + sizes][parts]: of all that was asked, then of the first so many as each size says, NaN where
/// there are fewer, or none of that part.
void put_statistic(cluster::TaskResult& result, std::span<const std::int64_t> answers,
                   const watermark::KeySamples& keys, std::span<const std::int64_t> sizes);

/// Asks the owner's key and, where a secret decides it, those of decoys. Puts into the outcome what put_statistic()
/// does; p_key and p_key_by_size where a secret was drawn; p_labels and p_labels_by_size where each label was.
void put_claim(cluster::TaskResult& result, const ClaimSettings& claim, long long key_images,
               const watermark::KeyInputs& inputs, const Answers& ask);

}  // namespace telltale::experiments
