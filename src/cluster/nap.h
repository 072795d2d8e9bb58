// How a thread waits here: naps that grow while nothing happens, so that waiting costs no core.
#pragma once

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace telltale::cluster {

/// The length of the next nap: 20 us after something happened, doubled by each nap, at most 5 ms (200 looks a second,
/// about 0.3% of a core).
class Nap {
 public:
  static constexpr std::chrono::microseconds shortest{20};
  static constexpr std::chrono::microseconds longest{5000};

  Nap() {
    // The default slack of 50 us would more than triple the shortest nap. It is kept per thread.
    thread_local const int once = prctl(PR_SET_TIMERSLACK, 1UL);
    static_cast<void>(once);
  }

  void reset() { next_ = shortest; }

  std::chrono::microseconds next() {
    const auto taken = next_;
    next_ = std::min(next_ * 2, longest);
    return taken;
  }

 private:
  std::chrono::microseconds next_ = shortest;
};

/// What a napping main thread is woken by from inside its own process; a call that came before the nap counts.
class Waker {
 public:
  void notify() {
    const std::lock_guard lock(mutex_);
    called_ = true;
    condition_.notify_one();
  }

  void wait_for(std::chrono::microseconds duration) {
    std::unique_lock lock(mutex_);
    condition_.wait_for(lock, duration, [this] { return called_; });
    called_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool called_ = false;
};

}  // namespace telltale::cluster
