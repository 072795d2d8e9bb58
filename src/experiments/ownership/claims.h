// Claims of ownership in a study (watermark/claims.h): what decoy secrets and networks without the watermark get beside
// the owner's key, and the verdict, of every case and after every attack.
#pragma once

#include <optional>

#include "experiments/training.h"

namespace telltale::experiments {

/// What a claim asks, fixed beforehand.
struct ClaimSettings {
  long long decoys = 0;             ///< secrets of others that are put beside the owner's
  long long queries = 0;            ///< the most key samples
  std::vector<std::int64_t> sizes;  ///< at how many queries it is looked at: watermark::claim_sizes()

  /// Images that decoys are asked with at a time: it decides which batches they come in, and so their last bits.
  long long together = 5000;

  static ClaimSettings of(const study::Job& job);

  void fields(auto& field) {
    field("decoys", decoys), field("queries", queries), field("sizes", sizes), field("together", together);
  }
};

/// Puts a claim's queries to a network that has nothing to do with its key. Its outcome: that of put_statistic()
/// (experiments/ownership/asking.h).
struct AskNull {
  static constexpr study::TaskKind kind{.name = "ask-null", .algorithm = 3};
  Identity data, model;
  Json scheme;  ///< whose key samples are asked
  long long key_images = 0;
  ClaimSettings claim;
  std::string environment;
  long long eval_batch = 0;
  std::optional<Identity> answers{};  ///< as of Train: what the key samples were chosen by

  void fields(auto& field) {
    field("data", data), field("model", model), field("scheme", scheme), field("key_images", key_images),
        field("claim", claim), field("environment", environment), field("eval_batch", eval_batch),
        field("answers", answers);
  }
};

/// The strata of null models, as `null-strata` names them, and what they are.
const std::vector<std::pair<const char*, const char*>>& null_strata();

/// `decoys`, `claim-queries`, `null-models`, `null-strata`, `null-network`.
ParameterGroup claim_keys();

/// The strata of a job's null models as an axis.
inline constexpr const char* null_stratum_axis = "null_stratum";
study::Axis null_stratum(const study::Job& job);

/// Whether a job has claims looked at.
bool claims(const study::Job& job);

/// What one network gave to a claim, by its parts (watermark::claim_parts()): of all that was asked, and of the first
/// so many; no parts where the claim has not so many.
struct ClaimGiven {
  std::vector<double> whole;
  std::vector<std::vector<double>> by_size;

  static ClaimGiven of(const Outcome& asked);
};

/// What the null models of one stratum gave to one case's key.
struct NullsGiven {
  std::string stratum;
  std::vector<ClaimGiven> models;

  /// p_model of this stratum: of the whole claim, or of the first queries, so many as the size at this place says.
  [[nodiscard]] double p(const ClaimGiven& own, std::optional<std::size_t> size = {}) const;
};
/// Of those that have answered, by stratum; of strata without any none. `nulls`: the stage that asks them, over so many
/// cases.
std::vector<NullsGiven> nulls_given(const Stage& nulls, std::size_t cases, std::size_t of_case,
                                    const OutcomeLookup& outcome);

/// Adds what was claimed at every point of a stage that asks networks of `cases`, with which p-values, and the verdict.
/// `nulls`: the stage that asks null models, over the cases, the strata and the models; nullptr if there are none.
void add_claims(store::Group& group, const Stage& stage, const Grid& cases, const Stage* nulls, const study::Job& job,
                const OutcomeLookup& outcome);

}  // namespace telltale::experiments
