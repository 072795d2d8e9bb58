// The experiment of Schloegl, Kupek and Boehme 2021, "iNNformant": boundary samples, whose predicted label betrays the
// machine. Also what the paper leaves open: searches for a named machine, and samples on the 8-bit grid.
//
// Stages: `train` makes the network; `search`, over cases, settings and test images, is one attempt, which asks ranks
// of other environments; `replay`, over cases, settings, blocks of images and environments, has a process of its own,
// started outside of MPI, predict many samples: only what it repeats bit for bit counts.
#pragma once

#include <optional>

#include "experiments/training.h"
#include "forensics/boundary_search.h"

namespace telltale::experiments {

class Boundary final : public study::Experiment {
 public:
  [[nodiscard]] std::string name() const override { return "boundary"; }
  [[nodiscard]] std::string help() const override {
    return "inputs whose label betrays the machine: Schloegl et al. 2021";
  }
  [[nodiscard]] std::vector<ParameterGroup> keys() const override;
  void check(const study::Job& job) const override { check_training(job); }
  [[nodiscard]] std::vector<forensics::Subject> subjects(const study::Job& job) const override;
  [[nodiscard]] Plan plan(const StudyInputs& inputs) const override;
  [[nodiscard]] std::vector<store::Group> tabulate(const StudyInputs& inputs, const Plan& plan,
                                                   const OutcomeLookup& outcome) const override;
  [[nodiscard]] std::vector<std::string> papers() const override { return {"boundary-samples"}; }
  [[nodiscard]] std::vector<study::Table> report(const store::Group& root) const override;
};

namespace boundary {

/// A machine in a search.
struct Asked {
  int machine = 0;      ///< index into Setup::machines
  int environment = 0;  ///< the rank that answers has this one
  Identity bits;        ///< of the answers

  void fields(auto& field) { field("machine", machine), field("environment", environment), field("bits", bits); }
};

/// One attempt, from one test image. Its outcome says how it ended, and what every machine answers to the sample; its
/// product is what replays need.
struct Search {
  static constexpr study::TaskKind kind{.name = "search", .algorithm = 1, .makes_product = true, .asks = true};
  Identity data, model;
  long long image = 0;  ///< number of the test image
  std::string search, grid;
  std::vector<Asked> machines;
  int local = 0;              ///< the machine that approaches the boundary
  std::optional<int> target;  ///< the machine to be singled out
  int batch = 1;
  bool clip = false, steps = false;
  long long local_limit = 0, remote_limit = 0, evaluation_limit = 0;
  double psnr_floor = 0;
  long long seed = 0;

  void fields(auto& field) {
    field("data", data), field("model", model), field("image", image), field("search", search), field("grid", grid),
        field("machines", machines), field("local", local), field("target", target), field("batch", batch),
        field("clip", clip), field("steps", steps), field("local_limit", local_limit),
        field("remote_limit", remote_limit), field("evaluation_limit", evaluation_limit),
        field("psnr_floor", psnr_floor), field("seed", seed);
  }
};

/// Key of the random stream of a search.
Identity draws_of(const Search& search);

/// A process of its own predicts the samples of some searches on one environment. Its outcome: for each, 1 if the
/// logits came out as the search saw them, 0 if not, -1 if there is no sample.
struct Replay {
  static constexpr study::TaskKind kind{.name = "replay", .algorithm = 1};
  Identity data, model;
  std::vector<Identity> samples;  ///< the searches
  int machine = 0;
  int batch = 1;
  std::string profile;
  Identity bits;

  void fields(auto& field) {
    field("data", data), field("model", model), field("samples", samples), field("machine", machine),
        field("batch", batch), field("profile", profile), field("bits", bits);
  }
};

/// Samples that one process replays, at most.
inline constexpr std::int64_t replayed_at_once = 100;

/// Environments that predict the same bits are one machine: no label can tell them apart.
struct Machine {
  std::string name;               ///< of its environments, joined by "+"
  std::vector<int> environments;  ///< indices into Environments::list; the first one answers
};

/// What a job and the environments present come to, before any task.
struct Setup {
  models::NetworkSpec network;
  std::vector<Machine> machines;
  int local = 0;      ///< the machine that approaches the boundary
  Grid searches;      ///< search, versus, target, grid
  study::Axis image;  ///< numbers of the test images

  [[nodiscard]] std::int64_t images() const { return static_cast<std::int64_t>(image.values.size()); }
  [[nodiscard]] std::int64_t blocks() const { return (images() + replayed_at_once - 1) / replayed_at_once; }
  [[nodiscard]] study::Axis machine_axis() const;
};

/// Throws InputError when there are no two machines to tell apart, or for images that there are not.
Setup setup_of(const StudyInputs& inputs);

/// What a successful search hands to the replays.
struct Found {
  forensics::Point sample;
  std::vector<int> machines;               ///< that were asked: indices into Setup::machines
  std::vector<std::vector<float>> logits;  ///< of each of them, by class
};
/// An unsuccessful attempt has none.
Bytes encode(const std::optional<Found>& found);
std::optional<Found> decode_found(ByteSpan bytes);

}  // namespace boundary

}  // namespace telltale::experiments
