// Questions between ranks: which rank is asked, what waits to be answered here, and which answer belongs to whom.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cluster/messages.h"
#include "cluster/work.h"
#include "core/identity.h"

namespace telltale::cluster {

/// A question that this rank is to answer.
struct Asked {
  int source = 0;
  std::uint64_t number = 0;
  Identity task;  ///< the one that asks
  Bytes request;
};

struct Answered {
  bool ok = false;
  Bytes answer;  ///< or the reason
};

struct Letter {
  int destination = 0;
  Tag tag = Tag::question;
  Bytes bytes;
};

/// What a rank answered so far.
struct ServedSoFar {
  std::uint64_t questions = 0;
  double seconds = 0;
};

/// Not synchronised, except some_wait().
class QuestionRouter {
 public:
  using Clock = std::chrono::steady_clock;

  /// `environment_of_rank` as in WorkerOptions.
  QuestionRouter(int rank, const std::vector<int>& environment_of_rank);

  // For the task that asks.

  /// Sends the questions on their way; returns their numbers. Throws Error if no rank has an environment that is asked.
  std::vector<std::uint64_t> ask(const Identity& task, const std::vector<Question>& questions);
  /// Empty until it is there.
  std::optional<Answered>& answer_to(std::uint64_t number) { return open_.at(number); }
  /// Nobody waits for them any more.
  void forget(const std::vector<std::uint64_t>& numbers);

  // For the thread that answers.

  [[nodiscard]] bool has_waiting() const { return !from_others_.empty() || !from_here_.empty(); }
  /// The same, to be called without the mutex.
  [[nodiscard]] bool some_wait() const { return waiting_.load(std::memory_order_relaxed) > 0; }
  /// The question that is next: other ranks' before this one's own. There must be one.
  Asked take_next();
  /// Brings the answer on its way; true if it is for this rank itself.
  bool answer(const Asked& asked, Answered answered, double seconds);

  // For the main thread.

  void question_came(int source, ByteReader message);
  void answer_came(ByteReader message);
  std::vector<Letter> take_letters() { return std::exchange(letters_, {}); }
  [[nodiscard]] bool has_letters() const { return !letters_.empty(); }
  /// What the coordinator shall be told now of the questions answered here; now and then only.
  std::optional<ServedSoFar> take_served();
  /// Questions are under way, or were a moment ago.
  [[nodiscard]] bool converses() const;

 private:
  [[nodiscard]] int rank_to_ask(int environment);

  const int rank_;
  std::vector<std::vector<int>> ranks_of_;  // by environment
  std::size_t turn_ = 0;
  std::uint64_t next_number_ = 0;
  std::unordered_map<std::uint64_t, std::optional<Answered>> open_;  // asked from here
  std::deque<Asked> from_others_, from_here_;                        // to be answered here, in this order
  std::atomic<std::size_t> waiting_{0};                              // how many those are
  std::vector<Letter> letters_;                                      // to be sent
  Clock::time_point conversed_{};                                    // the last question or answer
  ServedSoFar served_;
  std::uint64_t served_told_ = 0;
  Clock::time_point served_told_at_{};
};

}  // namespace telltale::cluster
