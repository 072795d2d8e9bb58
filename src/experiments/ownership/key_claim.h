// A claim of ownership outside of a study: a key put to a suspect, by the standard of watermark/claims.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/ownership/owners_key.h"
#include "watermark/claims.h"

namespace telltale::experiments {

/// All that a claim asks, in the order in which it is asked. Where a secret decides what images are, those of decoys
/// lie among the owner's, in an order that the key's nonce decides: who answers cannot tell them apart.
class ClaimQueries {
 public:
  /// Throws as Scheme::queries().
  ClaimQueries(const OwnersKey& key, const KeyData& data);

  [[nodiscard]] std::size_t count() const { return order_.size(); }
  [[nodiscard]] const data::ImageShape& shape() const { return sets_.front().shape; }
  /// C x H x W.
  [[nodiscard]] std::span<const float> image(std::size_t query) const;
  /// One more than the largest label that may be an answer: of the data, or claimed.
  [[nodiscard]] std::int64_t labels() const { return labels_; }

  /// The owner's, made anew, and those of each decoy; none where the scheme draws nothing from a secret.
  [[nodiscard]] const std::vector<watermark::KeySamples>& sets() const { return sets_; }
  /// What each set was answered, out of the answers to all queries. -1: nothing.
  [[nodiscard]] std::vector<std::vector<std::int64_t>> by_set(std::span<const std::int64_t> answers) const;

 private:
  std::vector<watermark::KeySamples> sets_;
  bool decoys_share_images_ = false;
  std::vector<std::pair<std::size_t, std::size_t>> order_;  // set, and which of its samples
  std::int64_t labels_ = 0;
};

/// The queries as files for a service, queries.npy or as PNG, and answers.csv, the form to fill in. `folder` is created
/// if need be, and empty. Throws InputError as write_exact_png() does.
void write_form(const OwnersKey& key, const ClaimQueries& queries, const std::string& folder, bool as_png);

struct ClaimFindings {
  std::int64_t asked = 0, matches = 0;
  std::int64_t unanswered = 0;  ///< of those asked
  std::vector<watermark::ClaimTest> tests;
  watermark::Judgement judgement;
  std::vector<std::string> faults;  ///< why the claim is inadmissible
  std::vector<std::string> notes;
};

struct ClaimTerms {
  std::int64_t commitments = 1;              ///< with so many keys the claimant could have come
  std::optional<Identity> commitment{};      ///< that was time-stamped; none: the one that the key says
  std::optional<std::string> owner_model{};  ///< hash of the model that the owner shows as the marked one, hexadecimal
  std::optional<std::int64_t> outputs{};     ///< of the suspect, where that is known
};

/// `answers`: by query; -1 where there is none, which is no match.
ClaimFindings judge_claim(const OwnersKey& key, const ClaimQueries& queries, std::span<const std::int64_t> answers,
                          const ClaimTerms& terms);

}  // namespace telltale::experiments
