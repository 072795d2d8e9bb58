#include "slurm/starts.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/temporary_directory.h"

namespace telltale::slurm {
namespace {

Start killed(std::size_t from) { return {.job = "1", .done_before = from}; }
Start ended(int code, std::size_t from, std::size_t to) {
  return {.job = "1", .done_before = from, .exit_code = code, .done_after = to};
}

std::string verdict(std::vector<Start> starts, Standing now, Budgets budgets = {}) {
  return why_no_further_start({.jobs = {"1"}, .starts = std::move(starts)}, now, budgets);
}

TEST(Starts, AreFurtherOnesWhileSomethingIsOpenAndMoves) {
  EXPECT_EQ(verdict({}, {}), "");
  EXPECT_EQ(verdict({ended(3, 0, 5)}, {5}), "");
  EXPECT_EQ(verdict({killed(0)}, {5}), "");
  EXPECT_EQ(verdict({ended(134, 0, 5)}, {5}), "");
  EXPECT_EQ(verdict({ended(1, 0, 5)}, {5}), "") << "a launcher's own failure has that code too";
}

TEST(Starts, EndWithTheStudy) {
  EXPECT_EQ(verdict({ended(0, 0, 5)}, {5, true}), "all is done");
  EXPECT_NE(verdict({ended(1, 0, 5)}, {5, true}), "");
  EXPECT_NE(verdict({ended(2, 0, 0)}, {}), "");
  EXPECT_NE(verdict({ended(4, 0, 5)}, {5}), "");
}

TEST(Starts, OfEachKindOfEndHaveTheirOwnBudget) {
  const Budgets budgets{.interruptions = 3, .time_limits = 2, .failures = 1, .idle = 9};
  EXPECT_EQ(verdict({killed(0), killed(1), ended(3, 2, 3)}, {3}, budgets), "");
  EXPECT_EQ(verdict({killed(0), killed(1), killed(2)}, {3}, budgets), "it was killed 3 times");
  EXPECT_EQ(verdict({ended(3, 0, 1), killed(1), ended(3, 2, 3)}, {3}, budgets),
            "it was stopped by its time limit 2 times");
  EXPECT_EQ(verdict({ended(139, 0, 1)}, {1}, budgets), "it failed 1 times");
}

TEST(Starts, ThatBringNothingInARowAreTheLast) {
  EXPECT_EQ(verdict({ended(3, 0, 5), ended(3, 5, 5), killed(5)}, {5}), "");
  EXPECT_EQ(verdict({ended(3, 0, 5), ended(3, 5, 5), killed(5), ended(3, 5, 5)}, {5}),
            "3 starts in a row brought not a single new result");
  EXPECT_EQ(verdict({ended(3, 5, 5), ended(3, 5, 5), killed(5)}, {6}), "") << "the killed one brought one";
}

TEST(Starts, AreRememberedInAFile) {
  const TemporaryDirectory directory;
  const Starts starts(directory / "x.h5.starts");
  EXPECT_FALSE(starts.last());
  starts.note_submission({"7", "8"});
  starts.note_begin("7", 0, {});
  starts.note_begin("7", 1, {4});
  starts.note_end(3, {6});
  starts.note_begin("8", 0, {6});
  auto chain = *starts.last();
  EXPECT_EQ(chain.jobs, (std::vector<std::string>{"7", "8"}));
  ASSERT_EQ(chain.starts.size(), 3u);
  EXPECT_FALSE(chain.starts[0].exit_code);
  EXPECT_EQ(chain.starts[1].exit_code, 3);
  EXPECT_EQ(chain.starts[1].restart, 1);
  EXPECT_EQ(chain.starts[1].done_before, 4u);
  EXPECT_EQ(chain.starts[1].done_after, 6u);
  starts.note_stop("enough");
  EXPECT_EQ(starts.last()->stopped, "enough");
  starts.note_begin("9", 0, {6});  // by hand
  chain = *starts.last();
  EXPECT_EQ(chain.jobs, (std::vector<std::string>{"9"}));
  EXPECT_EQ(chain.stopped, "");
  EXPECT_EQ(chain.starts.size(), 1u);
}

TEST(Starts, ALineThatWasCutOffSpoilsItselfAlone) {
  const TemporaryDirectory directory;
  const Starts starts(directory / "x.h5.starts");
  starts.note_begin("7", 0, {});
  std::ofstream(directory / "x.h5.starts", std::ios::app) << R"({"event":"en)";
  starts.note_end(3, {6});
  const auto chain = *starts.last();
  ASSERT_EQ(chain.starts.size(), 1u);
  EXPECT_EQ(chain.starts[0].exit_code, 3);
}

}  // namespace
}  // namespace telltale::slurm
