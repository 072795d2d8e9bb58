// The experiment of Schloegl, Kupek and Boehme 2021, "iNNformant": boundary samples, whose predicted label betrays the
// machine. Also what the paper leaves open: searches for a named machine, and samples on the 8-bit grid.
//
// Tasks: `train` makes the network; `search` is one attempt, from one test image, which asks ranks of other
// environments; `replay` has a process of its own, started outside of MPI, predict many samples on one environment:
// only what it repeats bit for bit counts.
#pragma once

#include <optional>

#include "cluster/work.h"
#include "forensics/boundary_search.h"
#include "study/experiment.h"
#include "study/grid.h"
#include "study/training.h"

namespace telltale::study {

class Boundary final : public Experiment {
 public:
  [[nodiscard]] bool needs_data() const override { return true; }
  [[nodiscard]] std::vector<Axis> axes(const Job& job) const override;
  [[nodiscard]] std::vector<forensics::Subject> subjects(const Job& job) const override;
  [[nodiscard]] Plan plan(const StudyInputs& inputs) const override;
  [[nodiscard]] std::vector<store::Group> tabulate(const StudyInputs& inputs, const Plan& plan,
                                                   const OutcomeLookup& outcome) const override;
  [[nodiscard]] std::vector<Table> report(const store::Group& root) const override;
};

namespace boundary {

/// Raised when a change of the algorithm changes results: part of every identity.
inline constexpr int search_version = 1;
inline constexpr int replay_version = 1;

/// Samples that one process replays, at most.
inline constexpr std::int64_t replayed_at_once = 100;

/// Environments that predict the same bits are one machine: no label can tell them apart.
struct Machine {
  std::string name;               ///< of its environments, joined by "+"
  std::vector<int> environments;  ///< indices into Environments::list; the first one answers
};

/// A replay of the samples of one block of images on one environment.
struct Replay {
  std::size_t task = 0;
  int machine = 0;  ///< index into Layout::machines
};

/// The tasks of a study by their place in its grids.
struct Layout {
  Grid cases;     ///< the axes that a training depends on, and the repeat
  Grid searches;  ///< search, versus, target, grid
  models::NetworkSpec network;
  std::vector<Machine> machines;
  int local = 0;  ///< the machine that approaches the boundary
  std::int64_t first_image = 0, images = 0;
  std::vector<std::size_t> training;  ///< by case
  std::vector<std::optional<std::size_t>>
      searched;                               ///< by case, search, image; none where a combination has no meaning
  std::vector<std::vector<Replay>> replayed;  ///< by case, search, block of images

  [[nodiscard]] std::int64_t blocks() const { return (images + replayed_at_once - 1) / replayed_at_once; }
};

/// Adds the tasks of a job to `plan`, one place for planning and tabulating. Throws InputError when there are no two
/// machines to tell apart.
Layout lay_out(const StudyInputs& inputs, Plan& plan);

/// See make_executor(), make_responder().
cluster::Executor executor(const data::Dataset& data);
cluster::Responder responder();

/// What a successful search hands to the replays.
struct Found {
  forensics::Point sample;
  std::vector<int> machines;               ///< that were asked: indices into Layout::machines
  std::vector<std::vector<float>> logits;  ///< of each of them, by class
};
/// An unsuccessful attempt has none.
Bytes encode(const std::optional<Found>& found);
std::optional<Found> decode_found(ByteSpan bytes);

}  // namespace boundary

}  // namespace telltale::study
