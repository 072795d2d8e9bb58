// Every rank's log holds what that rank did. Run by all ranks of one mpirun together; each looks into its own file.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>

#include "core/log.h"
#include "core/temporary_directory.h"
#include "ranks.h"

namespace telltale::cluster {
namespace {

class Logging : public testing::Test {
 protected:
  void SetUp() override { log::start({log::Level::info, file_, world().rank()}); }
  void TearDown() override { log::threshold = log::Level::off; }

  [[nodiscard]] std::string text() const {
    std::ostringstream text;
    text << std::ifstream(log::file_of_rank(file_, world().rank())).rdbuf();
    return text.str();
  }
  void expect_line(const std::string& words) const {
    const std::string line = " rank " + std::to_string(world().rank()) + " info: " + words + "\n";
    EXPECT_NE(text().find(line), std::string::npos) << "no line:" << line << "in:\n" << text();
  }
  void expect_no(const std::string& words) const {
    EXPECT_EQ(text().find(words), std::string::npos) << words << " in:\n" << text();
  }

 private:
  TemporaryDirectory folder_;
  const std::string file_ = folder_ / "run.log";
};

TEST_F(Logging, ShowsFailuresCheckpointsArtifactsAndRetriesWhereTheyHappen) {
  // The model is made whole; of the attack the first attempt leaves a checkpoint and fails, the second goes on.
  const std::vector<WorkItem> items{item("model"), item("attack", {0})};
  const std::string model = items[0].identity.brief(), attack = items[1].identity.brief();
  std::mutex mutex;
  std::vector<std::string> expected;
  bool made_the_model = false, fetches = false;
  const Executor executor = [&](ByteSpan payload, TaskContext& context) -> TaskResult {
    if (as_text(payload) == "model") {
      made_the_model = true;
      return {{}, Bytes(1000, 1)};
    }
    context.artifact(items[0].identity);
    const std::lock_guard lock(mutex);
    fetches = !made_the_model;
    if (const auto before = context.checkpoint()) {
      expected.push_back("task " + attack + " goes on from a checkpoint of 3 bytes");
      return {};
    }
    context.save_checkpoint({1, 2, 3});
    expected.push_back("task " + attack + ": a checkpoint of 3 bytes is saved");
    throw Error("no luck");
  };
  MemoryLedger ledger;
  const Summary summary = run_on_all(items, ledger, executor, plain_options());
  for (const std::string& line : expected) expect_line(line);
  if (fetches) expect_line("the artifact of task " + model + " is fetched: 1000 bytes");
  if (expected.empty()) {
    expect_no("checkpoint");
    expect_no("has failed");
  }
  if (world().rank() == 0) {
    EXPECT_EQ(summary.done, 2U);
    EXPECT_NE(text().find("task " + attack + " failed on rank "), std::string::npos) << text();
    EXPECT_NE(text().find(" and is tried again: no luck\n"), std::string::npos) << text();
  } else {
    expect_no("is tried again");
  }
}

TEST_F(Logging, SaysWhyTheStudyStops) {
  const std::vector<WorkItem> items{item("a")};
  CoordinatorOptions options = plain_options();
  options.time_left_s = [] { return 0.0; };
  MemoryLedger ledger;
  run_on_all(
      items, ledger, [](ByteSpan, TaskContext&) { return TaskResult{}; }, options);
  if (world().rank() == 0) expect_line("stopping: the time limit is reached; what runs has 20 s");
  if (world().rank() > 0) expect_line("the study stops: what has not begun is dropped, what runs has 20 s");
}

}  // namespace
}  // namespace telltale::cluster
