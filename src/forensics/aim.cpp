#include "forensics/aim.h"

#include <algorithm>
#include <limits>

namespace telltale::forensics {
namespace {

std::vector<int> kinds_of(std::vector<int> microarchitectures) {
  std::sort(microarchitectures.begin(), microarchitectures.end());
  microarchitectures.erase(std::unique(microarchitectures.begin(), microarchitectures.end()), microarchitectures.end());
  return microarchitectures;
}

}  // namespace

std::optional<Verdict> wanted_verdict(const std::vector<int>& labels, const std::vector<int>& microarchitectures,
                                      std::optional<int> target) {
  const Verdict verdict = judge(labels, microarchitectures);
  if (verdict.identified < 0) return std::nullopt;
  if (!target || verdict.identified == *target) return verdict;
  if (kinds_of(microarchitectures).size() != 2) return std::nullopt;
  return Verdict{*target, verdict.contrast_label, verdict.identifying_label};
}

Aim aim_between(const std::vector<double>& margins, const std::vector<int>& microarchitectures,
                std::optional<int> target) {
  const std::vector<int> kinds = kinds_of(microarchitectures);
  double widest = 0;
  Aim aim;
  for (const int kind : kinds) {
    if (target && kind != *target && kinds.size() > 2) continue;
    double low = std::numeric_limits<double>::infinity(), high = -low, other_low = low, other_high = high;
    for (std::size_t m = 0; m < margins.size(); ++m) {
      const bool own = microarchitectures[m] == kind;
      (own ? low : other_low) = std::min(own ? low : other_low, margins[m]);
      (own ? high : other_high) = std::max(own ? high : other_high, margins[m]);
    }
    const auto consider = [&](double below, double above) {
      if (!(above - below > widest)) return;
      widest = above - below;
      aim = {-(below + above) / 2, true};
    };
    consider(high, other_low);
    consider(other_high, low);
  }
  if (aim.has_gap) return aim;
  const auto [low, high] = std::minmax_element(margins.begin(), margins.end());
  return {-(*low + *high) / 2, false};
}

}  // namespace telltale::forensics
