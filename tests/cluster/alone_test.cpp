// One process without a launcher and without MPI.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>

#include "cluster/coordinator.h"
#include "cluster/node_share.h"
#include "memory_ledger.h"

namespace telltale::cluster {
namespace {

class Alone : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : names_) unsetenv(name);
  }
  void TearDown() override { SetUp(); }

  static constexpr std::array names_{
      "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMIX_RANK",           "PMI_RANK", "PMI_SIZE",
      "SLURM_PROCID",         "SLURM_NTASKS",         "SLURM_STEP_NUM_TASKS"};
};

TEST_F(Alone, RunsAStudyWithoutMpi) {
  MpiSession session;
  ASSERT_EQ(session.communicator().size(), 1);
  std::vector<WorkItem> items{item("model"), item("attack", {0})};
  CoordinatorOptions options;
  options.environment_of_rank = {0};
  MemoryLedger ledger;
  const Summary summary = coordinate(
      session.communicator(), items, {}, ledger,
      [](ByteSpan payload, TaskContext& context) -> TaskResult {
        if (as_text(payload) == "model") return {{}, Bytes(10, 4)};
        return {{{"got", Array::scalar((*context.artifact(Identity::of("model")))[0])}}, {}};
      },
      options);
  EXPECT_EQ(summary.done, 2U);
  EXPECT_EQ(ledger.only(1).values.at("got").data, Bytes{4});
  EXPECT_TRUE(session.communicator().leads_node());
  EXPECT_EQ(session.communicator().gather_all({7}), std::vector<Bytes>{{7}});
  EXPECT_EQ(session.communicator().broadcast({7}, 0), Bytes{7});
  session.finalize();
  EXPECT_THROW(static_cast<void>(session.communicator()), Error);
}

TEST_F(Alone, RefusesOptionsThatDoNotFit) {
  Communicator communicator;
  MemoryLedger ledger;
  EXPECT_THROW(coordinate(communicator, {item("a")}, {}, ledger, {}, {}), Error);
}

TEST_F(Alone, TaskThatStopsUnaskedHasFailed) {
  Communicator communicator;
  MemoryLedger ledger;
  CoordinatorOptions options;
  options.environment_of_rank = {0};
  const std::vector<WorkItem> items{item("a")};
  const Summary summary = coordinate(
      communicator, items, {}, ledger, [](ByteSpan, TaskContext&) -> TaskResult { throw TaskStopped(); }, options);
  EXPECT_EQ(summary.failed, 1U);
  EXPECT_EQ(ledger.only(0).reason, "the task stopped although the study goes on");
}

}  // namespace
}  // namespace telltale::cluster
