// Which machines a boundary sample identifies, and sets of samples that identify them all (Schloegl, Kupek, Boehme
// 2021, Sec. 2 and 3). Pure functions; machines are numbered from 0.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace telltale::forensics {

/// The machines that a sample identifies, ascending: those that were asked and whose label no other machine that was
/// asked gives. Of two machines that part, both. `labels`: one a machine; no_label (identification.h): not asked.
std::vector<std::size_t> identified_machines(std::span<const std::int32_t> labels);

/// How often each machine is identified, and by what share of the samples the rarest of those that were asked is.
struct IdentifiedCounts {
  std::vector<std::int64_t> by_machine;
  double rarest_share = 0;  ///< NaN without samples
};
/// `labels`: of every sample, as above. Machines that no sample asked do not count as rare.
IdentifiedCounts count_identified(const std::vector<std::vector<std::int32_t>>& labels, std::size_t machines);

/// A sample that counts.
struct FoundSample {
  std::int64_t image = 0;  ///< that it was made from
  double psnr = 0;         ///< dB
  std::vector<std::int32_t> labels;
};

/// A sample for every machine that was asked.
struct IdentifyingSet {
  std::vector<double> psnr;         ///< by machine, of its best sample; NaN: none
  std::vector<std::int64_t> image;  ///< that this one was made from (of equals the first); -1: none
  double worst_psnr = 0;            ///< the least of them; NaN: a machine that was asked has no sample
  std::int64_t fewest_images = -1;  ///< images whose samples identify all; -1: a machine that was asked has no sample
  bool fewest_is_proven = true;     ///< false: perhaps fewer suffice (see least_cover)
};
IdentifyingSet identifying_set(const std::vector<FoundSample>& samples, std::size_t machines);

/// Some of the sets, ascending, that together hold 0 .. elements-1.
struct Cover {
  std::vector<std::size_t> chosen;
  bool is_least = true;  ///< no fewer would do; false: the search for fewer was given up
};
/// The least cover by branch and bound, at most `most_steps` of it; the best one found if that was not enough, never
/// worse than the greedy one. Memory grows with the sets' sizes only. None if the sets do not hold all elements.
std::optional<Cover> least_cover(const std::vector<std::vector<std::size_t>>& sets, std::size_t elements,
                                 std::int64_t most_steps = 100000);

}  // namespace telltale::forensics
