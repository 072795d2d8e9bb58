// Run by all ranks of one mpirun together, at 1, 2, 3 and 5 ranks. Rank 0 asserts on the ledger, the others on what
// they were given and on how their work ended. Longer than other files: one start of all ranks serves every case.
#include "ranks.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "core/clock.h"

namespace telltale::cluster {
namespace {

using namespace std::chrono_literals;

std::string text_of(ByteSpan payload) { return std::string(as_text(payload)); }
Bytes bytes_of(const std::string& text) { return Bytes(text.begin(), text.end()); }
bool on_coordinator() { return world().rank() == 0; }

TEST(Messages, ArriveInTheOrderSentWhateverTheirSize) {
  const int next = (world().rank() + 1) % world().size();
  const int previous = (world().rank() + world().size() - 1) % world().size();
  if (world().size() == 1) GTEST_SKIP() << "needs two ranks";
  const Bytes large(8 << 20, 7);
  world().send(next, 1, large);
  world().send(next, 2, {1, 2, 3});
  world().send(next, 3, {});
  std::vector<Message> received;
  while (received.size() < 3 || world().busy()) {
    if (auto message = world().poll())
      received.push_back(std::move(*message));
    else
      std::this_thread::sleep_for(50us);
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(received[static_cast<std::size_t>(i)].tag, i + 1);
    EXPECT_EQ(received[static_cast<std::size_t>(i)].source, previous);
  }
  EXPECT_EQ(received[0].bytes, large);
  EXPECT_EQ(received[1].bytes, (Bytes{1, 2, 3}));
  world().barrier();
}

TEST(Messages, ToNobodyAreRefused) {
  EXPECT_THROW(world().send(world().rank(), 1, {}), Error);
  EXPECT_THROW(world().send(world().size(), 1, {}), Error);
}

TEST(Messages, LeftOverAreThrownAwayByQuiesce) {
  Communicator other = world().duplicate();
  if (world().rank() > 0) other.send(0, 1, Bytes(3 << 20));
  other.quiesce();
  EXPECT_FALSE(other.poll());
  EXPECT_FALSE(other.busy());
}

TEST(Collectives, GatherBlobsOfDifferentSizes) {
  const auto rank = static_cast<std::size_t>(world().rank());
  const std::vector<Bytes> all = world().gather_all(Bytes(rank * 1000, static_cast<std::uint8_t>(rank)));
  ASSERT_EQ(all.size(), static_cast<std::size_t>(world().size()));
  for (std::size_t r = 0; r < all.size(); ++r) EXPECT_EQ(all[r], Bytes(r * 1000, static_cast<std::uint8_t>(r)));
}

TEST(Collectives, BroadcastFromAnyRank) {
  for (int root = 0; root < world().size(); ++root) {
    const std::string mine = "from " + std::to_string(world().rank());
    EXPECT_EQ(text_of(world().broadcast(bytes_of(mine), root)), "from " + std::to_string(root));
  }
}

TEST(Study, DoesEveryTaskExactlyOnce) {
  std::vector<WorkItem> items;
  for (int i = 0; i < 3000; ++i) {
    items.push_back(item("task " + std::to_string(i)));
    items.back().cost_s = i % 2 == 0 ? 0 : 1e-4;
  }
  MemoryLedger ledger;
  std::atomic<int> ran{0};
  std::size_t last_done = 0;
  CoordinatorOptions options = plain_options();
  options.progress_interval_s = 0.001;
  options.progress = [&](const Progress& progress) {
    EXPECT_GE(progress.done, last_done);
    EXPECT_EQ(progress.done + progress.remaining, items.size());
    last_done = progress.done;
  };
  const Summary summary = run_on_all(
      items, ledger,
      [&](ByteSpan payload, TaskContext&) {
        ++ran;
        return TaskResult{{{"length", Array::scalar(static_cast<std::int64_t>(payload.size()))}}, {}};
      },
      options);

  std::size_t total = 0;
  for (const Bytes& count : world().gather_all(ByteWriter().put(ran.load()).take()))
    total += static_cast<std::size_t>(ByteReader(count).get<int>());
  EXPECT_EQ(total, items.size());
  const std::string& mine = world().host();
  const std::vector<Bytes> hosts = world().gather_all(Bytes(mine.begin(), mine.end()));
  if (!on_coordinator()) return;
  EXPECT_EQ(summary.done, items.size());
  EXPECT_EQ(last_done, items.size());
  EXPECT_FALSE(summary.stopped);
  EXPECT_EQ(ledger.flushed, items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Outcome& outcome = ledger.only(i);
    EXPECT_EQ(outcome.identity, items[i].identity);
    EXPECT_EQ(outcome.values.at("length").as<std::int64_t>()[0], static_cast<std::int64_t>(items[i].payload.size()));
    EXPECT_EQ(outcome.environment, "plain");
    EXPECT_EQ(outcome.host, as_text(hosts.at(static_cast<std::size_t>(outcome.rank))));
    EXPECT_EQ(outcome.rank > 0, world().size() > 1);
    EXPECT_EQ(outcome.attempt, 1);
  }
}

TEST(Study, UsesTheCoordinatorToo) {
  std::vector<WorkItem> items;
  for (int i = 0; i < 40; ++i) items.push_back(item("task " + std::to_string(i)));
  MemoryLedger ledger;
  int ran = 0;
  CoordinatorOptions options = plain_options();
  options.works = true;
  const Summary summary = run_on_all(
      items, ledger,
      [&](ByteSpan, TaskContext&) {
        ++ran;
        std::this_thread::sleep_for(5ms);
        return TaskResult{};
      },
      options);
  EXPECT_GT(ran, 0) << "every rank had its share";
  if (on_coordinator()) {
    EXPECT_EQ(summary.done, 40U);
    EXPECT_GT(summary.busy_s[0], 0.004);
  }
}

// Two models, and attacks that need one or both: the artifacts are what the models returned.
TEST(Study, BringsArtifactsToDependents) {
  const std::size_t size = 5'000'000;
  std::vector<WorkItem> items{item("model a"), item("model b")};
  for (int i = 0; i < 12; ++i)
    items.push_back(
        item("attack " + std::to_string(i),
             i % 3 == 2 ? std::vector<std::size_t>{0, 1} : std::vector<std::size_t>{static_cast<std::size_t>(i % 3)}));
  MemoryLedger ledger;
  const Summary summary = run_on_all(
      items, ledger,
      [&](ByteSpan payload, TaskContext& context) -> TaskResult {
        const std::string name = text_of(payload);
        if (name == "model a") return {{}, Bytes(size, 'a')};
        if (name == "model b") return {{}, Bytes(size, 'b')};
        std::string seen;
        for (const char* model : {"model a", "model b"}) {
          const int kind = std::stoi(name.substr(7)) % 3;
          if (kind != 2 && kind != (model[6] == 'a' ? 0 : 1)) continue;
          const auto artifact = context.artifact(Identity::of(model));
          EXPECT_EQ(artifact->size(), size);
          seen += static_cast<char>(artifact->back());
        }
        return {{{"seen", Array::of<std::uint8_t>({static_cast<std::int64_t>(seen.size())}, bytes_of(seen))}}, {}};
      },
      plain_options());
  if (!on_coordinator()) return;
  EXPECT_EQ(summary.done, items.size());
  for (std::size_t i = 2; i < items.size(); ++i) {
    const std::string expected = std::vector<std::string>{"a", "b", "ab"}[(i - 2) % 3];
    EXPECT_EQ(ledger.only(i).values.at("seen").data, bytes_of(expected));
  }
  EXPECT_LE(ledger.artifact_reads, 2 * world().size()) << "each rank fetches a model at most once";
}

TEST(Study, WorksWithACacheSmallerThanAnArtifact) {
  std::vector<WorkItem> items{item("a"), item("b"), item("both", {0, 1}), item("both again", {0, 1})};
  CoordinatorOptions options = plain_options();
  options.worker.cache_bytes = 10;
  MemoryLedger ledger;
  const Summary summary = run_on_all(
      items, ledger,
      [&](ByteSpan payload, TaskContext& context) -> TaskResult {
        if (payload.size() == 1) return {{}, Bytes(1000, payload[0])};
        EXPECT_EQ(context.artifact(Identity::of("a"))->at(999), 'a');
        EXPECT_EQ(context.artifact(Identity::of("b"))->at(999), 'b');
        return {};
      },
      options);
  if (on_coordinator()) {
    EXPECT_EQ(summary.done, 4U);
  }
}

TEST(Study, FailsATaskWhoseArtifactIsGone) {
  const std::vector<WorkItem> items{item("model"), item("attack", {0})};
  MemoryLedger ledger;  // knows of no artifact
  const Summary summary = run_on_all(items, ledger,
                                     [&](ByteSpan, TaskContext& context) -> TaskResult {
                                       context.artifact(Identity::of("model"));
                                       return {};
                                     },
                                     plain_options(), {TaskStatus::done, std::nullopt});
  if (!on_coordinator()) return;
  EXPECT_EQ(summary.failed, 1U);
  EXPECT_EQ(ledger.only(1).reason, "the artifact of task " + Identity::of("model").brief() +
                                       " is missing: the coordinator could not deliver it");
}

TEST(Study, RecordsFailuresAndGoesOn) {
  std::vector<WorkItem> items{item("bad"), item("needs bad", {0}), item("needs that", {1}), item("good"), item("odd")};
  MemoryLedger ledger;
  const Summary summary = run_on_all(
      items, ledger,
      [&](ByteSpan payload, TaskContext&) -> TaskResult {
        if (text_of(payload) == "bad") throw Error("no such network");
        if (text_of(payload) == "odd") throw 7;
        return {};
      },
      plain_options());
  if (!on_coordinator()) return;
  EXPECT_EQ(summary.done, 1U);
  EXPECT_EQ(summary.failed, 4U);
  EXPECT_EQ(summary.failures.size(), 4U);
  EXPECT_FALSE(summary.stopped);
  EXPECT_EQ(ledger.only(0).status, TaskStatus::failed);
  EXPECT_EQ(ledger.only(0).reason, "no such network");
  EXPECT_EQ(ledger.only(0).attempt, 2);
  const std::string cause = "needs task " + Identity::of("bad").brief() + ", which failed: no such network";
  EXPECT_EQ(ledger.only(1).reason, cause);
  EXPECT_EQ(ledger.only(2).reason, cause);
  EXPECT_EQ(ledger.only(2).identity, items[2].identity);
  EXPECT_EQ(ledger.only(3).status, TaskStatus::done);
  EXPECT_EQ(ledger.only(4).reason, "something was thrown that is no std::exception");
}

TEST(Study, RetriesAFailedTaskOnAnotherRank) {
  std::vector<WorkItem> items;
  for (int i = 0; i < 10; ++i) items.push_back(item("task " + std::to_string(i)));
  MemoryLedger ledger;
  // The first attempt leaves its rank behind in a checkpoint and fails.
  const Summary summary = run_on_all(
      items, ledger,
      [&](ByteSpan, TaskContext& context) -> TaskResult {
        const auto before = context.checkpoint();
        if (!before) {
          context.save_checkpoint({static_cast<std::uint8_t>(world().rank())});
          throw Error("the first attempt");
        }
        return {{{"first", Array::scalar(std::uint8_t{before->at(0)})}}, {}};
      },
      plain_options());
  if (!on_coordinator()) return;
  EXPECT_EQ(summary.done, items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(ledger.only(i).attempt, 2);
    // With two workers, one may meanwhile have been set aside: its failures went well on the other.
    if (world().size() > 2 && summary.ranks_set_aside.empty()) {
      EXPECT_NE(ledger.only(i).rank, ledger.only(i).values.at("first").as<std::uint8_t>()[0]);
    }
  }
}

TEST(Study, PlacesTasksByEnvironment) {
  // Rank r has environment r % 2, except that the last has one for which there is nothing to do.
  CoordinatorOptions options = plain_options();
  options.environments = {"even", "odd", "unused"};
  options.works = true;
  for (int r = 0; r < world().size(); ++r) options.environment_of_rank[static_cast<std::size_t>(r)] = r % 2;
  if (world().size() > 2) options.environment_of_rank.back() = 2;
  const int mine = options.environment_of_rank[static_cast<std::size_t>(world().rank())];
  options.worker.environment = options.environments[static_cast<std::size_t>(mine)];
  std::vector<WorkItem> items;
  for (int i = 0; i < 30; ++i) {
    items.push_back(item("task " + std::to_string(i)));
    items.back().environments = {world().size() > 1 ? i % 2 : 0};
  }
  MemoryLedger ledger;
  const Summary summary = run_on_all(
      items, ledger,
      [&](ByteSpan payload, TaskContext&) -> TaskResult {
        if (world().size() > 1) {
          EXPECT_EQ(std::stoi(text_of(payload).substr(5)) % 2, mine);
        }
        return {};
      },
      options);
  if (!on_coordinator()) return;
  EXPECT_EQ(summary.done, items.size());
  for (std::size_t i = 0; i < items.size(); ++i)
    EXPECT_EQ(ledger.only(i).environment, world().size() > 1 && i % 2 == 1 ? "odd" : "even");
}

TEST(Study, EndsWhenNoRankMayComputeWhatRemains) {
  CoordinatorOptions options = plain_options();
  options.environments = {"plain", "absent"};
  std::vector<WorkItem> items{item("here"), item("nowhere"), item("after", {1})};
  items[1].environments = {1};
  MemoryLedger ledger;
  const Summary summary = run_on_all(
      items, ledger, [](ByteSpan, TaskContext&) { return TaskResult{}; }, options);
  if (!on_coordinator()) return;
  EXPECT_EQ(summary.done, 1U);
  EXPECT_EQ(summary.remaining, 2U);
  EXPECT_TRUE(summary.stopped);
  EXPECT_EQ(summary.reason, "no rank is left that may compute 1 tasks (environment: absent)");
}

// Tasks count to 40 with a checkpoint at each step; stopped half-way, where they wait for that, they go on from there.
TEST(Study, StopsWithCheckpointsAndGoesOnFromThem) {
  std::vector<WorkItem> items;
  for (int i = 0; i < 8; ++i) items.push_back(item("count " + std::to_string(i)));
  MemoryLedger ledger;
  std::atomic<int> signal{0};
  CoordinatorOptions options = plain_options();
  options.stop_signal = &signal;
  options.worker.checkpoint_interval_s = 0;
  options.progress_interval_s = 0.01;
  options.progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.done, 0U);
    if (!ledger.checkpoints.empty()) signal = SIGTERM;
  };
  bool ends = false;
  const Executor count = [&ends](ByteSpan, TaskContext& context) -> TaskResult {
    const auto before = context.checkpoint();
    std::uint8_t start = before ? before->at(0) : 0;
    for (std::uint8_t at = start; at < 40; ++at) {
      context.check();
      std::this_thread::sleep_for(1ms);
      if (context.checkpoint_due()) context.save_checkpoint({static_cast<std::uint8_t>(at + 1)});
      while (!ends && at == 20) {
        context.check();
        std::this_thread::sleep_for(1ms);
      }
    }
    return {{{"start", Array::scalar(start)}}, {}};
  };
  const Summary stopped = run_on_all(items, ledger, count, options);
  if (on_coordinator()) {
    EXPECT_TRUE(stopped.stopped);
    EXPECT_EQ(stopped.reason, "stopped by SIGTERM");
    EXPECT_EQ(stopped.done, 0U);
    EXPECT_EQ(stopped.remaining, items.size());
    EXPECT_TRUE(ledger.outcomes.empty()) << "nothing was decided";
    EXPECT_FALSE(ledger.checkpoints.empty());
  }
  ends = true;
  options.progress = {};
  const auto saved = ledger.checkpoints;
  options.stop_signal = nullptr;
  const Summary summary = run_on_all(items, ledger, count, options);
  if (!on_coordinator()) return;
  EXPECT_EQ(summary.done, items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto found = saved.find(items[i].identity);
    EXPECT_EQ(ledger.only(i).values.at("start").as<std::uint8_t>()[0], found == saved.end() ? 0 : found->second.at(0));
  }
}

TEST(Study, StopsAtTheDeadline) {
  std::vector<WorkItem> items{item("short"), item("endless"), item("too long")};
  items[0].cost_s = 0.01;
  items[1].cost_s = 0.02;
  items[2].cost_s = 1000;
  CoordinatorOptions options = plain_options();
  options.time_left_s = [start = std::chrono::steady_clock::now()] { return 0.3 - seconds_since(start); };
  MemoryLedger ledger;
  const Summary summary = run_on_all(
      items, ledger,
      [](ByteSpan payload, TaskContext& context) -> TaskResult {
        EXPECT_NE(text_of(payload), "too long");
        while (text_of(payload) == "endless") {
          context.check();
          std::this_thread::sleep_for(1ms);
        }
        return {};
      },
      options);
  if (!on_coordinator()) return;
  EXPECT_EQ(summary.reason, "the time limit is reached");
  EXPECT_EQ(summary.remaining, 3U - summary.done);
  EXPECT_GE(summary.remaining, 2U);
}

TEST(Study, EndsTasksPastTheirTimeLimit) {
  const std::vector<WorkItem> items{item("endless"), item("short")};
  CoordinatorOptions options = plain_options();
  options.worker.task_time_limit_s = 1;  // far more than the short one needs, whatever else this machine does
  options.retries = 0;
  MemoryLedger ledger;
  const Summary summary = run_on_all(
      items, ledger,
      [](ByteSpan payload, TaskContext& context) -> TaskResult {
        while (text_of(payload) == "endless") {
          context.check();
          std::this_thread::sleep_for(1ms);
        }
        return {};
      },
      options);
  if (!on_coordinator()) return;
  EXPECT_EQ(ledger.only(0).reason, "ran past its time limit of 1 s");
  EXPECT_GE(ledger.only(0).seconds, 1);
  EXPECT_EQ(ledger.only(1).status, TaskStatus::done);
  EXPECT_TRUE(summary.ranks_set_aside.empty());
}

TEST(Study, LeavesNoRankBehindWhenTheLedgerFails) {
  std::vector<WorkItem> items;
  for (int i = 0; i < 100; ++i) items.push_back(item("task " + std::to_string(i)));
  MemoryLedger ledger;
  ledger.refuse_after = 3;
  const Executor sleep = [](ByteSpan, TaskContext&) {
    std::this_thread::sleep_for(1ms);
    return TaskResult{{}, Bytes(200'000)};
  };
  // Apart, because what the workers had still to say is thrown away.
  Communicator apart = world().duplicate();
  if (on_coordinator()) {
    EXPECT_THROW(coordinate(apart, items, {}, ledger, sleep, plain_options()), Error);
  } else {
    EXPECT_FALSE(work(apart, sleep, plain_options().worker).in_order);
  }
  apart.quiesce();
}

TEST(Study, OfNothingEndsAtOnce) {
  MemoryLedger ledger;
  const Summary summary = run_on_all(
      {}, ledger, [](ByteSpan, TaskContext&) { return TaskResult{}; }, plain_options());
  EXPECT_FALSE(summary.stopped);
  EXPECT_EQ(summary.done, 0U);
}

// A task that never looks up costs its rank, not the study.
TEST(Stuck, TaskIsReportedAndItsRankGivenUp) {
  std::vector<WorkItem> items{item("stuck")};
  items[0].cost_s = 100;
  for (int i = 0; i < 5; ++i) items.push_back(item("task " + std::to_string(i)));
  CoordinatorOptions options = plain_options();
  options.worker.task_time_limit_s = 1;
  options.worker.time_limit_grace_s = 1;
  MemoryLedger ledger;
  bool stuck_here = false;
  const Executor executor = [&stuck_here](ByteSpan payload, TaskContext&) -> TaskResult {
    if (text_of(payload) == "stuck") {
      stuck_here = true;
      while (true) std::this_thread::sleep_for(1s);
    }
    return {};
  };
  if (!on_coordinator()) {
    const WorkReport report = work(world(), executor, options.worker);
    EXPECT_TRUE(report.in_order);
    EXPECT_EQ(report.stuck, stuck_here);
    return;
  }
  const Summary summary = coordinate(world(), items, {}, ledger, executor, options);
  EXPECT_EQ(summary.stuck, stuck_here);
  EXPECT_EQ(stuck_here, world().size() == 1);
  ASSERT_EQ(summary.ranks_set_aside.size(), 1U);
  const int lost = summary.ranks_set_aside[0].rank;
  EXPECT_EQ(ledger.only(0).rank, lost);
  EXPECT_EQ(ledger.only(0).reason,
            "ran past its time limit of 1 s and did not stop: rank " + std::to_string(lost) + " is given up with it");
  EXPECT_EQ(ledger.only(0).attempt, 1) << "a second attempt would cost a second rank";
  EXPECT_EQ(summary.done, world().size() == 1 ? 0U : 5U);
  EXPECT_EQ(summary.stopped, world().size() == 1);
  if (world().size() == 1) {
    EXPECT_EQ(summary.reason, "no rank is left that may compute 5 tasks (environment: any)");
  }
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TEST(Waiting, CostsLessThanTwoPercentOfACore) {
  const std::vector<WorkItem> items{item("sleep")};
  MemoryLedger ledger;
  const auto start = std::chrono::steady_clock::now();
  const double before = cpu_seconds();
  run_on_all(
      items, ledger,
      [](ByteSpan, TaskContext&) {
        std::this_thread::sleep_for(2500ms);
        return TaskResult{};
      },
      plain_options());
  const double used = cpu_seconds() - before;
  EXPECT_LT(used, 0.02 * seconds_since(start));
  RecordProperty("cpu_ms_in_2.5_s", static_cast<int>(1000 * used));
}

TEST(Waiting, InACollectiveCostsLessThanTwoPercentOfACore) {
  world().barrier();
  const auto start = std::chrono::steady_clock::now();
  const double before = cpu_seconds();
  if (on_coordinator()) std::this_thread::sleep_for(2500ms);
  world().barrier();
  EXPECT_LT(cpu_seconds() - before, 0.02 * seconds_since(start));
}

}  // namespace
}  // namespace telltale::cluster
