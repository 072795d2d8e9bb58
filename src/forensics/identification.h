// Identification: which known machine answers like an unknown service, from the labels that both give to boundary
// samples (Schloegl, Kupek, Boehme 2021), and which samples are worth asking.
//
// The model. A sample has the d labels that the known machines give it (two as a rule: the identifying and the contrast
// label). With the error rate e of a service (a flip on the way, another batch size or thread count), an answer is
//
//                           its own label    each other of the d labels    none of the d
//   from a known machine        1 - e             e (1 - e) / (d - 1)           e^2         (d = 1: 1 - e, -, e)
//   from an unknown machine          (1 - e) / d for each                       e
//
// so that for d = 2 an answer that matches speaks for a machine against an unknown one with the factor 2, the other
// label against it with 2e, and none of the labels against every known machine with e: a wrong model, a wrong
// preprocessing, or an unknown machine. A machine whose label is not known for a sample answers it like an unknown one.
// Bayes' rule over the known machines and "unknown" gives posteriors.
//
// What is assumed, and where it fails: the machine is one and stays the same; answers are independent given the machine
// (samples found on one image, or an unknown machine that rounds like a known one in the layers that matter, are not:
// prefer samples of different images, and more of them); the model and the preprocessing are the ones of the samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace telltale::forensics {

/// What a machine that was never asked "answers", and a service that gave no answer.
inline constexpr std::int32_t no_label = -1;

/// The labels that the known machines give to the samples: machines x samples, row-major.
class KnownLabels {
 public:
  /// Throws Error unless there is at least one machine and `labels` holds machines * samples of them.
  KnownLabels(std::size_t machines, std::size_t samples, std::vector<std::int32_t> labels);

  [[nodiscard]] std::size_t machines() const { return machines_; }
  [[nodiscard]] std::size_t samples() const { return samples_; }
  [[nodiscard]] std::int32_t at(std::size_t machine, std::size_t sample) const {
    return labels_[machine * samples_ + sample];
  }
  /// The different labels of a sample, ascending.
  [[nodiscard]] std::vector<std::int32_t> of_sample(std::size_t sample) const;
  /// The sample identifies the machine: its label is known, and every other machine has a known, different one.
  [[nodiscard]] bool identifies(std::size_t sample, std::size_t machine) const;

 private:
  std::size_t machines_;
  std::size_t samples_;
  std::vector<std::int32_t> labels_;
};

struct Decision {
  double error_rate = 0.01;  ///< e: above 0, below 0.5
  double confidence = 0.99;  ///< posterior that a verdict needs: above 0.5, below 1
  /// That it is no known machine: 0 to below 1; the known ones share the rest. Default: 1 / (machines + 1).
  std::optional<double> unknown_prior;
};

enum class Finding { known, unknown, undecided };

/// A machine, or "unknown", after the answers.
struct Belief {
  std::size_t matches = 0;   ///< answers that are this machine's label
  std::size_t compared = 0;  ///< answers to samples for which its label is known
  double posterior = 0;
  double doubt = 1;  ///< 1 - posterior, exact also where the posterior rounds to 1
};

struct Identification {
  Finding verdict = Finding::undecided;
  std::size_t answers = 0;           ///< samples that were answered
  std::vector<std::size_t> neither;  ///< those answered with a label that no known machine gives
  std::vector<Belief> machines;      ///< as in the labels; posteriors of single machines
  Belief unknown;                    ///< without counts
  std::vector<std::size_t> nearest;  ///< the machines of the largest posterior, ascending; none without answers
  Belief fit;                        ///< of all of `nearest` together: what the verdict `known` rests on
  /// Sets of two machines or more that the answered samples do not tell apart.
  std::vector<std::vector<std::size_t>> alike;
  /// So many more answers, each as a machine out of `nearest` gives it to a sample that identifies this machine, and it
  /// alone would reach the confidence. 0 if it has.
  std::size_t more_answers = 0;
};

/// `answers`: one a sample, no_label where there is none. The verdict is `known` if machines that cannot be told apart
/// reach the confidence together: ask on if `nearest` are several. It is `undecided` without answers. Throws Error if
/// the number of answers is not the number of samples, InputError for a decision out of its ranges.
Identification identify(const KnownLabels& labels, std::span<const std::int32_t> answers,
                        const Decision& decision = {});

enum class Preference {
  fewest,      ///< as few samples as possible; among equals those of the largest PSNR
  worst_psnr,  ///< the largest possible PSNR of the worst sample, and then as few as possible
};

/// Samples out of `candidates` with at least `redundancy` that identify each of `machines`, ascending. `psnr` has one
/// value a sample, in dB. Greedy (most machines still in need first), then what turned out superfluous is dropped: the
/// smallest set where every sample identifies one machine or, of two, both, as samples of a boundary search do; where
/// samples have three labels or more it may be larger than the smallest. A machine that too few candidates identify
/// has all of them (see count_identifying). Throws Error unless `psnr` has one value a sample.
std::vector<std::size_t> choose_samples(const KnownLabels& labels, std::span<const double> psnr,
                                        const std::vector<std::size_t>& candidates,
                                        const std::vector<std::size_t>& machines, std::size_t redundancy,
                                        Preference preference);

/// How many of the candidates identify the machine.
std::size_t count_identifying(const KnownLabels& labels, const std::vector<std::size_t>& candidates,
                              std::size_t machine);

}  // namespace telltale::forensics
