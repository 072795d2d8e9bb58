// Ranks do not outlive their launcher, even if it is killed.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "cluster/communicator.h"

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string program;

bool lives(pid_t pid) {
  // A zombie is gone as well: its locks are.
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  return std::getline(stat, line) && line.compare(line.rfind(')') + 2, 1, "Z") != 0;
}

TEST(Launcher, TakesItsRanksAlongWhenItIsKilled) {
  std::string folder = (fs::temp_directory_path() / "telltale-launcher-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const pid_t launcher = fork();
  if (launcher == 0) {
    execl(MPIEXEC, MPIEXEC, "--oversubscribe", "-n", "3", program.c_str(), "--rank", folder.c_str(), nullptr);
    _exit(127);
  }
  std::vector<pid_t> ranks;
  for (int n = 0; n < 6000 && ranks.size() < 3; ++n) {
    std::this_thread::sleep_for(20ms);
    ranks.clear();
    for (const auto& entry : fs::directory_iterator(folder))
      ranks.push_back(std::stoi(entry.path().filename().string()));
  }
  ASSERT_EQ(ranks.size(), 3U);
  for (const pid_t rank : ranks) EXPECT_TRUE(lives(rank));

  kill(launcher, SIGKILL);
  waitpid(launcher, nullptr, 0);
  const auto limit = std::chrono::steady_clock::now() + 120s;
  bool any = true;
  while (any && std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(20ms);
    any = false;
    for (const pid_t rank : ranks) any = any || lives(rank);
  }
  EXPECT_FALSE(any) << "a rank is left";
  for (const pid_t rank : ranks)
    if (lives(rank)) kill(rank, SIGKILL);
  fs::remove_all(folder);
}

// A rank: says that it is there and does something else than MPI.
int be_a_rank(const fs::path& folder) {
  telltale::cluster::MpiSession session;
  std::ofstream(folder / std::to_string(getpid())).flush();
  std::this_thread::sleep_for(600s);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--rank") return be_a_rank(argv[2]);
  program = fs::absolute(argv[0]).string();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
