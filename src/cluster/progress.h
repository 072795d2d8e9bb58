// How far a study is, and how fast it goes.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "cluster/scheduler.h"

namespace telltale::cluster {

struct Progress {
  std::size_t done = 0;         ///< on disk, earlier runs included
  std::size_t failed = 0;       ///< likewise
  std::size_t running = 0;      ///< handed out, or waiting for the disk
  std::size_t remaining = 0;    ///< neither done nor failed: those running included
  double remaining_cost_s = 0;  ///< estimated seconds on a rank of speed 1, of what is neither done nor failed, less
                                ///< what should be done by now of what runs
  double tasks_per_s = 0;       ///< in this run so far
  double cost_per_s = 0;        ///< estimated seconds worked off in a second of this run so far
  double elapsed_s = 0;

  /// Seconds that are left at the pace so far; none before there is one.
  [[nodiscard]] std::optional<double> left_s() const {
    if (!(cost_per_s > 0)) return {};
    return remaining_cost_s / cost_per_s;
  }
};

/// What a run has worked off since it began; a long task counts while it runs, by its estimate.
class Pace {
 public:
  /// `scheduler`, before anything is handed out, must outlive this.
  Pace(const Scheduler& scheduler, std::size_t ranks)
      : scheduler_(scheduler), open_(scheduler.open_count()), cost_s_(scheduler.open_cost_s()), since_(ranks, start_) {}

  /// `rank` begins with what it has.
  void begins(std::size_t rank) { since_[rank] = Clock::now(); }
  [[nodiscard]] double elapsed_s() const { return seconds_since(start_); }
  /// Puts elapsed and remaining seconds and both rates.
  void measure(Progress& progress) const {
    double begun = 0;
    for (std::size_t rank = 0; rank < since_.size(); ++rank)
      begun += scheduler_.begun_cost_s(static_cast<int>(rank), seconds_since(since_[rank]));
    progress.remaining_cost_s = std::max(0.0, scheduler_.open_cost_s() - begun);
    progress.elapsed_s = elapsed_s();
    if (!(progress.elapsed_s > 0)) return;
    progress.tasks_per_s = static_cast<double>(open_ - scheduler_.open_count()) / progress.elapsed_s;
    progress.cost_per_s = (cost_s_ - progress.remaining_cost_s) / progress.elapsed_s;
  }

 private:
  using Clock = std::chrono::steady_clock;

  static double seconds_since(Clock::time_point then) {
    return std::chrono::duration<double>(Clock::now() - then).count();
  }

  const Scheduler& scheduler_;
  std::size_t open_;
  double cost_s_;
  Clock::time_point start_ = Clock::now();
  std::vector<Clock::time_point> since_;  // by rank
};

}  // namespace telltale::cluster
