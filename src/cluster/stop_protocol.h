// How a worker's threads come to their end: in order, in time, or given up.
#pragma once

#include <atomic>
#include <chrono>
#include <utility>

namespace telltale::cluster {

/// - stop: the study stops. The running tasks end soon (TaskStopped), then the worker says that it is idle, once.
/// - quit: the threads end as soon as nothing runs on them.
/// - abandoned: nobody waits for the running tasks any more; what they still bring is dropped. `lost` if that happened
///   while the study goes on: the coordinator was told, and this rank takes nothing more.
///
/// Not synchronised, except stopping().
class StopProtocol {
 public:
  using Clock = std::chrono::steady_clock;

  explicit StopProtocol(double grace_s)
      : grace_(std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(grace_s))) {}

  /// To be called without the mutex too.
  [[nodiscard]] bool stopping() const { return stop_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool quits() const { return quit_; }
  [[nodiscard]] bool abandoned() const { return abandoned_; }
  [[nodiscard]] bool lost() const { return lost_; }
  /// Whoever waits for something will not get it.
  [[nodiscard]] bool is_over() const { return stopping() || abandoned_; }

  /// The tasks' grace begins.
  void stop() {
    until_ = Clock::now() + grace_;
    stop_ = true;
  }
  /// Until when the threads are waited for; their grace goes on if it has begun.
  Clock::time_point quit() {
    if (!stopping()) stop();
    quit_ = true;
    return lost_ ? Clock::now() : until_;
  }
  void abandon() { abandoned_ = true; }
  void lose() { lost_ = abandoned_ = true; }

  /// True once: after stop, when `quiet` (nothing runs, everything is sent), unless the rank is lost.
  bool take_idle(bool quiet) { return stopping() && !lost_ && quiet && !std::exchange(idle_told_, true); }

 private:
  const Clock::duration grace_;
  std::atomic<bool> stop_{false};
  bool quit_ = false;
  bool abandoned_ = false;
  bool lost_ = false;
  bool idle_told_ = false;
  Clock::time_point until_;
};

}  // namespace telltale::cluster
