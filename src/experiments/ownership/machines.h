// Watermarks read on every machine: whether the environment that computes a suspect's answers decides a claim.
#pragma once

#include "experiments/ownership/claims.h"
#include "experiments/training.h"

namespace telltale::experiments {

/// Claims a pruned network on one environment. Its outcome: that of a claim (asking.h), labels (int32, of the claim's
/// queries), and layer_hashes (layers x queries).
struct ReadOnMachine {
  static constexpr study::TaskKind kind{.name = "read-on-machine", .algorithm = 3};
  Identity data, model;
  Json scheme, attack;
  ClaimSettings claim;
  long long key_images = 0, batch = 0;
  std::string profile;  ///< named besides the bits: two profiles that fall together are both asked
  Identity environment;
  std::optional<Identity> answers{};  ///< as of Train: what the key samples were chosen by

  void fields(auto& field) {
    field("data", data), field("model", model), field("scheme", scheme), field("attack", attack), field("claim", claim),
        field("key_images", key_images), field("batch", batch), field("profile", profile),
        field("environment", environment), field("answers", answers);
  }
};

/// `machines-prune-rate`, `machines-batch`.
ParameterGroup machine_keys();

/// Whether a job has watermarks read on every machine.
bool reads_on_machines(const study::Job& job);

/// The group `machines`: of every claim, on every machine, what was answered; and of every network, on how many of the
/// queries the machines part, and where.
/// `cases`: of the study; `nulls`: as of add_claims().
store::Group machines_group(const Stage& stage, const Grid& cases, const Stage* nulls, const StudyInputs& inputs,
                            const OutcomeLookup& outcome);

}  // namespace telltale::experiments
