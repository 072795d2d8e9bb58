#include "core/process.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>

namespace telltale {
namespace {

class Launched : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : names_) unsetenv(name);
  }
  void TearDown() override { SetUp(); }

  static constexpr std::array names_{
      "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMIX_RANK",           "PMI_RANK", "PMI_SIZE",
      "SLURM_PROCID",         "SLURM_NTASKS",         "SLURM_STEP_NUM_TASKS"};
};

TEST_F(Launched, ByNobodyIsOneOfOne) {
  EXPECT_FALSE(under_launcher());
  EXPECT_EQ(launcher_rank(), 0);
  EXPECT_EQ(launcher_size(), 1);
}

TEST_F(Launched, AsABatchScriptWithoutSrunIsByNobody) {
  setenv("SLURM_PROCID", "3", 1);
  EXPECT_FALSE(under_launcher());
  EXPECT_EQ(launcher_rank(), 0);
}

TEST_F(Launched, BySrun) {
  setenv("SLURM_PROCID", "3", 1);
  setenv("PMIX_RANK", "2", 1);
  setenv("SLURM_NTASKS", "8", 1);
  EXPECT_TRUE(under_launcher());
  EXPECT_EQ(launcher_rank(), 2);
  EXPECT_EQ(launcher_size(), 8);
}

TEST_F(Launched, ByMpirunInsideABatchJob) {
  setenv("SLURM_PROCID", "0", 1);
  setenv("PMIX_RANK", "2", 1);
  setenv("OMPI_COMM_WORLD_RANK", "1", 1);
  setenv("OMPI_COMM_WORLD_SIZE", "4", 1);
  EXPECT_EQ(launcher_rank(), 1);
  EXPECT_EQ(launcher_size(), 4);
}

TEST_F(Launched, WithNonsenseInItsEnvironmentIsTheFirst) {
  setenv("OMPI_COMM_WORLD_SIZE", "many", 1);
  setenv("OMPI_COMM_WORLD_RANK", "-1", 1);
  EXPECT_EQ(launcher_rank(), 0);
  EXPECT_EQ(launcher_size(), 1);
}

TEST(Host, HasAName) { EXPECT_FALSE(host_name().empty()); }

}  // namespace
}  // namespace telltale
