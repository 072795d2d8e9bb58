#include "forensics/identifying_sets.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "core/error.h"
#include "forensics/identification.h"

namespace telltale::forensics {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// A set of elements, one bit each.
class Bits {
 public:
  explicit Bits(std::size_t elements) : words_((elements + 63) / 64) {}

  void add(std::size_t element) { words_[element / 64] |= std::uint64_t{1} << (element % 64); }
  [[nodiscard]] bool has(std::size_t element) const { return (words_[element / 64] >> (element % 64) & 1) != 0; }
  [[nodiscard]] bool empty() const {
    return std::all_of(words_.begin(), words_.end(), [](std::uint64_t word) { return word == 0; });
  }
  [[nodiscard]] std::size_t size() const {
    std::size_t count = 0;
    for (const std::uint64_t word : words_) count += static_cast<std::size_t>(std::popcount(word));
    return count;
  }
  [[nodiscard]] std::size_t shared_with(const Bits& other) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < words_.size(); ++i)
      count += static_cast<std::size_t>(std::popcount(words_[i] & other.words_[i]));
    return count;
  }
  [[nodiscard]] Bits without(const Bits& other) const {
    Bits rest = *this;
    for (std::size_t i = 0; i < words_.size(); ++i) rest.words_[i] &= ~other.words_[i];
    return rest;
  }

 private:
  std::vector<std::uint64_t> words_;
};

class CoverSearch {
 public:
  CoverSearch(const std::vector<std::vector<std::size_t>>& sets, std::size_t elements, std::int64_t most_steps)
      : steps_left_(most_steps), elements_(elements), all_(elements) {
    for (std::size_t e = 0; e < elements; ++e) all_.add(e);
    std::vector<Candidate> candidates;
    for (std::size_t s = 0; s < sets.size(); ++s) {
      candidates.push_back({s, Bits(elements)});
      for (const std::size_t element : sets[s]) {
        if (element >= elements) throw Error("a set holds an element that is none");
        candidates.back().bits.add(element);
      }
    }
    // The larger first; what another one holds altogether is never needed.
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Candidate& a, const Candidate& b) { return a.bits.size() > b.bits.size(); });
    for (Candidate& candidate : candidates)
      if (std::none_of(candidates_.begin(), candidates_.end(),
                       [&](const Candidate& other) { return candidate.bits.without(other.bits).empty(); }))
        candidates_.push_back(std::move(candidate));
  }

  std::optional<Cover> run() {
    if (!greedy()) return std::nullopt;
    std::vector<std::size_t> chosen;
    descend(all_, chosen);
    Cover cover{{}, steps_left_ > 0};
    for (const std::size_t c : best_) cover.chosen.push_back(candidates_[c].set);
    std::sort(cover.chosen.begin(), cover.chosen.end());
    return cover;
  }

 private:
  struct Candidate {
    std::size_t set;
    Bits bits;
  };

  bool greedy() {
    Bits open = all_;
    while (!open.empty()) {
      std::size_t best = 0, most = 0;
      for (std::size_t c = 0; c < candidates_.size(); ++c)
        if (const std::size_t more = candidates_[c].bits.shared_with(open); more > most) {
          best = c;
          most = more;
        }
      if (most == 0) return false;
      best_.push_back(best);
      open = open.without(candidates_[best].bits);
    }
    return true;
  }

  // Every cover holds one of the sets with the element that is in the fewest: one branch each.
  void descend(const Bits& open, std::vector<std::size_t>& chosen) {
    if (open.empty()) {
      if (chosen.size() < best_.size()) best_ = chosen;
      return;
    }
    if (steps_left_ == 0) return;
    --steps_left_;
    std::size_t most = 0;
    std::vector<std::size_t> more(candidates_.size());
    for (std::size_t c = 0; c < candidates_.size(); ++c) {
      more[c] = candidates_[c].bits.shared_with(open);
      most = std::max(most, more[c]);
    }
    if (chosen.size() + (open.size() + most - 1) / most >= best_.size()) return;
    std::vector<std::size_t> branches;
    bool first = true;
    for (std::size_t e = 0; e < elements_; ++e) {
      if (!open.has(e)) continue;
      std::vector<std::size_t> holding;
      for (std::size_t c = 0; c < candidates_.size(); ++c)
        if (candidates_[c].bits.has(e)) holding.push_back(c);
      if (first || holding.size() < branches.size()) branches = std::move(holding);
      first = false;
    }
    std::stable_sort(branches.begin(), branches.end(), [&](std::size_t a, std::size_t b) { return more[a] > more[b]; });
    for (const std::size_t c : branches) {
      chosen.push_back(c);
      descend(open.without(candidates_[c].bits), chosen);
      chosen.pop_back();
    }
  }

  std::int64_t steps_left_;
  std::size_t elements_;
  Bits all_;
  std::vector<Candidate> candidates_;
  std::vector<std::size_t> best_;  // indices into candidates_
};

// Which machines any of the samples asked, as positions from 0; empty for those that were not.
std::vector<std::optional<std::size_t>> places_of_asked(const std::vector<FoundSample>& samples, std::size_t machines) {
  std::vector<bool> asked(machines, false);
  for (const FoundSample& sample : samples) {
    if (sample.labels.size() != machines) throw Error("a sample needs one label for each machine");
    for (std::size_t m = 0; m < machines; ++m)
      if (sample.labels[m] != no_label) asked[m] = true;
  }
  std::vector<std::optional<std::size_t>> places(machines);
  std::size_t next = 0;
  for (std::size_t m = 0; m < machines; ++m)
    if (asked[m]) places[m] = next++;
  return places;
}

}  // namespace

std::vector<std::size_t> identified_machines(std::span<const std::int32_t> labels) {
  std::map<std::int32_t, std::size_t> count;
  for (const std::int32_t label : labels)
    if (label != no_label) ++count[label];
  std::vector<std::size_t> machines;
  // Where all agree, nobody is told from anybody, not even a machine that was asked alone.
  if (count.size() < 2) return machines;
  for (std::size_t m = 0; m < labels.size(); ++m)
    if (labels[m] != no_label && count.at(labels[m]) == 1) machines.push_back(m);
  return machines;
}

IdentifiedCounts count_identified(const std::vector<std::vector<std::int32_t>>& labels, std::size_t machines) {
  IdentifiedCounts counts;
  counts.by_machine.resize(machines);
  counts.rarest_share = nan;
  std::set<std::size_t> asked;
  for (const auto& sample : labels) {
    if (sample.size() != machines) throw Error("a sample needs one label for each machine");
    for (const std::size_t m : identified_machines(sample)) ++counts.by_machine[m];
    for (std::size_t m = 0; m < machines; ++m)
      if (sample[m] != no_label) asked.insert(m);
  }
  if (asked.empty()) return counts;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const std::size_t m : asked) least = std::min(least, counts.by_machine[m]);
  counts.rarest_share = static_cast<double>(least) / static_cast<double>(labels.size());
  return counts;
}

IdentifyingSet identifying_set(const std::vector<FoundSample>& samples, std::size_t machines) {
  IdentifyingSet set;
  set.psnr.assign(machines, nan);
  set.image.assign(machines, -1);
  set.worst_psnr = nan;
  const auto places = places_of_asked(samples, machines);
  std::map<std::int64_t, std::set<std::size_t>> reach;  // image -> the machines that it has samples for
  for (const FoundSample& sample : samples)
    for (const std::size_t m : identified_machines(sample.labels)) {
      reach[sample.image].insert(*places[m]);
      if (sample.psnr <= set.psnr[m]) continue;
      set.psnr[m] = sample.psnr;
      set.image[m] = sample.image;
    }
  std::size_t asked = 0;
  bool complete = !samples.empty();
  for (std::size_t m = 0; m < machines; ++m) {
    if (!places[m]) continue;
    ++asked;
    complete = complete && set.image[m] >= 0;
  }
  if (!complete) return set;
  for (const double psnr : set.psnr)
    if (!(set.worst_psnr <= psnr) && !std::isnan(psnr)) set.worst_psnr = psnr;
  std::vector<std::vector<std::size_t>> sets;
  for (const auto& [image, reached] : reach) sets.emplace_back(reached.begin(), reached.end());
  const auto cover = least_cover(sets, asked);
  set.fewest_images = static_cast<std::int64_t>(cover->chosen.size());
  set.fewest_is_proven = cover->is_least;
  return set;
}

std::optional<Cover> least_cover(const std::vector<std::vector<std::size_t>>& sets, std::size_t elements,
                                 std::int64_t most_steps) {
  return CoverSearch(sets, elements, most_steps).run();
}

}  // namespace telltale::forensics
