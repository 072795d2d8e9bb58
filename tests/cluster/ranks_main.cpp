#include <gtest/gtest.h>

#include <cstdio>
#include <exception>
#include <string>

#include "cluster/worker.h"
#include "ranks.h"

namespace telltale::cluster {
namespace {

MpiSession* session = nullptr;

}  // namespace

Communicator& world() { return session->communicator(); }

Summary run_on_all(const std::vector<WorkItem>& items, MemoryLedger& ledger, const Executor& executor,
                   const CoordinatorOptions& options, const std::vector<std::optional<TaskStatus>>& known) {
  Summary summary;
  if (world().rank() == 0) {
    summary = coordinate(world(), items, known, ledger, executor, options);
  } else {
    const WorkReport report = work(world(), executor, options.worker);
    EXPECT_TRUE(report.in_order);
  }
  world().barrier();
  return summary;
}

}  // namespace telltale::cluster

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  try {
    telltale::cluster::MpiSession session;
    telltale::cluster::session = &session;
    const int rank = session.communicator().rank();
    if (rank != 0)
      delete testing::UnitTest::GetInstance()->listeners().Release(
          testing::UnitTest::GetInstance()->listeners().default_result_printer());
    struct Failures : testing::EmptyTestEventListener {
      explicit Failures(int on) : rank(on) {}
      void OnTestPartResult(const testing::TestPartResult& result) override {
        if (rank != 0 && result.failed())
          std::fprintf(stderr, "rank %d: %s:%d: %s\n", rank, result.file_name(), result.line_number(),
                       result.message());
      }
      int rank;
    };
    testing::UnitTest::GetInstance()->listeners().Append(new Failures(rank));
    const int result = RUN_ALL_TESTS();
    const bool none_ran = testing::UnitTest::GetInstance()->test_to_run_count() == 0;
    session.finalize();
    telltale::cluster::leave_process(none_ran ? 1 : result);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
