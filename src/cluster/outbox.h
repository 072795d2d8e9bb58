// What a worker's threads have ready for the coordinator: outcomes and checkpoints.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/bytes.h"

namespace telltale::cluster {

struct Finished {
  std::uint64_t index = 0;
  bool hopeless = false;
  Bytes outcome;
  std::shared_ptr<const Bytes> artifact;

  [[nodiscard]] std::size_t bytes() const { return outcome.size() + (artifact ? artifact->size() : 0); }
};

/// A message of Tag::outcomes with as many of `batch` as fit, from `at` on; moves `at` behind them.
Bytes outcomes_message(const std::vector<Finished>& batch, std::size_t& at);

/// Not synchronised. Outcomes travel together: when enough are there, when the oldest has waited long enough, or when
/// nothing else is left to do.
class Outbox {
 public:
  using Clock = std::chrono::steady_clock;

  void put(Finished finished, Clock::time_point now);
  /// Exactly now: whoever sends them should be woken.
  [[nodiscard]] bool became_full() const;
  /// Everything that is finished, if it shall travel now; else empty. `nothing_else`: the worker would be idle.
  std::vector<Finished> take_due(bool nothing_else);

  void put_checkpoint(std::uint64_t index, Bytes checkpoint) {
    checkpoints_.emplace_back(index, std::move(checkpoint));
  }
  std::vector<std::pair<std::uint64_t, Bytes>> take_checkpoints() { return std::exchange(checkpoints_, {}); }

  [[nodiscard]] bool empty() const { return finished_.empty() && checkpoints_.empty(); }

 private:
  std::vector<Finished> finished_;
  Clock::time_point oldest_;  // when the first of them came
  std::vector<std::pair<std::uint64_t, Bytes>> checkpoints_;
};

}  // namespace telltale::cluster
