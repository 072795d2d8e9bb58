#include "forensics/passport.h"

#include <gtest/gtest.h>

#include "forensics/libtorch.h"
#include "forensics/profile.h"

namespace telltale::forensics {
namespace {

// A passport with nothing to warn of: AVX-512, one thread, kernels as wide as the CPU.
Json quiet_passport() {
  return {{"profile", "native"},
          {"cpu", {{"flags", {"avx", "avx2", "avx512bw", "avx512dq", "avx512f", "avx512vl", "fma"}}}},
          {"kernels", {{"openblas", "SkylakeX"}, {"onednn", "AVX512_CORE"}, {"aten", "AVX2"}, {"glibc", "all"}}},
          {"threads", {{"aten", 1}, {"openblas", 1}, {"omp", 1}}},
          {"libraries", {{"build_ids", {{"libblas.so.3", "00"}}}}}};
}

TEST(Passport, SaysWhatCanBeKnown) {
  const Json pass = passport(loaded_libtorch());
  EXPECT_EQ(pass.at("cpu").at("vendor"), this_cpu().vendor);
  EXPECT_FALSE(pass.at("cpu").at("flags").empty());
  EXPECT_EQ(pass.at("profile"), pinned_profile());
  EXPECT_EQ(pass.at("libraries"), library_builds(loaded_libtorch()));
  EXPECT_TRUE(pass.at("threads").at("aten").is_number_integer());
  for (const char* fact : {"host", "os", "kernel", "container"}) {
    EXPECT_FALSE(pass.at("system").at(fact).get<std::string>().empty()) << fact;
  }
}

TEST(LibraryBuilds, DoNotNameTheChosenKernels) {
  const Json pass = passport(loaded_libtorch());
  const std::string builds = library_builds(loaded_libtorch()).dump();
  EXPECT_EQ(builds.find("CPU capability"), std::string::npos);
  if (pass.at("kernels").at("openblas") != "unknown") {
    EXPECT_EQ(builds.find(pass.at("kernels").at("openblas").get<std::string>()), std::string::npos);
  }
}

TEST(Warnings, AreNoneWhenAllIsWell) { EXPECT_EQ(warnings(quiet_passport()), std::vector<std::string>{}); }

TEST(Warnings, TellThatOpenBlasFellBack) {
  Json pass = quiet_passport();
  pass["kernels"]["openblas"] = "Prescott";
  EXPECT_EQ(warnings(pass),
            std::vector<std::string>{
                "OpenBLAS chose Prescott, far below this CPU (AVX-512): pin a profile, e.g. --profiles best"});
  pass["kernels"]["openblas"] = "Haswell";
  EXPECT_EQ(warnings(pass),
            std::vector<std::string>{
                "OpenBLAS chose Haswell, below this CPU (AVX-512): pin a profile, e.g. --profiles best"});
}

TEST(Warnings, APinnedProfileMayBeBelowTheCpu) {
  Json pass = quiet_passport();
  pass["profile"] = "nehalem";
  pass["kernels"] = {{"openblas", "Nehalem"}, {"onednn", "SSE41"}, {"aten", "DEFAULT"}, {"glibc", "all"}};
  EXPECT_EQ(warnings(pass), std::vector<std::string>{});
}

TEST(Warnings, TellThatAPinDidNotTake) {
  Json pass = quiet_passport();
  pass["profile"] = "haswell";
  pass["kernels"] = {{"openblas", "SkylakeX"}, {"onednn", "unknown"}, {"aten", "AVX2"}, {"glibc", "all"}};
  ASSERT_EQ(warnings(pass).size(), 1u);
  EXPECT_EQ(warnings(pass)[0],
            "profile haswell asks OpenBLAS for Haswell, but it took SkylakeX: this build cannot be "
            "pinned to it");
}

TEST(Warnings, TellOfTheReferenceBlas) {
  Json pass = quiet_passport();
  pass["kernels"]["openblas"] = "unknown";
  ASSERT_EQ(warnings(pass).size(), 1u);
  EXPECT_NE(warnings(pass)[0].find("libblas.so.3 is not OpenBLAS"), std::string::npos);
  pass["libraries"]["build_ids"]["libmkl_core.so.2"] = "01";
  EXPECT_EQ(warnings(pass), std::vector<std::string>{});
}

TEST(Warnings, TellOfMoreThanOneThread) {
  Json pass = quiet_passport();
  pass["threads"]["openblas"] = 4;
  ASSERT_EQ(warnings(pass).size(), 1u);
  EXPECT_EQ(warnings(pass)[0].find("OpenBLAS computes with 4 threads"), 0u);
}

}  // namespace
}  // namespace telltale::forensics
