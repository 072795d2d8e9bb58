// Which task goes to which rank next: pure bookkeeping, without MPI, threads or clocks.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cluster/item_graph.h"
#include "cluster/speed_model.h"
#include "cluster/work.h"
#include "core/outcome.h"

namespace telltale::cluster {

struct SchedulerOptions {
  std::vector<int> environment_of_rank;  ///< -1: the rank computes nothing
  std::vector<double> speeds;            ///< by environment, relative to 1; empty: all 1
  double lookahead_s = 0.25;             ///< estimated work that a rank is kept supplied with
  int retries = 1;                       ///< further attempts after a failure
  std::size_t largest_batch = 512;
  std::size_t tasks_asking = 8;  ///< items that ask, at once on a rank
};

/// A rank that gets no more work, and why.
struct RankSetAside {
  int rank = 0;
  std::string reason;
};

/// Ready items go out by upward rank (an item's cost and that of the longest chain of its dependents, list scheduling
/// as in HEFT: Topcuoglu et al. 2002), longest first, among those that the asking rank's environment may compute.
///
/// - An item whose input artifacts the rank already holds is preferred while its upward rank is at least half that of
/// the
///   longest one.
/// - A rank is kept supplied with `lookahead_s` of estimated work: many short items go out at once, and nothing is
/// queued
///   behind an item that is longer, nor is a longer one queued. An item of unknown cost counts as `lookahead_s` until
///   one like it was measured.
/// - Items that ask mostly wait: a rank has up to `tasks_asking` of them (and one more that it will begin next),
///   whatever they cost, beside what it computes.
/// - An estimate is the item's cost times measured/estimated seconds of that environment, kept apart by the order of
///   magnitude of the cost (SpeedModel).
/// - A failed item is tried again, on another rank if there is one; then it fails and all that need it fail.
class Scheduler {
 public:
  static constexpr double no_limit = std::numeric_limits<double>::infinity();
  /// A rank whose failures turned out well elsewhere so often is set aside.
  static constexpr int failures_of_a_bad_rank = 3;

  /// `items` must outlive the scheduler. `known` holds what earlier runs decided (empty: nothing). Throws Error for a
  /// prerequisite that does not exist and for items that wait for each other in a circle.
  Scheduler(const std::vector<WorkItem>& items, const std::vector<std::optional<TaskStatus>>& known,
            SchedulerOptions options);

  /// The items that `rank` shall get now; they count as its own from here on. None whose estimate is longer than
  /// `time_left_s`, counted from the end of what the rank has.
  std::vector<std::size_t> next(int rank, double time_left_s = no_limit);
  /// 1 for an item's first attempt.
  [[nodiscard]] int attempt(std::size_t index) const { return nodes_[index].failures + 1; }

  // What became of an item. They return false, and nothing changes, if the item is not `rank`'s (any more).
  bool done(std::size_t index, int rank, double seconds);
  bool returned(std::size_t index, int rank);  ///< not run: it goes out again
  enum class Verdict { not_yours, retry, failed };
  /// `hopeless`: no second attempt.
  Verdict failed(std::size_t index, int rank, bool hopeless = false);

  /// An item that cannot be computed because `root` failed.
  struct Casualty {
    std::size_t index;
    std::size_t root;
  };
  /// Those since the last call, each once.
  std::vector<Casualty> take_casualties() { return std::exchange(casualties_, {}); }

  /// `rank` gets nothing more; what it has, it may still finish.
  void set_aside(int rank, const std::string& reason);
  /// `rank` will not answer any more: what it has goes to others.
  void lose(int rank, const std::string& reason);
  [[nodiscard]] const std::vector<RankSetAside>& ranks_set_aside() const { return aside_; }

  [[nodiscard]] std::size_t done_count() const { return done_; }
  [[nodiscard]] std::size_t failed_count() const { return failed_; }
  [[nodiscard]] std::size_t running_count() const { return running_; }
  [[nodiscard]] std::size_t open_count() const { return nodes_.size() - done_ - failed_; }
  /// Estimated seconds, on a rank of speed 1, of all open items.
  [[nodiscard]] double open_cost_s() const { return open_cost_; }
  [[nodiscard]] bool has_work(int rank) const { return ranks_[static_cast<std::size_t>(rank)].count > 0; }
  /// Of that, what `rank` has worked off after so many seconds with what it has, as far as estimates go.
  [[nodiscard]] double begun_cost_s(int rank, double seconds) const;
  /// Why open items do not go out although no rank has work; `environments` are names.
  [[nodiscard]] std::string why_blocked(const std::vector<std::string>& environments) const;

 private:
  enum class State : std::uint8_t { waiting, ready, hidden, running, unfit, done, failed };

  struct Node {
    double cost = 0;
    double upward = 0;
    double estimate = 0;        // while running: what its rank was charged
    std::uint32_t waiting = 0;  // prerequisites that are not done
    std::int32_t kind = 0;      // index into kinds_
    std::int32_t queue = -1;
    std::int32_t rank = -1;
    std::int32_t failures = 0;
    State state = State::waiting;
  };

  struct Entry {
    double priority;
    std::uint32_t index;
    bool operator<(const Entry& other) const {
      return priority != other.priority ? priority < other.priority : index > other.index;
    }
  };

  // A heap with entries that may be out of date: they are dropped when they come to the top.
  using Heap = std::vector<Entry>;

  // Items of a kind may be computed by the same ranks, and wait in the same queues.
  struct Kind {
    std::vector<int> environments;  // sorted; empty: any
    bool asks = false;
    auto operator<=>(const Kind&) const = default;
  };

  struct Queue {
    int kind;
    int avoid;  // the rank where its items failed, or -1
    Heap heap;
    std::size_t ready = 0;
    std::size_t workers = 0;  // ranks that may take from it
  };

  struct Rank {
    int environment = -1;
    bool live = false;
    std::size_t count = 0;   // items that it has
    std::size_t asking = 0;  // those of them that ask
    double seconds = 0;      // their estimates
    double cost = 0;         // and their costs
    std::size_t window = 4;  // items it may have: grows as it answers, in case the estimates are far off
    int blame = 0;
    std::vector<int> queues;    // those it may take from
    std::array<Heap, 2> local;  // items whose inputs it holds: those that compute, those that ask
  };

  void find_kinds();
  void rank_upward();
  void take_known(const std::vector<std::optional<TaskStatus>>& known);
  [[nodiscard]] bool allows(int kind, int environment) const;
  [[nodiscard]] bool may_take(const Queue& queue, int rank) const;
  int queue_for(int kind, int avoid);
  void find_takers();
  void make_ready(std::size_t index, int avoid);
  std::optional<std::size_t> candidate(int rank, bool asks);
  void fill(int rank, bool asks, double time_left_s, std::vector<std::size_t>& batch);
  void take(std::size_t index, int rank, double estimate);
  void give_back(Node& node);
  void holds(std::size_t artifact, int rank);
  void fail_dependents(std::size_t root);
  [[nodiscard]] std::size_t share(const Rank& rank, bool asks) const;
  [[nodiscard]] bool asks(const Queue& queue) const { return kinds_[static_cast<std::size_t>(queue.kind)].asks; }
  [[nodiscard]] std::optional<double> estimate(const Node& node, int environment) const;
  [[nodiscard]] bool fits_elsewhere(const Node& node, double time_left_s) const;

  const std::vector<WorkItem>& items_;
  SchedulerOptions options_;
  const ItemGraph graph_;
  std::vector<Node> nodes_;
  std::vector<Kind> kinds_;
  std::vector<Queue> queues_;
  std::map<std::pair<int, int>, int> queue_index_;
  std::vector<Rank> ranks_;
  std::vector<SpeedModel> speeds_;                               // by environment
  std::unordered_map<std::size_t, std::vector<int>> holders_;    // of a done item's artifact
  std::unordered_map<std::size_t, std::vector<int>> failed_on_;  // ranks where an open item failed
  std::vector<Casualty> casualties_;
  std::vector<RankSetAside> aside_;
  std::size_t done_ = 0;
  std::size_t failed_ = 0;
  std::size_t running_ = 0;
  std::size_t unfit_ = 0;
  double open_cost_ = 0;
};

}  // namespace telltale::cluster
