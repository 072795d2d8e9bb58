#include "watermark/claims.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "core/exact_math.h"

namespace telltale::watermark {
namespace {

void require_level(double level) {
  if (!(level > 0 && level < 1)) throw Error("the level of a claim lies between 0 and 1");
}

void require_answers(std::span<const std::int64_t> answers, const KeySamples& keys) {
  if (std::ssize(answers) != keys.count()) throw Error("a claim has one answer for each label that it claims");
}

}  // namespace

bool meets(double p, double level) { return p <= level * (1 + 1e-12); }

std::int64_t claim_matches(std::span<const std::int64_t> answers, const KeySamples& keys,
                           std::optional<std::int64_t> asked) {
  require_answers(answers, keys);
  const std::int64_t first = asked.value_or(keys.count());
  if (first > keys.count()) throw Error("a claim asks no more than it has");
  std::int64_t matches = 0;
  for (auto i = std::size_t{0}; i < static_cast<std::size_t>(first); ++i)
    matches += answers[i] == keys.labels[i] ? 1 : 0;
  return matches;
}

std::vector<std::int64_t> claim_sizes(std::int64_t queries) {
  std::vector<std::int64_t> sizes;
  for (std::int64_t decade = 1; decade < queries; decade *= 10)
    for (const std::int64_t step : {1, 2, 5})
      if (decade * step < queries) sizes.push_back(decade * step);
  if (queries > 0) sizes.push_back(queries);
  return sizes;
}

std::vector<double> claim_parts(std::span<const std::int64_t> answers, const KeySamples& keys, std::int64_t asked) {
  require_answers(answers, keys);
  if (asked > keys.count()) return {};
  const auto sum = [&](std::int64_t first, std::int64_t last) {
    double score = 0;
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
      const double weight = keys.weights.empty() ? 1 : keys.weights[i];
      if (answers[i] == keys.labels[i]) score += weight;
      if (!keys.instead.empty() && answers[i] == keys.instead[i]) score -= weight;
    }
    return score;
  };
  if (keys.parts.empty()) return {sum(0, asked)};
  std::vector<double> parts;
  for (std::size_t part = 0; part < keys.parts.size(); ++part) {
    const KeySamples::Part& one = keys.parts[part];
    const std::int64_t end = part + 1 < keys.parts.size() ? keys.parts[part + 1].first : keys.count();
    if (one.first < asked) parts.push_back((sum(one.first, std::min(asked, end)) - one.mean) / one.deviation);
  }
  return parts;
}

double claim_score(std::span<const std::int64_t> answers, const KeySamples& keys) {
  const std::vector<double> parts = claim_parts(answers, keys, keys.count());
  return parts.empty() ? -std::numeric_limits<double>::infinity() : *std::max_element(parts.begin(), parts.end());
}

double rank_p(double own, std::span<const double> others) {
  const auto at_least = std::count_if(others.begin(), others.end(), [&](double other) { return other >= own; });
  return static_cast<double>(1 + at_least) / static_cast<double>(others.size() + 1);
}

double rank_p(std::span<const double> own, std::span<const std::vector<double>> others) {
  if (own.empty()) return 1;
  const auto count = static_cast<double>(others.size() + 1);
  double most = -std::numeric_limits<double>::infinity();
  std::vector<double> most_of_others(others.size(), most);
  for (std::size_t part = 0; part < own.size(); ++part) {
    double sum = own[part];
    for (const std::vector<double>& other : others) sum += other.at(part);
    const double mean = sum / count;
    const auto square = [&](double value) { return (value - mean) * (value - mean); };
    double squares = square(own[part]);
    for (const std::vector<double>& other : others) squares += square(other[part]);
    const double deviation = squares > 0 ? std::sqrt(squares / count) : 1;
    most = std::max(most, (own[part] - mean) / deviation);
    for (std::size_t i = 0; i < others.size(); ++i)
      most_of_others[i] = std::max(most_of_others[i], (others[i][part] - mean) / deviation);
  }
  return rank_p(most, most_of_others);
}

double rank_resolution(std::size_t others) { return 1 / static_cast<double>(others + 1); }

std::size_t others_needed(double level) {
  require_level(level);
  auto others = static_cast<std::size_t>(std::max(0.0, std::floor(1 / level) - 1));
  while (!meets(rank_resolution(others), level)) ++others;
  return others;
}

double drawn_labels_p(std::int64_t matches, std::int64_t asked, int labels) {
  if (labels < 2 || asked < 0 || matches < 0 || matches > asked)
    throw Error("labels are drawn from two or more, and no more of them match than were asked");
  if (matches == 0) return 1;
  return exact::incomplete_beta(static_cast<double>(matches), static_cast<double>(asked - matches + 1),
                                1.0 / static_cast<double>(labels));
}

std::optional<std::int64_t> matches_needed(std::int64_t asked, int labels, double level) {
  require_level(level);
  std::int64_t too_few = -1, enough = asked + 1;
  while (enough - too_few > 1) {
    const std::int64_t middle = too_few + (enough - too_few) / 2;
    (meets(drawn_labels_p(middle, asked, labels), level) ? enough : too_few) = middle;
  }
  if (enough > asked) return {};
  return enough;
}

double independent_trials_p(std::int64_t matches, std::span<const double> probabilities) {
  // exactly[k]: the probability of k successes so far; what exceeds `matches` is not told apart.
  if (matches <= 0) return 1;
  std::vector<double> exactly(static_cast<std::size_t>(matches), 0.0);
  exactly.front() = 1;
  double reached = 0;
  for (const double p : probabilities) {
    if (!(p >= 0 && p <= 1)) throw Error("a probability lies between 0 and 1");
    reached += exactly.back() * p;
    for (std::size_t k = exactly.size(); k-- > 0;) exactly[k] = exactly[k] * (1 - p) + (k > 0 ? exactly[k - 1] * p : 0);
  }
  return std::min(1.0, reached);
}

double log_evidence(std::int64_t matches, std::int64_t asked, int labels, double hit) {
  const double chance = 1.0 / static_cast<double>(labels);
  if (labels < 2 || !(hit > chance && hit < 1) || matches < 0 || matches > asked)
    throw Error("evidence weighs a hit rate between chance and certainty, and no more matches than queries");
  return static_cast<double>(matches) * exact::log(hit / chance) +
         static_cast<double>(asked - matches) * exact::log((1 - hit) / (1 - chance));
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double least = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    least = std::max(least, std::min(1.0, p[order[rank]] * static_cast<double>(p.size() - rank)));
    adjusted[order[rank]] = least;
  }
  return adjusted;
}

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::proven: return "proven";
    case Verdict::not_proven: return "not proven";
    case Verdict::unresolved: return "unresolved";
    case Verdict::inadmissible: return "inadmissible";
  }
  return "";
}

Judgement judge(bool admissible, std::span<const ClaimTest> tests, std::int64_t commitments, double level) {
  require_level(level);
  if (commitments < 1) throw Error("a claim rests on one commitment at least");
  const auto factor = static_cast<double>(commitments);
  Judgement judgement;
  if (!tests.empty()) judgement.p = 0;
  bool open = true;  // every test that fails says the most that it can
  for (const ClaimTest& test : tests) {
    judgement.p = std::max(judgement.p, std::min(1.0, test.p * factor));
    if (meets(test.p * factor, level)) continue;
    const bool could_not = !meets(test.resolution * factor, level);
    open = open && could_not && meets(test.p, test.resolution);
    if (could_not) judgement.needs.push_back(std::to_string(others_needed(level / factor)) + " (" + test.against + ")");
  }
  if (!admissible)
    judgement.verdict = Verdict::inadmissible;
  else if (meets(judgement.p, level))
    judgement.verdict = Verdict::proven;
  else
    judgement.verdict = open ? Verdict::unresolved : Verdict::not_proven;
  if (judgement.verdict != Verdict::unresolved) judgement.needs.clear();
  return judgement;
}

}  // namespace telltale::watermark
