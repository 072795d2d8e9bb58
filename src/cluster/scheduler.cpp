#include "cluster/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace telltale::cluster {
namespace {

// An item at hand is preferred down to this share of the longest item's upward rank.
constexpr double comparable = 0.5;
// An artifact that more items than this need is soon everywhere: where it is says nothing.
constexpr std::size_t needed_by_all = 4096;
// Items looked at, at most, in search of one that still fits before the deadline.
constexpr std::size_t most_hidden = 64;

}  // namespace

Scheduler::Scheduler(const std::vector<WorkItem>& items, const std::vector<std::optional<TaskStatus>>& known,
                     SchedulerOptions options)
    : items_(items), options_(std::move(options)), graph_(items), nodes_(items.size()) {
  if (!known.empty() && known.size() != items.size()) throw Error("the known outcomes do not fit the plan");

  for (const double speed : options_.speeds) {
    if (!(speed > 0)) throw Error("an environment's speed is not positive");
    speeds_.emplace_back(speed);
  }
  for (const int environment : options_.environment_of_rank) {
    speeds_.resize(std::max(speeds_.size(), static_cast<std::size_t>(environment + 1)));
    ranks_.push_back({.environment = environment, .live = environment >= 0});
  }

  find_kinds();
  rank_upward();
  take_known(known);
  for (std::size_t k = 0; k < kinds_.size(); ++k) queue_for(static_cast<int>(k), -1);
  for (std::size_t i = 0; i < items.size(); ++i)
    if (nodes_[i].state == State::waiting && nodes_[i].waiting == 0) make_ready(i, -1);
}

void Scheduler::find_kinds() {
  std::map<Kind, int> known;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    Kind kind{items_[i].environments, items_[i].asks};
    std::sort(kind.environments.begin(), kind.environments.end());
    const auto [at, added] = known.try_emplace(std::move(kind), static_cast<int>(kinds_.size()));
    if (added) kinds_.push_back(at->first);
    nodes_[i].kind = at->second;
  }
}

/// From the ends of the plan backwards.
void Scheduler::rank_upward() {
  const std::vector<std::uint32_t> order = graph_.order(items_);
  for (auto at = order.rbegin(); at != order.rend(); ++at) {
    Node& node = nodes_[*at];
    node.cost = std::max(items_[*at].cost_s, 0.0);
    double speed = 0;
    for (std::size_t e = 0; e < speeds_.size(); ++e)
      if (allows(node.kind, static_cast<int>(e))) speed = std::max(speed, speeds_[e].speed());
    double longest = 0;
    for (const std::uint32_t d : graph_.dependents(*at)) longest = std::max(longest, nodes_[d].upward);
    node.upward = node.cost / (speed > 0 ? speed : 1) + longest;
  }
}

void Scheduler::take_known(const std::vector<std::optional<TaskStatus>>& known) {
  for (std::size_t i = 0; i < items_.size(); ++i) {
    if (known.empty() || !known[i] || *known[i] == TaskStatus::stopped) {
      open_cost_ += nodes_[i].cost;
      continue;
    }
    const bool is_done = *known[i] == TaskStatus::done;
    nodes_[i].state = is_done ? State::done : State::failed;
    ++(is_done ? done_ : failed_);
  }
  for (std::size_t i = 0; i < items_.size(); ++i)
    for (const std::size_t p : items_[i].prerequisites)
      if (nodes_[p].state != State::done) ++nodes_[i].waiting;
  for (std::size_t i = 0; i < items_.size(); ++i)
    if (!known.empty() && known[i] == TaskStatus::failed) fail_dependents(i);
}

bool Scheduler::allows(int kind, int environment) const {
  const auto& allowed = kinds_[static_cast<std::size_t>(kind)].environments;
  return allowed.empty() || std::binary_search(allowed.begin(), allowed.end(), environment);
}

int Scheduler::queue_for(int kind, int avoid) {
  const auto [at, added] = queue_index_.try_emplace({kind, avoid}, static_cast<int>(queues_.size()));
  if (added) {
    queues_.push_back({kind, avoid, {}});
    find_takers();
  }
  return at->second;
}

bool Scheduler::may_take(const Queue& queue, int rank) const {
  const Rank& asking = ranks_[static_cast<std::size_t>(rank)];
  if (!asking.live || !allows(queue.kind, asking.environment)) return false;
  if (queue.avoid != rank) return true;
  for (std::size_t other = 0; other < ranks_.size(); ++other)
    if (static_cast<int>(other) != rank && ranks_[other].live && allows(queue.kind, ranks_[other].environment))
      return false;
  return true;  // there is no other
}

void Scheduler::find_takers() {
  for (Rank& rank : ranks_) rank.queues.clear();
  for (std::size_t q = 0; q < queues_.size(); ++q) {
    queues_[q].workers = 0;
    for (std::size_t r = 0; r < ranks_.size(); ++r) {
      if (!may_take(queues_[q], static_cast<int>(r))) continue;
      ranks_[r].queues.push_back(static_cast<int>(q));
      ++queues_[q].workers;
    }
  }
}

void Scheduler::make_ready(std::size_t index, int avoid) {
  Node& node = nodes_[index];
  node.queue = queue_for(node.kind, avoid);
  node.state = State::ready;
  Queue& queue = queues_[static_cast<std::size_t>(node.queue)];
  ++queue.ready;
  const Entry entry{node.upward, static_cast<std::uint32_t>(index)};
  const auto push = [&entry](Heap& heap) {
    heap.push_back(entry);
    std::push_heap(heap.begin(), heap.end());
  };
  push(queue.heap);
  for (const std::size_t p : items_[index].prerequisites)
    if (const auto holders = holders_.find(p); holders != holders_.end())
      for (const int rank : holders->second) push(ranks_[static_cast<std::size_t>(rank)].local[items_[index].asks]);
}

std::optional<std::size_t> Scheduler::candidate(int rank, bool wants_asking) {
  const auto drop_top = [](Heap& heap) {
    std::pop_heap(heap.begin(), heap.end());
    heap.pop_back();
  };
  Rank& asking = ranks_[static_cast<std::size_t>(rank)];
  const Entry* longest = nullptr;
  for (const int q : asking.queues) {
    if (asks(queues_[static_cast<std::size_t>(q)]) != wants_asking) continue;
    Heap& heap = queues_[static_cast<std::size_t>(q)].heap;
    while (!heap.empty()) {
      const Node& node = nodes_[heap.front().index];
      if (node.state == State::ready && node.queue == q) break;
      drop_top(heap);
    }
    if (!heap.empty() && (longest == nullptr || *longest < heap.front())) longest = &heap.front();
  }
  if (longest == nullptr) return std::nullopt;

  Heap& local = asking.local[wants_asking];
  while (!local.empty()) {
    const Node& node = nodes_[local.front().index];
    if (node.state == State::ready && may_take(queues_[static_cast<std::size_t>(node.queue)], rank)) break;
    drop_top(local);
  }
  if (!local.empty() && local.front().priority >= comparable * longest->priority) return local.front().index;
  return longest->index;
}

std::size_t Scheduler::share(const Rank& rank, bool asks_too) const {
  // Half of an even share: at the end the ranks finish together, with less and less in hand.
  std::size_t items = 1;
  for (const int q : rank.queues) {
    const Queue& queue = queues_[static_cast<std::size_t>(q)];
    if (asks(queue) != asks_too) continue;
    items += queue.ready / (2 * queue.workers);
  }
  return items;
}

std::optional<double> Scheduler::estimate(const Node& node, int environment) const {
  return speeds_[static_cast<std::size_t>(environment)].estimate(node.cost);
}

bool Scheduler::fits_elsewhere(const Node& node, double time_left_s) const {
  return std::any_of(ranks_.begin(), ranks_.end(), [&](const Rank& rank) {
    return rank.live && allows(node.kind, rank.environment) &&
           estimate(node, rank.environment).value_or(0) <= time_left_s;
  });
}

std::vector<std::size_t> Scheduler::next(int rank, double time_left_s) {
  std::vector<std::size_t> batch;
  if (!ranks_[static_cast<std::size_t>(rank)].live) return batch;
  fill(rank, false, time_left_s, batch);
  fill(rank, true, time_left_s, batch);
  return batch;
}

/// Adds to `batch` what the rank takes of one sort of items.
void Scheduler::fill(int rank, bool asks_too, double time_left_s, std::vector<std::size_t>& batch) {
  Rank& asking = ranks_[static_cast<std::size_t>(rank)];
  const std::size_t computing = asking.count - asking.asking;
  const std::size_t room = asks_too ? options_.tasks_asking + 1 : asking.window;
  const std::size_t has = asks_too ? asking.asking : computing;
  if (has >= room) return;
  const std::size_t most = batch.size() + std::min({options_.largest_batch, share(asking, asks_too), room - has});
  std::vector<std::size_t> hidden;
  while (batch.size() < most && hidden.size() < most_hidden) {
    const bool has_some = asking.count > asking.asking;
    if (!asks_too && has_some && asking.seconds >= options_.lookahead_s) break;
    const auto found = candidate(rank, asks_too);
    if (!found) break;
    Node& node = nodes_[*found];
    const auto expected = estimate(node, asking.environment);
    const bool fits = asking.seconds + expected.value_or(0) <= time_left_s;
    const bool leave_to_others = !fits && fits_elsewhere(node, time_left_s);
    if (leave_to_others || (!fits && !items_[*found].keeps_checkpoints)) {
      // Time only gets less: what fits on no rank now is put away for good.
      --queues_[static_cast<std::size_t>(node.queue)].ready;
      if (leave_to_others) {
        node.state = State::hidden;
        hidden.push_back(*found);
      } else {
        node.state = State::unfit;
        ++unfit_;
      }
      continue;
    }
    const double seconds = expected.value_or(options_.lookahead_s);
    if (!asks_too && has_some && seconds > options_.lookahead_s) break;
    take(*found, rank, asks_too ? 0 : seconds);
    batch.push_back(*found);
  }
  for (const std::size_t index : hidden)
    make_ready(index, queues_[static_cast<std::size_t>(nodes_[index].queue)].avoid);
}

void Scheduler::take(std::size_t index, int rank, double seconds) {
  Node& node = nodes_[index];
  --queues_[static_cast<std::size_t>(node.queue)].ready;
  node.state = State::running;
  node.rank = rank;
  node.estimate = seconds;
  Rank& taking = ranks_[static_cast<std::size_t>(rank)];
  ++taking.count;
  if (items_[index].asks) ++taking.asking;
  taking.seconds += seconds;
  taking.cost += node.cost;
  ++running_;
  for (const std::size_t p : items_[index].prerequisites) holds(p, rank);
}

void Scheduler::holds(std::size_t artifact, int rank) {
  const auto needing = graph_.dependents(artifact);
  if (needing.size() > needed_by_all) return;
  auto& holders = holders_[artifact];
  if (std::find(holders.begin(), holders.end(), rank) != holders.end()) return;
  holders.push_back(rank);
  for (const std::uint32_t d : needing)
    if (nodes_[d].state == State::ready) {
      Heap& local = ranks_[static_cast<std::size_t>(rank)].local[items_[d].asks];
      local.push_back({nodes_[d].upward, d});
      std::push_heap(local.begin(), local.end());
    }
}

/// Takes a running item off its rank.
void Scheduler::give_back(Node& node) {
  Rank& rank = ranks_[static_cast<std::size_t>(node.rank)];
  --rank.count;
  if (items_[static_cast<std::size_t>(&node - nodes_.data())].asks) --rank.asking;
  rank.seconds = rank.count == 0 ? 0 : std::max(0.0, rank.seconds - node.estimate);
  rank.cost = rank.count == 0 ? 0 : std::max(0.0, rank.cost - node.cost);
  --running_;
  node.rank = -1;
}

double Scheduler::begun_cost_s(int rank, double seconds) const {
  const Rank& of = ranks_[static_cast<std::size_t>(rank)];
  return of.seconds > 0 ? of.cost * std::min(1.0, seconds / of.seconds) : 0;
}

bool Scheduler::done(std::size_t index, int rank, double seconds) {
  Node& node = nodes_.at(index);
  if (node.state != State::running || node.rank != rank) return false;
  give_back(node);
  node.state = State::done;
  ++done_;
  open_cost_ -= node.cost;
  Rank& worker = ranks_[static_cast<std::size_t>(rank)];
  worker.window = std::min(worker.window + 1, 2 * options_.largest_batch);
  speeds_[static_cast<std::size_t>(worker.environment)].add(node.cost, seconds);

  if (node.failures > 0) {
    const std::vector<int> failed_on = std::move(failed_on_[index]);
    failed_on_.erase(index);
    for (const int bad : failed_on) {
      if (bad == rank || ++ranks_[static_cast<std::size_t>(bad)].blame != failures_of_a_bad_rank) continue;
      // The last rank of an environment stays: nobody else could do its work.
      const Rank& blamed = ranks_[static_cast<std::size_t>(bad)];
      if (std::count_if(ranks_.begin(), ranks_.end(),
                        [&](const Rank& r) { return r.live && r.environment == blamed.environment; }) > 1)
        set_aside(bad, fmt::format("{} tasks that failed there succeeded on other ranks", int{failures_of_a_bad_rank}));
    }
  }

  const auto needing = graph_.dependents(index);
  if (!needing.empty()) holds(index, rank);
  for (const std::uint32_t d : needing)
    if (--nodes_[d].waiting == 0 && nodes_[d].state == State::waiting) make_ready(d, -1);
  return true;
}

bool Scheduler::returned(std::size_t index, int rank) {
  Node& node = nodes_.at(index);
  if (node.state != State::running || node.rank != rank) return false;
  give_back(node);
  make_ready(index, queues_[static_cast<std::size_t>(node.queue)].avoid);
  return true;
}

Scheduler::Verdict Scheduler::failed(std::size_t index, int rank, bool hopeless) {
  Node& node = nodes_.at(index);
  if (node.state != State::running || node.rank != rank) return Verdict::not_yours;
  give_back(node);
  ++node.failures;
  if (!hopeless && node.failures <= options_.retries) {
    failed_on_[index].push_back(rank);
    make_ready(index, rank);
    return Verdict::retry;
  }
  node.state = State::failed;
  ++failed_;
  open_cost_ -= node.cost;
  failed_on_.erase(index);
  fail_dependents(index);
  return Verdict::failed;
}

void Scheduler::fail_dependents(std::size_t root) {
  std::vector<std::size_t> next{root};
  while (!next.empty()) {
    const std::size_t index = next.back();
    next.pop_back();
    for (const std::uint32_t d : graph_.dependents(index)) {
      Node& node = nodes_[d];
      if (node.state != State::waiting) continue;
      node.state = State::failed;
      ++failed_;
      open_cost_ -= node.cost;
      casualties_.push_back({d, root});
      next.push_back(d);
    }
  }
}

void Scheduler::set_aside(int rank, const std::string& reason) {
  Rank& leaving = ranks_[static_cast<std::size_t>(rank)];
  if (!leaving.live) return;
  leaving.live = false;
  aside_.push_back({rank, reason});
  find_takers();
}

void Scheduler::lose(int rank, const std::string& reason) {
  set_aside(rank, reason);
  for (std::size_t i = 0; i < nodes_.size(); ++i) returned(i, rank);
}

std::string Scheduler::why_blocked(const std::vector<std::string>& environments) const {
  if (unfit_ > 0) return fmt::format("{} tasks do not fit into the time that is left", unfit_);
  std::size_t orphans = 0;
  std::set<std::string> names;
  for (const Queue& queue : queues_) {
    if (queue.workers > 0 || queue.ready == 0) continue;
    orphans += queue.ready;
    const auto& allowed = kinds_[static_cast<std::size_t>(queue.kind)].environments;
    if (allowed.empty()) names.insert("any");
    for (const int e : allowed) {
      const auto index = static_cast<std::size_t>(e);
      names.insert(index < environments.size() ? environments[index] : std::to_string(e));
    }
  }
  return fmt::format("no rank is left that may compute {} tasks (environment: {})", orphans, fmt::join(names, ", "));
}

}  // namespace telltale::cluster
