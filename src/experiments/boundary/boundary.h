// The experiment of Schloegl, Kupek and Boehme 2021, "iNNformant": boundary samples, whose predicted label betrays the
// machine. Also what the paper leaves open: searches for a named machine, and samples on the 8-bit grid.
//
// Stages: `train` makes the network; `search`, over cases, settings and test images, is one attempt, which asks ranks
// of other environments; `replay`, over cases, settings, test images and environments, has a process of its own,
// started outside of MPI, predict the sample: only what it repeats bit for bit counts.
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
  [[nodiscard]] std::vector<forensics::Subject> subjects(const study::Job& job,
                                                         const data::Dataset* data) const override;
  [[nodiscard]] Plan plan(const StudyInputs& inputs) const override;
  [[nodiscard]] std::vector<store::Group> tabulate(const StudyInputs& inputs, const Plan& plan,
                                                   const OutcomeLookup& outcome) const override;
  [[nodiscard]] std::vector<std::string> papers() const override { return {"boundary-samples"}; }
  [[nodiscard]] std::vector<study::Table> report(const store::Group& root) const override;
};

namespace boundary {

/// One attempt, from one test image. Machines are known by the bits of their answers, so that one more profile changes
/// no search that does not ask it; settings of other presets are left out. Its outcome says how it ended, and what
/// every machine answers to the sample, by position in `machines`; its product is what replays need.
struct Search {
  static constexpr study::TaskKind kind{.name = "search", .algorithm = 2, .makes_product = true, .asks = true};
  Identity data, model;
  long long image = 0;  ///< number of the test image
  std::string search;
  std::vector<Identity> machines;  ///< that are asked, ascending: Machine::bits of each
  Identity local;                  ///< of them, the one that approaches the boundary
  int batch = 1;
  bool clip = false, steps = false;
  std::optional<double> psnr_floor;                    ///< dB
  std::optional<long long> local_limit, remote_limit;  ///< of paper and code
  std::optional<long long> evaluation_limit;           ///< of telltale, as what follows
  std::optional<std::string> grid;
  std::optional<Identity> target;  ///< of the machines, the one to be singled out
  long long seed = 0;

  std::vector<int> environments;  ///< a rank with this one answers, by machine

  void fields(auto& field) {
    field("data", data), field("model", model), field("image", image), field("search", search),
        field("machines", machines), field("local", local), field("batch", batch), field("clip", clip),
        field("steps", steps), field("psnr_floor", psnr_floor), field("local_limit", local_limit),
        field("remote_limit", remote_limit), field("evaluation_limit", evaluation_limit), field("grid", grid),
        field("target", target), field("seed", seed);
  }
  void hints(auto& field) { field("environments", environments); }

  /// Throws Error if the machine is not asked.
  [[nodiscard]] int position(const Identity& machine) const;
};

/// Key of the random stream of a search: see forensics::SearchDraws.
Identity draws_of(const Search& search);

/// A process of its own predicts the sample of a search on one environment. Its outcome, `repeats`: 1 if the logits
/// came out as the search saw them, 0 if not, -1 if there is no sample.
struct Replay {
  static constexpr study::TaskKind kind{.name = "replay", .algorithm = 2};
  Identity data, model;
  Identity sample;   ///< the search
  Identity machine;  ///< of the search, whose environment this is
  int batch = 1;
  std::string profile;
  Identity bits;

  void fields(auto& field) {
    field("data", data), field("model", model), field("sample", sample), field("machine", machine),
        field("batch", batch), field("profile", profile), field("bits", bits);
  }
};

/// Environments that predict the same bits are one machine: no label can tell them apart.
struct Machine {
  std::string name;               ///< of its environments, joined by "+"
  std::vector<int> environments;  ///< indices into Environments::list; the first one answers
  Identity bits;                  ///< of all answers to a search; no two machines share them
};

/// What a job and the environments present come to, before any task.
struct Setup {
  models::NetworkSpec network;
  std::vector<Machine> machines;
  int local = 0;      ///< the machine that approaches the boundary
  Grid searches;      ///< search, versus, target, grid
  study::Axis image;  ///< numbers of the test images

  [[nodiscard]] std::int64_t images() const { return static_cast<std::int64_t>(image.values.size()); }
  [[nodiscard]] study::Axis machine_axis() const;
  /// The machines that a search asks, by its positions: indices into `machines`. Throws Error for one that is not
  /// there.
  [[nodiscard]] std::vector<int> asked_by(const Search& search) const;
};

/// Throws InputError when there are no two machines to tell apart, or for images that there are not.
Setup setup_of(const StudyInputs& inputs);

/// What a successful search hands to the replays.
struct Found {
  forensics::Point sample;
  std::vector<Identity> machines;          ///< that were asked
  std::vector<std::vector<float>> logits;  ///< of each of them, by class
};
/// An unsuccessful attempt has none.
Bytes encode(const std::optional<Found>& found);
std::optional<Found> decode_found(ByteSpan bytes);

}  // namespace boundary

}  // namespace telltale::experiments
