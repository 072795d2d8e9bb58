#include <torch/types.h>

#include <algorithm>

#include "core/error.h"
#include "experiments/ownership/asking.h"
#include "experiments/ownership/false_claims.h"
#include "experiments/runners.h"
#include "experiments/tensors.h"
#include "models/evaluate.h"
#include "models/network.h"
#include "watermark/claims.h"
#include "watermark/forgery.h"
#include "watermark/service.h"

namespace telltale::experiments {
namespace {

// What a claim with these keys gets.
struct Claimed {
  std::vector<std::int64_t> answers;
  std::int64_t matches = 0;
  std::vector<double> parts;
};

Answers asking(watermark::Service& service, long long batch) {
  return [&service, batch](const watermark::KeySamples& keys) {
    return models::labels_of(service.logits(images_of(keys), batch));
  };
}

Claimed claimed(watermark::Service& service, const watermark::KeySamples& keys, long long batch) {
  auto given = asking(service, batch)(keys);
  const std::int64_t matches = watermark::claim_matches(given, keys);
  auto parts = watermark::claim_parts(given, keys, keys.count());
  return {std::move(given), matches, std::move(parts)};
}

// What decoy secrets and drawn labels say of a key that the scheme makes.
struct SecretTests {
  std::optional<double> key, labels;
};

SecretTests secret_tests(const watermark::Forged& forged, const Claimed& claim, const FalseClaim& task,
                         watermark::Service& suspect, const watermark::ForgeryInputs& inputs) {
  SecretTests found;
  const Json& settings = forged.origin->settings;
  const watermark::Scheme& scheme = watermark::scheme_of(settings);
  if (scheme.draws_labels(settings))
    found.labels = watermark::drawn_labels_p(claim.matches, forged.samples.count(), inputs.key.classes);
  if (scheme.secret(settings) == watermark::Secret::none) return found;
  std::vector<std::vector<double>> others;
  ask_decoys(task.claim, task.key_images, forged.origin->inputs(inputs.key), forged.samples, claim.answers,
             asking(suspect, task.eval_batch),
             [&](std::span<const std::int64_t> answers, const watermark::KeySamples& drawn) {
               others.push_back(watermark::claim_parts(answers, drawn, drawn.count()));
               inputs.check();
             });
  found.key = watermark::rank_p(claim.parts, others);
  return found;
}

// What null models say of any key: nothing of a label that networks without the watermark cannot give.
std::optional<double> null_test(const watermark::Forged& forged, const Claimed& claim, const FalseClaim& task,
                                RankState& rank, cluster::TaskContext& context) {
  if (task.nulls.empty() || std::ranges::max(forged.samples.labels) >= rank.planned_data(task.data).classes())
    return {};
  std::vector<std::vector<double>> others;
  for (const Identity& one : task.nulls) {
    others.push_back(claimed(*watermark::serve(rank.models.get(one, context)), forged.samples, task.eval_batch).parts);
    context.check();
  }
  return watermark::rank_p(claim.parts, others);
}

cluster::TaskResult claim_falsely(const FalseClaim& task, RankState& rank, cluster::TaskContext& context) {
  const data::Dataset& data = rank.planned_data(task.data);
  const auto check = [&] { context.check(); };
  cluster::TaskResult result;
  std::vector<std::shared_ptr<models::Network>> ensemble;
  for (const Identity& one : task.ensemble) ensemble.push_back(rank.models.get(one, context));
  std::shared_ptr<watermark::Service> suspect = watermark::serve(rank.models.get(task.model, context));
  std::shared_ptr<const Bytes> chosen_by;
  if (task.answers) chosen_by = context.artifact(*task.answers);
  const auto key = watermark::KeyInputs::of(task.scheme, data, rank.other_data, bytes_or_none(chosen_by));
  const Stream stream(0, {{"model", task.model.hex()}, {"scheme", task.scheme}}, "false claim");
  const watermark::ForgeryInputs inputs{key,        suspect,      ensemble,        task.key_images, task.claim.queries,
                                        task.tries, task.epsilon, task.eval_batch, stream,          check};
  watermark::Forged forged;
  try {
    forged = watermark::forge(task.forgery, inputs);
  } catch (const InputError&) {
    return result;  // such a key cannot be made
  }
  const bool took_over = forged.suspect != nullptr;
  const Claimed before = claimed(*suspect, forged.samples, task.eval_batch);
  if (took_over) suspect = forged.suspect;
  const Claimed claim = took_over ? claimed(*suspect, forged.samples, task.eval_batch) : before;
  const std::int64_t asked = forged.samples.count();
  SecretTests secrets;
  if (forged.origin) secrets = secret_tests(forged, claim, task, *suspect, inputs);

  const auto says = [&](const std::optional<double>& p, std::int64_t keys) {
    const watermark::ClaimTest test{"", p.value_or(0)};
    return !p || watermark::judge(true, {&test, 1}, keys).verdict == watermark::Verdict::proven;
  };
  const bool passes_raw = watermark::scheme_of(task.scheme).found(claim.matches, asked);
  const bool passes_regeneration = passes_raw && forged.origin.has_value();
  const bool passes_secrets = passes_regeneration && says(secrets.key, 1) && says(secrets.labels, 1);
  // Null models take a judge longest: he asks them about what nothing else has refused.
  const auto by_nulls = passes_secrets ? null_test(forged, claim, task, rank, context) : std::nullopt;
  const bool passes_nulls = passes_secrets && says(by_nulls, 1);

  const auto put = [&](const char* name, bool value) {
    result.values[name] = Array::scalar<std::int64_t>(value ? 1 : 0);
  };
  const auto count = [&](const char* name, std::int64_t value) { result.values[name] = Array::scalar(value); };
  const auto p_value = [&](const char* name, const std::optional<double>& p) {
    if (p) result.values[name] = Array::scalar(*p);
  };
  count("claim_queries", asked), count("claim_matches", claim.matches), count("tries", forged.tries);
  if (took_over) count("claim_matches_before", before.matches);
  p_value("p_key", secrets.key), p_value("p_labels", secrets.labels), p_value("p_model", by_nulls);
  put("passes_raw", passes_raw), put("passes_regeneration", passes_regeneration);
  put("passes_secrets", passes_secrets), put("passes_nulls", passes_nulls);
  put("passes_commitment", passes_nulls && !watermark::forgery_named(task.forgery).sees_suspect &&
                               says(secrets.key, forged.tries) && says(secrets.labels, forged.tries) &&
                               says(by_nulls, forged.tries));
  return result;
}

}  // namespace

void add_false_claim_runners(Runners& runners) { runners.add(claim_falsely); }

}  // namespace telltale::experiments
