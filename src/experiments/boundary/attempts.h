// What became of every attempt of a study, out of its tasks' outcomes: what its tables are made of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "experiments/boundary/boundary.h"

namespace telltale::experiments::boundary {

/// How a task that failed stands among the endings of searches.
inline constexpr const char* failed_task = "failed";

/// A list and more at its end: dimensions of a variable behind those of the grid.
template <typename T>
std::vector<T> with(std::vector<T> list, std::initializer_list<T> more) {
  list.insert(list.end(), more);
  return list;
}

/// One search and its replays.
struct Attempt {
  enum class Replays {
    open,      ///< one at least has not ended, and none speaks against the sample
    refuted,   ///< one failed, or its process predicted other bits
    verified,  ///< a process of its own on every environment has repeated every logit bit for bit
  };

  bool applies = true;               ///< the combination has a meaning
  bool failed = false;               ///< the search's task: it threw, or ran past a limit
  const Outcome* outcome = nullptr;  ///< of a search that came to its end
  std::vector<int> asked;            ///< indices into Setup::machines, by the search's positions
  Replays replays = Replays::open;   ///< of a sample that was found
  std::string reason;                ///< why the task, or a replay, failed

  [[nodiscard]] bool found() const;
  [[nodiscard]] bool verified() const { return found() && replays == Replays::verified; }
  /// It is known whether it succeeded: it counts as an attempt.
  [[nodiscard]] bool decided() const { return failed || (outcome != nullptr && !is_open()); }
  /// Its sample is found and neither verified nor refuted yet.
  [[nodiscard]] bool is_open() const { return found() && replays == Replays::open; }

  /// An integer of the outcome; -1 while there is none.
  [[nodiscard]] std::int64_t number(const char* name) const;
  /// Index into Setup::machines of the one at a position of the search; -1 of -1.
  [[nodiscard]] std::int32_t machine_at(std::int64_t position) const;
  [[nodiscard]] std::int32_t identified() const { return machine_at(number("identified")); }
  /// dB; NaN without a sample.
  [[nodiscard]] double psnr() const;
  [[nodiscard]] std::string status() const;
  /// What each of so many machines calls the sample; forensics::no_label: not asked.
  [[nodiscard]] std::vector<std::int32_t> labels(std::size_t machines) const;
};

/// In the order of the stage `search`.
std::vector<Attempt> attempts_of(const StudyInputs& inputs, const Setup& setup, const Plan& plan,
                                 const OutcomeLookup& outcome);

// The groups. `cases`: the grid of the trainings.
store::Group attempts_group(const StudyInputs& inputs, const Setup& setup, const Plan& plan,
                            const std::vector<Attempt>& attempts, const OutcomeLookup& outcome);
store::Group steps_group(const std::vector<Attempt>& attempts);
store::Group summary_group(const Setup& setup, const Grid& cases, const std::vector<Attempt>& attempts);
store::Group sets_group(const Setup& setup, const Grid& cases, const std::vector<Attempt>& attempts);

}  // namespace telltale::experiments::boundary
