#include "experiments/ownership/asking.h"

#include "models/evaluate.h"
#include "watermark/claims.h"

namespace telltale::experiments {

void put_claim(cluster::TaskResult& result, const ClaimSettings& claim, long long key_images,
               const watermark::KeyInputs& inputs, const Answers& ask) {
  const Json& own = inputs.settings;
  const watermark::Scheme& scheme = watermark::scheme_of(own);
  const auto keys_of = [&](const Json& settings) {
    const watermark::KeyInputs others{settings,       inputs.train,  inputs.test,
                                      inputs.classes, inputs.others, inputs.answers};
    return watermark::claimed_keys(others, key_images, claim.queries);
  };
  const std::vector<std::int64_t>& sizes = claim.sizes;
  const auto by_sizes = [&](const auto& p) {
    std::vector<double> values;
    for (std::size_t s = 0; s < sizes.size(); ++s) values.push_back(p(s));
    return Array::of<double>({std::ssize(values)}, values);
  };

  const watermark::KeySamples keys = keys_of(own);
  const auto given = ask(keys);
  const std::int64_t matches = models::matches(given, keys.labels);
  const auto by_size = watermark::matches_by_size(given, keys.labels, sizes);
  result.values["claim_queries"] = Array::scalar<std::int64_t>(keys.count());
  result.values["claim_matches"] = Array::scalar<std::int64_t>(matches);
  result.values["matches_by_size"] = Array::of<std::int64_t>({std::ssize(sizes)}, by_size);
  if (scheme.draws_labels(own)) {
    const auto p = [&](std::int64_t matching, std::int64_t asked) {
      return matching < 0 ? study::missing : watermark::drawn_labels_p(matching, asked, inputs.classes);
    };
    result.values["p_labels"] = Array::scalar(p(matches, keys.count()));
    result.values["p_labels_by_size"] = by_sizes([&](std::size_t s) { return p(by_size[s], sizes[s]); });
  }
  const watermark::Secret secret = scheme.secret(own);
  if (secret == watermark::Secret::none) return;
  std::vector<double> others;
  std::vector<std::vector<double>> others_by_size(sizes.size());
  for (long long decoy = 0; decoy < claim.decoys; ++decoy) {
    Json settings = own;
    settings["decoy"] = decoy;
    const watermark::KeySamples drawn = keys_of(settings);
    const auto answers = secret == watermark::Secret::images ? ask(drawn) : given;
    others.push_back(static_cast<double>(models::matches(answers, drawn.labels)));
    const auto drawn_by_size = watermark::matches_by_size(answers, drawn.labels, sizes);
    for (std::size_t s = 0; s < sizes.size(); ++s) others_by_size[s].push_back(static_cast<double>(drawn_by_size[s]));
  }
  result.values["p_key"] = Array::scalar(watermark::rank_p(static_cast<double>(matches), others));
  result.values["p_key_by_size"] = by_sizes(
      [&](std::size_t s) { return watermark::rank_p(static_cast<double>(by_size[s]), others_by_size[s]); });
}

}  // namespace telltale::experiments
