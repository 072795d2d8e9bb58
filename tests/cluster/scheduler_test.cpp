#include "cluster/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "memory_ledger.h"

namespace telltale::cluster {
namespace {

using Batch = std::vector<std::size_t>;

WorkItem costing(double cost_s, std::vector<std::size_t> prerequisites = {}, std::vector<int> environments = {}) {
  static int count = 0;
  return {
      Identity::of("item " + std::to_string(count++)), {}, cost_s, std::move(prerequisites), std::move(environments)};
}

SchedulerOptions ranks(std::vector<int> environment_of_rank, int retries = 1) {
  SchedulerOptions options;
  options.environment_of_rank = std::move(environment_of_rank);
  options.retries = retries;
  return options;
}

TEST(Scheduler, HandsOutTheLongestFirst) {
  const std::vector<WorkItem> items{costing(1), costing(3), costing(2)};
  Scheduler scheduler(items, {}, ranks({0, 0, 0}));
  EXPECT_EQ(scheduler.next(0), Batch{1});
  EXPECT_EQ(scheduler.next(1), Batch{2});
  EXPECT_EQ(scheduler.next(2), Batch{0});
}

TEST(Scheduler, CountsTheChainBehindAnItem) {
  // 0 (1 s) is needed by 2 (5 s): 6 s in all, more than the 4 s of 1.
  const std::vector<WorkItem> items{costing(1), costing(4), costing(5, {0})};
  Scheduler scheduler(items, {}, ranks({0, 0}));
  EXPECT_EQ(scheduler.next(0), Batch{0});
  EXPECT_EQ(scheduler.next(1), Batch{1});
}

TEST(Scheduler, WaitsForPrerequisites) {
  const std::vector<WorkItem> items{costing(1), costing(1), costing(1, {0, 1})};
  Scheduler scheduler(items, {}, ranks({0, 0, 0}));
  EXPECT_EQ(scheduler.next(0), Batch{0});
  EXPECT_EQ(scheduler.next(1), Batch{1});
  EXPECT_TRUE(scheduler.next(2).empty());
  EXPECT_TRUE(scheduler.done(0, 0, 1));
  EXPECT_TRUE(scheduler.next(2).empty());
  EXPECT_TRUE(scheduler.done(1, 1, 1));
  EXPECT_EQ(scheduler.next(2), Batch{2});
  EXPECT_TRUE(scheduler.done(2, 2, 1));
  EXPECT_EQ(scheduler.open_count(), 0U);
}

TEST(Scheduler, PrefersAnItemWhoseInputsTheRankHolds) {
  // Both attacks (2, 3) are worth the same; each rank takes that on its own model.
  const std::vector<WorkItem> items{costing(5), costing(5), costing(1, {1}), costing(1, {0})};
  Scheduler scheduler(items, {}, ranks({0, 0}));
  ASSERT_EQ(scheduler.next(0), Batch{0});
  ASSERT_EQ(scheduler.next(1), Batch{1});
  scheduler.done(0, 0, 5);
  scheduler.done(1, 1, 5);
  EXPECT_EQ(scheduler.next(0), Batch{3});
  EXPECT_EQ(scheduler.next(1), Batch{2});
}

TEST(Scheduler, DoesNotStarveLongItemsForInputsAtHand) {
  const std::vector<WorkItem> items{costing(20), costing(10), costing(4, {0}), costing(9)};
  Scheduler scheduler(items, {}, ranks({0}));
  ASSERT_EQ(scheduler.next(0), Batch{0});
  scheduler.done(0, 0, 20);
  EXPECT_EQ(scheduler.next(0), Batch{1}) << "4 s at hand are less than half of 10 s";
  scheduler.done(1, 0, 10);
  EXPECT_EQ(scheduler.next(0), Batch{3}) << "less than half of 9 s, too";
  scheduler.done(3, 0, 9);
  EXPECT_EQ(scheduler.next(0), Batch{2});
}

TEST(Scheduler, RemembersWhoFetchedAnArtifact) {
  // Model 0 is made on rank 0, attacked on rank 1 as well (item 1): then 3 is rank 1's choice although 2 comes first.
  std::vector<WorkItem> items{costing(5), costing(1, {0}), costing(1, {}), costing(1, {0})};
  Scheduler scheduler(items, {}, ranks({0, 0}));
  ASSERT_EQ(scheduler.next(0), Batch{0});
  scheduler.done(0, 0, 5);
  ASSERT_EQ(scheduler.next(1), Batch{1});
  scheduler.done(1, 1, 1);
  EXPECT_EQ(scheduler.next(1), Batch{3});
}

TEST(Scheduler, KeepsToTheEnvironments) {
  const std::vector<WorkItem> items{costing(9, {}, {1}), costing(5, {}, {0, 1}), costing(1, {}, {0})};
  Scheduler scheduler(items, {}, ranks({-1, 0, 1, 2}));
  EXPECT_TRUE(scheduler.next(0).empty()) << "the rank computes nothing";
  EXPECT_TRUE(scheduler.next(3).empty()) << "nothing is for environment 2";
  EXPECT_EQ(scheduler.next(1), Batch{1});
  EXPECT_EQ(scheduler.next(2), Batch{0});
  scheduler.done(0, 2, 9);
  EXPECT_TRUE(scheduler.next(2).empty());
  scheduler.done(1, 1, 5);
  EXPECT_EQ(scheduler.next(1), Batch{2});
}

TEST(Scheduler, QueuesNothingBehindATaskLongerThanTheLookahead) {
  const std::vector<WorkItem> items{costing(1), costing(0.1), costing(0.1), costing(0.1), costing(0.1)};
  Scheduler scheduler(items, {}, ranks({0}));
  EXPECT_EQ(scheduler.next(0), Batch{0});
  EXPECT_TRUE(scheduler.next(0).empty());
  scheduler.done(0, 0, 1);
  // 0.1 + 0.1 s is not yet a supply of 0.25 s, 0.1 s more is.
  EXPECT_EQ(scheduler.next(0), (Batch{1, 2, 3}));
  EXPECT_TRUE(scheduler.next(0).empty());
}

TEST(Scheduler, QueuesNoTaskLongerThanTheLookahead) {
  const std::vector<WorkItem> items{costing(0.1), costing(1, {0}), costing(0.01, {0})};
  Scheduler scheduler(items, {TaskStatus::done, std::nullopt, std::nullopt}, ranks({0, 1}));
  ASSERT_EQ(scheduler.next(1), Batch{1});
  ASSERT_EQ(scheduler.next(0), Batch{2});
  EXPECT_TRUE(scheduler.returned(1, 1));
  EXPECT_TRUE(scheduler.next(0).empty()) << "1 s behind 0.01 s: any other rank may start it sooner";
  EXPECT_EQ(scheduler.next(1), Batch{1});
}

TEST(Scheduler, ScalesEstimatesByWhatItMeasures) {
  std::vector<WorkItem> items(50);
  for (WorkItem& one : items) one = costing(1);
  Scheduler scheduler(items, {}, ranks({0}));
  ASSERT_EQ(scheduler.next(0).size(), 1U) << "1 s is longer than the lookahead";
  scheduler.done(0, 0, 0.1);
  EXPECT_EQ(scheduler.next(0).size(), 3U) << "at 0.1 s each";
}

TEST(Scheduler, MeasuresEnvironmentsApart) {
  std::vector<WorkItem> items(50);
  for (WorkItem& one : items) one = costing(1);
  Scheduler scheduler(items, {}, ranks({0, 1}));
  ASSERT_EQ(scheduler.next(0).size(), 1U);
  scheduler.done(0, 0, 0.05);
  EXPECT_EQ(scheduler.next(1).size(), 1U);
}

TEST(Scheduler, CountsWhatIsBegunByItsEstimate) {
  const std::vector<WorkItem> items{costing(8), costing(8)};
  SchedulerOptions options = ranks({0});
  options.speeds = {2};
  Scheduler scheduler(items, {}, options);
  EXPECT_FALSE(scheduler.has_work(0));
  EXPECT_EQ(scheduler.begun_cost_s(0, 100), 0);
  ASSERT_EQ(scheduler.next(0), Batch{0});
  EXPECT_TRUE(scheduler.has_work(0));
  EXPECT_DOUBLE_EQ(scheduler.begun_cost_s(0, 1), 2);
  EXPECT_DOUBLE_EQ(scheduler.begun_cost_s(0, 100), 8) << "no more than there is";
  scheduler.done(0, 0, 4);
  EXPECT_EQ(scheduler.begun_cost_s(0, 100), 0);
}

TEST(Scheduler, HandsOutUnknownCostsOneByOneUntilMeasured) {
  std::vector<WorkItem> items(4000);
  for (WorkItem& one : items) one = costing(0);
  Scheduler scheduler(items, {}, ranks({0}));
  std::vector<std::size_t> sizes;
  for (int round = 0; round < 10; ++round) {
    const Batch batch = scheduler.next(0);
    sizes.push_back(batch.size());
    for (const std::size_t index : batch) scheduler.done(index, 0, 1e-6);
  }
  EXPECT_EQ(sizes[0], 1U);
  EXPECT_EQ(sizes[1], 5U) << "the window of 4, and one more for the answer";
  EXPECT_EQ(sizes[2], 10U) << "doubled by each round";
  EXPECT_EQ(*std::max_element(sizes.begin(), sizes.end()), 512U);
}

TEST(Scheduler, LeavesEnoughForTheOthersAtTheEnd) {
  std::vector<WorkItem> items(40);
  for (WorkItem& one : items) one = costing(0);
  Scheduler scheduler(items, {}, ranks({0, 0}));
  for (int round = 0; round < 3; ++round)
    for (const std::size_t index : scheduler.next(0)) scheduler.done(index, 0, 1e-6);
  // 40 - 1 - 5 - 9 = 25 are left for two ranks: at most 25 / 4 + 1 at once.
  EXPECT_EQ(scheduler.open_count(), 25U);
  EXPECT_EQ(scheduler.next(0).size(), 7U);
}

TEST(Scheduler, TriesAFailedItemAgainElsewhere) {
  const std::vector<WorkItem> items{costing(5), costing(1)};
  Scheduler scheduler(items, {}, ranks({0, 0}));
  ASSERT_EQ(scheduler.next(0), Batch{0});
  EXPECT_EQ(scheduler.attempt(0), 1);
  EXPECT_EQ(scheduler.failed(0, 0), Scheduler::Verdict::retry);
  EXPECT_EQ(scheduler.next(0), Batch{1}) << "not the one that failed here";
  EXPECT_EQ(scheduler.next(1), Batch{0});
  EXPECT_EQ(scheduler.attempt(0), 2);
  EXPECT_EQ(scheduler.failed(0, 1), Scheduler::Verdict::failed);
  EXPECT_EQ(scheduler.failed_count(), 1U);
}

TEST(Scheduler, TriesAFailedItemAgainOnTheOnlyRank) {
  const std::vector<WorkItem> items{costing(5, {}, {1})};
  Scheduler scheduler(items, {}, ranks({0, 1}));
  ASSERT_EQ(scheduler.next(1), Batch{0});
  EXPECT_EQ(scheduler.failed(0, 1), Scheduler::Verdict::retry);
  EXPECT_EQ(scheduler.next(1), Batch{0});
}

TEST(Scheduler, DoesNotRetryWhatIsHopelessOrWithoutBudget) {
  const std::vector<WorkItem> items{costing(5)};
  Scheduler hopeless(items, {}, ranks({0, 0}));
  hopeless.next(0);
  EXPECT_EQ(hopeless.failed(0, 0, true), Scheduler::Verdict::failed);
  Scheduler strict(items, {}, ranks({0, 0}, 0));
  strict.next(0);
  EXPECT_EQ(strict.failed(0, 0), Scheduler::Verdict::failed);
}

TEST(Scheduler, FailsAllThatNeedsAFailedItem) {
  const std::vector<WorkItem> items{costing(5), costing(1, {0}), costing(1, {1}), costing(1)};
  Scheduler scheduler(items, {}, ranks({0}, 0));
  scheduler.next(0);
  scheduler.failed(0, 0);
  const auto casualties = scheduler.take_casualties();
  ASSERT_EQ(casualties.size(), 2U);
  EXPECT_EQ(casualties[0].index, 1U);
  EXPECT_EQ(casualties[1].index, 2U);
  EXPECT_EQ(casualties[1].root, 0U);
  EXPECT_TRUE(scheduler.take_casualties().empty());
  EXPECT_EQ(scheduler.open_count(), 1U);
  EXPECT_EQ(scheduler.next(0), Batch{3});
}

TEST(Scheduler, StartsWhereEarlierRunsEnded) {
  const std::vector<WorkItem> items{costing(5), costing(5), costing(1, {0}), costing(1, {1})};
  Scheduler scheduler(items, {TaskStatus::done, TaskStatus::failed, std::nullopt, std::nullopt}, ranks({0}));
  EXPECT_EQ(scheduler.done_count(), 1U);
  EXPECT_EQ(scheduler.failed_count(), 2U);
  ASSERT_EQ(scheduler.take_casualties().size(), 1U);
  EXPECT_EQ(scheduler.next(0), Batch{2});
  EXPECT_DOUBLE_EQ(scheduler.open_cost_s(), 1.0);
}

TEST(Scheduler, GivesTheWorkOfALostRankToOthers) {
  const std::vector<WorkItem> items{costing(5)};
  Scheduler scheduler(items, {}, ranks({0, 0}));
  scheduler.next(0);
  scheduler.lose(0, "gone");
  EXPECT_FALSE(scheduler.done(0, 0, 5)) << "too late: it is no longer that rank's";
  EXPECT_EQ(scheduler.next(1), Batch{0});
  EXPECT_EQ(scheduler.attempt(0), 1) << "no attempt of the task's own";
  ASSERT_EQ(scheduler.ranks_set_aside().size(), 1U);
  EXPECT_EQ(scheduler.ranks_set_aside()[0].reason, "gone");
}

TEST(Scheduler, ReleasesARetryWhenItsOtherRankIsLost) {
  const std::vector<WorkItem> items{costing(5)};
  Scheduler scheduler(items, {}, ranks({0, 0}));
  scheduler.next(0);
  scheduler.failed(0, 0);
  EXPECT_TRUE(scheduler.next(0).empty());
  scheduler.lose(1, "gone");
  EXPECT_EQ(scheduler.next(0), Batch{0});
}

TEST(Scheduler, SetsABadRankAside) {
  std::vector<WorkItem> items(5);
  for (WorkItem& one : items) one = costing(1);
  Scheduler scheduler(items, {}, ranks({0, 0}));
  for (int n = 0; n < 3; ++n) {
    EXPECT_TRUE(scheduler.ranks_set_aside().empty());
    const Batch batch = scheduler.next(0);
    ASSERT_EQ(batch.size(), 1U);
    scheduler.failed(batch[0], 0);
    // Rank 1 may take any; it takes them in order until the failed one comes.
    const Batch retried = scheduler.next(1);
    ASSERT_EQ(retried, batch);
    scheduler.done(retried[0], 1, 1);
  }
  ASSERT_EQ(scheduler.ranks_set_aside().size(), 1U);
  EXPECT_EQ(scheduler.ranks_set_aside()[0].rank, 0);
  EXPECT_TRUE(scheduler.next(0).empty());
  EXPECT_EQ(scheduler.next(1).size(), 1U);
}

TEST(Scheduler, HandsOutOnlyWhatFitsIntoTheTimeLeft) {
  const std::vector<WorkItem> items{costing(10), costing(3), costing(20)};
  Scheduler scheduler(items, {}, ranks({0}));
  EXPECT_EQ(scheduler.next(0, 5.0), Batch{1});
  scheduler.done(1, 0, 3);
  EXPECT_TRUE(scheduler.next(0, 2.0).empty());
  EXPECT_EQ(scheduler.why_blocked({}), "2 tasks do not fit into the time that is left");
}

TEST(Scheduler, BeginsWhatKeepsCheckpointsThoughItDoesNotFit) {
  std::vector<WorkItem> items{costing(10), costing(20)};
  items[1].keeps_checkpoints = true;
  Scheduler scheduler(items, {}, ranks({0}));
  EXPECT_EQ(scheduler.next(0, 5.0), Batch{1});
  scheduler.returned(1, 0);
  EXPECT_EQ(scheduler.next(0, 1.0), Batch{1});
}

TEST(Scheduler, LeavesToAFasterEnvironmentWhatIsTooLongHere) {
  const std::vector<WorkItem> items{costing(10)};
  SchedulerOptions options = ranks({0, 1});
  options.speeds = {1, 4};
  Scheduler scheduler(items, {}, options);
  EXPECT_TRUE(scheduler.next(0, 5.0).empty());
  EXPECT_EQ(scheduler.next(1, 5.0), Batch{0});
}

TEST(Scheduler, SaysWhichEnvironmentIsMissing) {
  const std::vector<WorkItem> items{costing(1, {}, {1}), costing(1, {0})};
  Scheduler scheduler(items, {}, ranks({0, 0}));
  EXPECT_TRUE(scheduler.next(0).empty());
  EXPECT_EQ(scheduler.running_count(), 0U);
  EXPECT_EQ(scheduler.why_blocked({"haswell", "nehalem"}),
            "no rank is left that may compute 1 tasks (environment: nehalem)");
}

TEST(Scheduler, RefusesImpossiblePlans) {
  EXPECT_THROW(Scheduler({costing(1, {1}), costing(1, {0})}, {}, ranks({0})), Error);
  EXPECT_THROW(Scheduler({costing(1, {7})}, {}, ranks({0})), Error);
}

}  // namespace
}  // namespace telltale::cluster
