// Whatever fails on the coordinator, the workers come back from work(). Run by all ranks of one mpirun together.
#include <gtest/gtest.h>

#include "ranks.h"

namespace telltale::cluster {
namespace {

const Executor nothing = [](ByteSpan, TaskContext&) { return TaskResult{}; };

/// On the coordinator `coordinate` must fail; the workers must come back, and know that it was not in order.
void expect_all_come_back(const std::vector<WorkItem>& items, Ledger& ledger, const CoordinatorOptions& options,
                          const std::vector<std::optional<TaskStatus>>& known = {}) {
  // Apart, because what the workers had still to say is thrown away.
  Communicator apart = world().duplicate();
  if (apart.rank() == 0) {
    EXPECT_THROW(coordinate(apart, items, known, ledger, nothing, options), Error);
  } else {
    EXPECT_FALSE(work(apart, nothing, options.worker).in_order);
  }
  apart.quiesce();
}

TEST(FailingCoordinator, APlanThatCannotBeScheduledLeavesNoRankBehind) {
  MemoryLedger ledger;
  expect_all_come_back({item("a", {1}), item("b", {0})}, ledger, plain_options());
  expect_all_come_back({item("a", {7})}, ledger, plain_options());
}

TEST(FailingCoordinator, OptionsThatDoNotFitLeaveNoRankBehind) {
  MemoryLedger ledger;
  CoordinatorOptions options = plain_options();
  options.environment_of_rank.clear();
  expect_all_come_back({item("a")}, ledger, options);
}

TEST(FailingCoordinator, KnownOutcomesOfAnotherPlanLeaveNoRankBehind) {
  MemoryLedger ledger;
  expect_all_come_back({item("a")}, ledger, plain_options(), {TaskStatus::done, TaskStatus::done});
}

struct ForgetfulLedger : MemoryLedger {
  std::shared_ptr<const Bytes> artifact(const Identity&) override { throw Error("the store is gone"); }
};

TEST(FailingCoordinator, ALedgerThatThrowsWhenItIsReadLeavesNoRankBehind) {
  ForgetfulLedger ledger;
  Communicator apart = world().duplicate();
  const std::vector<WorkItem> items{item("model"), item("attack", {0})};
  const Executor needs = [](ByteSpan, TaskContext& context) {
    context.artifact(Identity::of("model"));
    return TaskResult{};
  };
  const std::vector<std::optional<TaskStatus>> known{TaskStatus::done, std::nullopt};
  if (apart.rank() == 0) {
    EXPECT_THROW(coordinate(apart, items, known, ledger, needs, plain_options()), Error);
  } else {
    EXPECT_FALSE(work(apart, needs, plain_options().worker).in_order);
  }
  apart.quiesce();
}

TEST(FailingCoordinator, AWatcherThatThrowsLeavesNoRankBehind) {
  MemoryLedger ledger;
  CoordinatorOptions options = plain_options();
  options.progress = [](const Progress&) { throw Error("nobody watches"); };
  expect_all_come_back({item("a")}, ledger, options);
}

}  // namespace
}  // namespace telltale::cluster
