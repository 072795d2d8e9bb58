#include "experiments/ownership/asking.h"

#include <cmath>

#include "watermark/claims.h"

namespace telltale::experiments {
namespace {

watermark::KeySamples keys_of(const watermark::KeyInputs& inputs, const Json& settings, const ClaimSettings& claim,
                              long long key_images, bool labels_alone) {
  const watermark::KeyInputs others{settings,      inputs.train,   inputs.test, inputs.classes,
                                    inputs.others, inputs.answers, labels_alone};
  return watermark::claimed_keys(others, key_images, claim.queries);
}

}  // namespace

void ask_decoys(const ClaimSettings& claim, long long key_images, const watermark::KeyInputs& inputs,
                const watermark::KeySamples& keys, std::span<const std::int64_t> given, const Answers& ask,
                const std::function<void(std::span<const std::int64_t>, const watermark::KeySamples&)>& each) {
  const watermark::Secret secret = watermark::scheme_of(inputs.settings).secret(inputs.settings);
  for (long long decoy = 0; decoy < claim.decoys;) {
    // Images of many secrets fill the batches that few queries of one would leave half empty.
    std::vector<watermark::KeySamples> drawn;
    watermark::KeySamples asked{keys.shape, {}, {}, {}};
    do {
      Json settings = inputs.settings;
      settings["decoy"] = decoy++;
      drawn.push_back(keys_of(inputs, settings, claim, key_images, secret == watermark::Secret::labels));
      if (secret == watermark::Secret::images) asked.append_images(drawn.back());
    } while (decoy < claim.decoys && asked.count() > 0 && asked.count() + keys.count() <= claim.together);
    if (secret == watermark::Secret::labels) {
      each(given, drawn.front());
      continue;
    }
    const auto answers = ask(asked);
    std::span<const std::int64_t> rest(answers);
    for (const watermark::KeySamples& one : drawn) {
      const auto count = static_cast<std::size_t>(one.count());
      each(rest.first(count), one);
      rest = rest.subspan(count);
    }
  }
}

void put_statistic(cluster::TaskResult& result, std::span<const std::int64_t> answers,
                   const watermark::KeySamples& keys, std::span<const std::int64_t> sizes) {
  const auto all = watermark::claim_parts(answers, keys, keys.count());
  std::vector<double> parts(all);
  for (const std::int64_t size : sizes) {
    auto first = watermark::claim_parts(answers, keys, size);
    first.resize(all.size(), study::missing);
    parts.insert(parts.end(), first.begin(), first.end());
  }
  result.values["claim_queries"] = Array::scalar<std::int64_t>(keys.count());
  result.values["claim_matches"] = Array::scalar<std::int64_t>(watermark::claim_matches(answers, keys));
  result.values["claim_score"] = Array::scalar(watermark::claim_score(answers, keys));
  result.values["claim_parts"] = Array::of<double>({1 + std::ssize(sizes), std::ssize(all)}, parts);
}

void put_claim(cluster::TaskResult& result, const ClaimSettings& claim, long long key_images,
               const watermark::KeyInputs& inputs, const Answers& ask) {
  const Json& own = inputs.settings;
  const watermark::Scheme& scheme = watermark::scheme_of(own);
  const std::vector<std::int64_t>& sizes = claim.sizes;
  const auto by_sizes = [&](const auto& p) {
    std::vector<double> values;
    for (std::size_t s = 0; s < sizes.size(); ++s) values.push_back(p(s));
    return Array::of<double>({std::ssize(values)}, values);
  };

  const watermark::KeySamples keys = keys_of(inputs, own, claim, key_images, false);
  const auto given = ask(keys);
  put_statistic(result, given, keys, sizes);
  if (scheme.draws_labels(own)) {
    const auto p = [&](std::int64_t asked) {
      if (asked > keys.count()) return study::missing;
      return watermark::drawn_labels_p(watermark::claim_matches(given, keys, asked), asked, inputs.classes);
    };
    result.values["p_labels"] = Array::scalar(p(keys.count()));
    result.values["p_labels_by_size"] = by_sizes([&](std::size_t s) { return p(sizes[s]); });
  }
  if (scheme.secret(own) == watermark::Secret::none) return;
  // All that is asked first, then the first so many.
  std::vector<std::int64_t> counts{keys.count()};
  counts.insert(counts.end(), sizes.begin(), sizes.end());
  std::vector<std::vector<std::vector<double>>> others(counts.size());
  ask_decoys(claim, key_images, inputs, keys, given, ask,
             [&](std::span<const std::int64_t> answers, const watermark::KeySamples& drawn) {
               for (std::size_t i = 0; i < counts.size(); ++i)
                 others[i].push_back(watermark::claim_parts(answers, drawn, counts[i]));
             });
  const auto p = [&](std::size_t i) {
    return watermark::rank_p(watermark::claim_parts(given, keys, counts[i]), others[i]);
  };
  result.values["p_key"] = Array::scalar(p(0));
  result.values["p_key_by_size"] = by_sizes([&](std::size_t s) { return p(s + 1); });
}

}  // namespace telltale::experiments
