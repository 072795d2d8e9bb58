// Ranks that say nothing any more: frozen, or on a node that is gone without MPI having noticed.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

namespace telltale::cluster {

/// How long each peer has been silent, counted only while this process itself runs: one that was suspended as a whole
/// (SIGSTOP to a whole job, a laptop's lid) accuses nobody when it wakes. Not synchronised.
class Silence {
 public:
  using Clock = std::chrono::steady_clock;

  /// `limit_s`: 0 for none.
  Silence(double limit_s, std::size_t peers) : limit_s_(limit_s), silent_s_(peers, 0) {}

  void heard(int peer) { silent_s_[static_cast<std::size_t>(peer)] = 0; }

  /// To be called whenever the process is awake, some times a second at least. True if time was counted: when so little
  /// has passed that it does not matter, nothing is.
  bool tick(Clock::time_point now = Clock::now()) {
    constexpr double shortest_s = 0.05, longest_s = 1;
    const double passed_s = std::chrono::duration<double>(now - last_).count();
    if (passed_s < shortest_s) return false;
    last_ = now;
    const double counted_s = std::min(longest_s, passed_s);
    for (double& silent_s : silent_s_) silent_s += counted_s;
    unspoken_s_ += counted_s;
    return true;
  }

  [[nodiscard]] bool too_long(int peer) const {
    return limit_s_ > 0 && silent_s_[static_cast<std::size_t>(peer)] > limit_s_;
  }

  /// True some times within each limit: then it is time to say something to the peers.
  bool should_speak() {
    constexpr double times = 6, most_s = 10;
    if (limit_s_ <= 0 || unspoken_s_ < std::min(most_s, limit_s_ / times)) return false;
    unspoken_s_ = 0;
    return true;
  }

 private:
  const double limit_s_;
  std::vector<double> silent_s_;
  double unspoken_s_ = 0;
  Clock::time_point last_ = Clock::now();
};

}  // namespace telltale::cluster
