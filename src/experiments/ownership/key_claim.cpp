#include "experiments/ownership/key_claim.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "core/random.h"
#include "store/atomic_file.h"
#include "store/npy_file.h"
#include "study/answers.h"
#include "study/exporting.h"
#include "study/float_image.h"

namespace telltale::experiments {
namespace {

// What makes a claim inadmissible.
std::vector<std::string> faults_of(const OwnersKey& key, const watermark::KeySamples& made_anew,
                                   const ClaimTerms& terms) {
  std::vector<std::string> faults;
  if (commitment_to(key.manifest, key.nonce) != key.commitment)
    faults.emplace_back("the commitment in the key is not one to what the key says");
  if (terms.commitment && *terms.commitment != key.commitment)
    faults.emplace_back("the commitment that was given is not this key's");
  if (terms.owner_model && *terms.owner_model != key.manifest.model)
    faults.emplace_back("the owner's model is not the one that was committed to");
  if (hash_of(key.samples) != key.manifest.samples)
    faults.emplace_back("the samples in the key are not those that were committed to");
  if (hash_of(made_anew) != key.manifest.samples)
    faults.emplace_back("the samples do not come out of the key's secret and its data");
  if (key.manifest.answers && Identity::of(key.answers) != *key.manifest.answers)
    faults.emplace_back("the answers that images were chosen by are not those that were committed to");
  return faults;
}

}  // namespace

ClaimQueries::ClaimQueries(const OwnersKey& key, const KeyData& data) {
  const watermark::Scheme& scheme = watermark::scheme_of(key.manifest.scheme);
  const watermark::Secret secret = scheme.secret(key.manifest.scheme);
  sets_.push_back(regenerated(key, data));
  decoys_share_images_ = secret == watermark::Secret::labels;
  for (long long decoy = 0; secret != watermark::Secret::none && decoy < key.manifest.decoys; ++decoy) {
    sets_.push_back(regenerated(key, data, decoy, decoys_share_images_));
    if (decoys_share_images_) sets_.back().pixels = {};  // a thousand times the same
  }

  const std::size_t asked = decoys_share_images_ ? 1 : sets_.size();
  for (std::size_t set = 0; set < asked; ++set)
    for (std::size_t sample = 0; sample < static_cast<std::size_t>(sets_[set].count()); ++sample)
      order_.emplace_back(set, sample);
  Stream stream(Stream::key_of(key.nonce, "order of a claim's queries"));
  const auto in_order = order_;
  const auto places = stream.permutation(static_cast<std::int64_t>(order_.size()));
  for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = in_order[static_cast<std::size_t>(places[i])];

  labels_ = key.manifest.classes;
  for (const watermark::KeySamples& set : sets_)
    for (const std::int64_t label : set.labels) labels_ = std::max(labels_, label + 1);
}

std::span<const float> ClaimQueries::image(std::size_t query) const {
  const auto [set, sample] = order_.at(query);
  const std::size_t size = shape().pixels();
  return std::span(sets_[set].pixels).subspan(sample * size, size);
}

std::vector<std::vector<std::int64_t>> ClaimQueries::by_set(std::span<const std::int64_t> answers) const {
  if (answers.size() != order_.size())
    throw Error(fmt::format("{} answers to {} queries", answers.size(), order_.size()));
  std::vector<std::vector<std::int64_t>> sorted;
  for (const watermark::KeySamples& set : sets_) sorted.emplace_back(static_cast<std::size_t>(set.count()), -1);
  for (std::size_t i = 0; i < order_.size(); ++i) sorted[order_[i].first][order_[i].second] = answers[i];
  if (decoys_share_images_)
    for (auto& set : sorted) set = sorted.front();
  return sorted;
}

void write_form(const OwnersKey& key, const ClaimQueries& queries, const std::string& folder, bool as_png) {
  study::make_empty_folder(folder);
  const data::ImageShape& shape = queries.shape();
  std::vector<std::span<const float>> images;
  for (std::size_t query = 0; query < queries.count(); ++query) images.push_back(queries.image(query));
  if (!as_png)
    store::write_npy(folder + "/queries.npy",
                     {static_cast<std::int64_t>(images.size()), shape.channels, shape.height, shape.width}, images);
  for (std::size_t query = 0; as_png && query < images.size(); ++query)
    study::write_exact_png(fmt::format("{}/sample-{:06}.png", folder, query), shape, images[query],
                           fmt::format("query {}", query));
  std::vector<std::size_t> all(queries.count());
  std::iota(all.begin(), all.end(), 0);
  store::write_file_atomically(folder + "/answers.csv",
                               {as_bytes(study::answers_template(all, queries.labels(), key.form()))});
}

ClaimFindings judge_claim(const OwnersKey& key, const ClaimQueries& queries, std::span<const std::int64_t> answers,
                          const ClaimTerms& terms) {
  const KeyManifest& manifest = key.manifest;
  const watermark::Scheme& scheme = watermark::scheme_of(manifest.scheme);
  const watermark::KeySamples& own = queries.sets().front();
  const auto given = queries.by_set(answers);
  ClaimFindings found;
  found.faults = faults_of(key, own, terms);
  found.asked = own.count();
  found.matches = watermark::claim_matches(given.front(), own);
  found.unanswered = std::count_if(given.front().begin(), given.front().end(), [](auto label) { return label < 0; });
  const auto parts = watermark::claim_parts(given.front(), own, own.count());

  const std::int64_t largest = *std::max_element(own.labels.begin(), own.labels.end());
  const bool can_answer = !terms.outputs || *terms.outputs > largest;
  if (!can_answer)
    found.notes.push_back(fmt::format(
        "the suspect has {} outputs and cannot give the claimed label {}: that it does not is no evidence against it",
        *terms.outputs, largest));
  if (queries.sets().size() > 1) {
    std::vector<std::vector<double>> others;
    for (std::size_t set = 1; set < queries.sets().size(); ++set)
      others.push_back(watermark::claim_parts(given[set], queries.sets()[set], queries.sets()[set].count()));
    found.tests.push_back(
        {"secret: decoys", watermark::rank_p(parts, others), watermark::rank_resolution(others.size())});
  }
  if (scheme.draws_labels(manifest.scheme))
    found.tests.push_back(
        {"secret: drawn labels", watermark::drawn_labels_p(found.matches, found.asked, manifest.classes), 0});
  // A network without the label gives it never: that says nothing.
  for (const NullClaims& nulls : manifest.nulls) {
    if (largest >= manifest.classes) break;
    found.tests.push_back({"model: null models of the study, " + nulls.stratum, watermark::rank_p(parts, nulls.parts),
                           watermark::rank_resolution(nulls.parts.size())});
  }
  if (scheme.secret(manifest.scheme) == watermark::Secret::none)
    found.notes.emplace_back(
        "these key samples were chosen, not drawn from a secret: null models alone can speak for the claim");
  found.judgement = watermark::judge(found.faults.empty(), found.tests, terms.commitments, manifest.level);
  if (found.tests.empty())
    found.judgement.needs.push_back(
        fmt::format("{} null models: `null-models` in the job of the study", watermark::others_needed(manifest.level)));
  return found;
}

}  // namespace telltale::experiments
