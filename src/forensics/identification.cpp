#include "forensics/identification.h"

#include <algorithm>
#include <limits>
#include <string>

#include "core/error.h"
#include "core/exact_math.h"

namespace telltale::forensics {
namespace {

// Machines whose likelihoods differ by no more than rounding fit equally well.
constexpr double tie = 1e-9;

struct LogLikelihood {
  double own, other, neither;       // of a known machine
  double unknown, unknown_neither;  // of an unknown one
};

LogLikelihood log_likelihood(std::size_t labels, double e) {
  const auto d = static_cast<double>(labels);
  const double nothing = -std::numeric_limits<double>::infinity();
  return {.own = exact::log1p(-e),
          .other = labels > 1 ? exact::log(e) + exact::log1p(-e) - exact::log(d - 1) : nothing,
          .neither = labels > 1 ? 2 * exact::log(e) : exact::log(e),
          .unknown = exact::log1p(-e) - exact::log(d),
          .unknown_neither = exact::log(e)};
}

void check(const Decision& decision) {
  if (!(decision.error_rate > 0 && decision.error_rate < 0.5))
    throw InputError("an error rate is above 0 and below 0.5, not " + std::to_string(decision.error_rate));
  if (!(decision.confidence > 0.5 && decision.confidence < 1))
    throw InputError("a confidence is above 0.5 and below 1, not " + std::to_string(decision.confidence));
  if (decision.unknown_prior && !(*decision.unknown_prior >= 0 && *decision.unknown_prior < 1))
    throw InputError("the prior of an unknown machine is 0 to below 1, not " + std::to_string(*decision.unknown_prior));
}

// Sums of probabilities that are given by their logarithms up to a common factor.
class Weights {
 public:
  explicit Weights(std::vector<double> logarithms) : weights_(std::move(logarithms)) {
    const double largest = *std::max_element(weights_.begin(), weights_.end());
    for (double& weight : weights_) weight = exact::exp(weight - largest);
  }

  // Posterior and doubt of some of them together. The doubt is a sum of its own, not a difference from 1.
  [[nodiscard]] Belief of(const std::vector<std::size_t>& members) const {
    double in = 0, out = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i)
      (std::find(members.begin(), members.end(), i) != members.end() ? in : out) += weights_[i];
    Belief belief;
    belief.posterior = in / (in + out);
    belief.doubt = out / (in + out);
    return belief;
  }

 private:
  std::vector<double> weights_;
};

// After n more answers of `machine`'s own to samples that identify it (two labels each), all other known machines have
// lost the factor e, and the unknown one the factor 2, against it.
std::size_t answers_to_confidence(const std::vector<double>& logarithms, std::size_t machine,
                                  const Decision& decision) {
  const auto reached = [&](std::size_t n) {
    std::vector<double> later = logarithms;
    for (std::size_t i = 0; i < later.size(); ++i)
      if (i != machine)
        later[i] +=
            static_cast<double>(n) * (i + 1 == later.size() ? -exact::log(2.0) : exact::log(decision.error_rate));
    return Weights(std::move(later)).of({machine}).posterior >= decision.confidence;
  };
  std::size_t low = 0, high = 1;  // not reached with `low` answers, unless that is 0; reached with `high`
  if (reached(0)) return 0;
  for (; !reached(high); high *= 2) low = high;
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (reached(middle) ? high : low) = middle;
  }
  return high;
}

}  // namespace

KnownLabels::KnownLabels(std::size_t machines, std::size_t samples, std::vector<std::int32_t> labels)
    : machines_(machines), samples_(samples), labels_(std::move(labels)) {
  if (machines_ == 0 || labels_.size() != machines_ * samples_)
    throw Error("a table of known labels does not have one a machine and sample");
}

std::vector<std::int32_t> KnownLabels::of_sample(std::size_t sample) const {
  std::vector<std::int32_t> labels;
  for (std::size_t m = 0; m < machines_; ++m)
    if (at(m, sample) != no_label) labels.push_back(at(m, sample));
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  return labels;
}

bool KnownLabels::identifies(std::size_t sample, std::size_t machine) const {
  const std::int32_t label = at(machine, sample);
  if (label == no_label) return false;
  for (std::size_t m = 0; m < machines_; ++m)
    if (m != machine && (at(m, sample) == no_label || at(m, sample) == label)) return false;
  return true;
}

Identification identify(const KnownLabels& labels, std::span<const std::int32_t> answers, const Decision& decision) {
  check(decision);
  if (answers.size() != labels.samples()) throw Error("the answers are not as many as the samples");
  const std::size_t machines = labels.machines(), unknown = machines;
  Identification result;
  result.machines.resize(machines);

  const double unknown_prior = decision.unknown_prior.value_or(1.0 / static_cast<double>(machines + 1));
  std::vector<double> logarithms(machines + 1, exact::log((1 - unknown_prior) / static_cast<double>(machines)));
  logarithms[unknown] = exact::log(unknown_prior);
  std::vector<std::size_t> answered;
  for (std::size_t sample = 0; sample < answers.size(); ++sample) {
    if (answers[sample] == no_label) continue;
    const std::vector<std::int32_t> given = labels.of_sample(sample);
    if (given.empty()) continue;  // nobody knows anything of it
    answered.push_back(sample);
    const LogLikelihood likelihood = log_likelihood(given.size(), decision.error_rate);
    const bool neither = !std::binary_search(given.begin(), given.end(), answers[sample]);
    if (neither) result.neither.push_back(sample);
    const double as_unknown = neither ? likelihood.unknown_neither : likelihood.unknown;
    for (std::size_t m = 0; m < machines; ++m) {
      const std::int32_t own = labels.at(m, sample);
      if (own == no_label) {
        logarithms[m] += as_unknown;
        continue;
      }
      Belief& belief = result.machines[m];
      ++belief.compared;
      belief.matches += own == answers[sample];
      logarithms[m] += own == answers[sample] ? likelihood.own : neither ? likelihood.neither : likelihood.other;
    }
    logarithms[unknown] += as_unknown;
  }
  result.answers = answered.size();

  const Weights weights(logarithms);
  const auto believe = [&](Belief& belief, const std::vector<std::size_t>& members) {
    const Belief sum = weights.of(members);
    belief.posterior = sum.posterior;
    belief.doubt = sum.doubt;
  };
  for (std::size_t m = 0; m < machines; ++m) believe(result.machines[m], {m});
  believe(result.unknown, {unknown});

  std::vector<bool> placed(machines, false);
  for (std::size_t m = 0; m < machines && !answered.empty(); ++m) {
    if (placed[m]) continue;
    std::vector<std::size_t> set;
    for (std::size_t other = m; other < machines; ++other)
      if (std::all_of(answered.begin(), answered.end(),
                      [&](std::size_t s) { return labels.at(m, s) == labels.at(other, s); })) {
        set.push_back(other);
        placed[other] = true;
      }
    if (set.size() > 1) result.alike.push_back(std::move(set));
  }

  const double best = *std::max_element(logarithms.begin(), logarithms.end() - 1);
  const auto first =
      static_cast<std::size_t>(std::find(logarithms.begin(), logarithms.end(), best) - logarithms.begin());
  result.more_answers = answers_to_confidence(logarithms, first, decision);
  if (answered.empty()) return result;
  for (std::size_t m = 0; m < machines; ++m)
    if (logarithms[m] >= best - tie) result.nearest.push_back(m);
  result.fit = result.machines[first];
  believe(result.fit, result.nearest);
  // Machines that tie although the samples tell them apart have errors each: together they are no verdict.
  const bool one_set = result.nearest.size() == 1 ||
                       std::find(result.alike.begin(), result.alike.end(), result.nearest) != result.alike.end();
  if (one_set && result.fit.posterior >= decision.confidence)
    result.verdict = Finding::known;
  else if (result.unknown.posterior >= decision.confidence)
    result.verdict = Finding::unknown;
  return result;
}

std::size_t count_identifying(const KnownLabels& labels, const std::vector<std::size_t>& candidates,
                              std::size_t machine) {
  return static_cast<std::size_t>(std::count_if(
      candidates.begin(), candidates.end(), [&](std::size_t sample) { return labels.identifies(sample, machine); }));
}

std::vector<std::size_t> choose_samples(const KnownLabels& labels, std::span<const double> psnr,
                                        const std::vector<std::size_t>& candidates,
                                        const std::vector<std::size_t>& machines, std::size_t redundancy,
                                        Preference preference) {
  if (psnr.size() != labels.samples()) throw Error("the PSNR values are not as many as the samples");
  // Best first, so that greedy picks in this order break ties by PSNR.
  std::vector<std::size_t> pool = candidates;
  std::stable_sort(pool.begin(), pool.end(), [&](std::size_t a, std::size_t b) { return psnr[a] > psnr[b]; });

  std::vector<std::size_t> need;  // by position in `machines`
  for (const std::size_t machine : machines)
    need.push_back(std::min(redundancy, count_identifying(labels, candidates, machine)));

  if (preference == Preference::worst_psnr) {
    // Nobody's samples need be worse than the last that some machine cannot do without.
    std::size_t length = 0;
    for (std::size_t i = 0; i < machines.size(); ++i) {
      std::size_t found = 0, at = 0;
      while (found < need[i]) found += labels.identifies(pool[at++], machines[i]);
      length = std::max(length, at);
    }
    pool.resize(length);
  }

  const auto use_of = [&](std::size_t sample, const std::vector<std::size_t>& open) {
    std::size_t use = 0;
    for (std::size_t i = 0; i < machines.size(); ++i) use += open[i] > 0 && labels.identifies(sample, machines[i]);
    return use;
  };
  std::vector<std::size_t> chosen, open = need;
  while (true) {
    const auto best = std::max_element(pool.begin(), pool.end(),
                                       [&](std::size_t a, std::size_t b) { return use_of(a, open) < use_of(b, open); });
    if (best == pool.end() || use_of(*best, open) == 0) break;
    for (std::size_t i = 0; i < machines.size(); ++i)
      if (open[i] > 0 && labels.identifies(*best, machines[i])) --open[i];
    chosen.push_back(*best);
    pool.erase(best);
  }

  // The worst first: a sample without which every machine still has as many as it needs is not needed.
  std::vector<std::size_t> by_worth = chosen;
  std::stable_sort(by_worth.begin(), by_worth.end(), [&](std::size_t a, std::size_t b) { return psnr[a] < psnr[b]; });
  for (const std::size_t sample : by_worth) {
    std::vector<std::size_t> rest = chosen;
    std::erase(rest, sample);
    bool enough = true;
    for (std::size_t i = 0; i < machines.size(); ++i) enough &= count_identifying(labels, rest, machines[i]) >= need[i];
    if (enough) chosen = std::move(rest);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace telltale::forensics
