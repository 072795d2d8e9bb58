#include "forensics/profile.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "core/error.h"

namespace telltale::forensics {
namespace {

Cpu cpu_with(const char* vendor, std::vector<std::string> flags) {
  Cpu cpu;
  cpu.vendor = vendor;
  cpu.brand = "Test CPU";
  cpu.flags = std::move(flags);
  return cpu;
}

const std::vector<std::string> haswell_flags{"sse3", "sse4_2", "avx", "avx2", "fma"};
const std::vector<std::string> skylakex_flags{"sse3",    "sse4_2",   "avx",      "avx2",     "fma",
                                              "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"};

template <typename Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(Profiles, AreFoundByNameAndAlias) {
  for (const Profile& profile : profiles()) EXPECT_EQ(find_profile(profile.name), &profile);
  EXPECT_EQ(find_profile("ivybridge"), find_profile("sandybridge"));
  EXPECT_EQ(find_profile("broadwell"), find_profile("haswell"));
  EXPECT_EQ(find_profile("cascadelake"), find_profile("skylakex"));
  EXPECT_EQ(find_profile("best"), nullptr);
  EXPECT_EQ(find_profile("Haswell"), nullptr);
}

TEST(Profiles, MissingFlagsAreThoseTheCpuLacks) {
  const Cpu cpu = cpu_with("GenuineIntel", haswell_flags);
  EXPECT_TRUE(missing_flags(*find_profile("haswell"), cpu).empty());
  EXPECT_EQ(missing_flags(*find_profile("skylakex"), cpu),
            (std::vector<std::string>{"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"}));
}

TEST(Profiles, OneThatCannotRunIsRefusedByName) {
  const Cpu cpu = cpu_with("GenuineIntel", skylakex_flags);
  EXPECT_EQ(refusal([&] { require_runnable("cooperlake", cpu); }),
            "profile \"cooperlake\" cannot run on this CPU (Test CPU): it lacks avx512_bf16");
  EXPECT_NO_THROW(require_runnable("cascadelake", cpu));
  EXPECT_NO_THROW(require_runnable("best", cpu));
  EXPECT_NO_THROW(require_runnable("native", cpu));
}

TEST(Profiles, UnknownOneIsRefusedWithTheKnownNames) {
  const std::string message = refusal([] { require_runnable("has-well"); });
  EXPECT_NE(message.find("\"has-well\""), std::string::npos);
  for (const char* known : {"native", "best", "haswell", "broadwell", "cooperlake"}) {
    EXPECT_NE(message.find(known), std::string::npos) << known;
  }
}

TEST(BestProfile, FollowsTheCpusFeatures) {
  std::vector<std::string> bf16 = skylakex_flags;
  bf16.emplace_back("avx512_bf16");
  EXPECT_EQ(best_profile(cpu_with("GenuineIntel", bf16)).name, "skylakex");
  EXPECT_EQ(best_profile(cpu_with("AuthenticAMD", bf16)).name, "skylakex");
  EXPECT_EQ(best_profile(cpu_with("GenuineIntel", skylakex_flags)).name, "skylakex");
  EXPECT_EQ(best_profile(cpu_with("GenuineIntel", haswell_flags)).name, "haswell");
  EXPECT_EQ(best_profile(cpu_with("AuthenticAMD", haswell_flags)).name, "zen");
  EXPECT_EQ(best_profile(cpu_with("GenuineIntel", {"sse3", "sse4_2", "avx"})).name, "sandybridge");
  EXPECT_EQ(best_profile(cpu_with("GenuineIntel", {"sse3", "sse4_2"})).name, "nehalem");
  EXPECT_EQ(best_profile(cpu_with("AuthenticAMD", {"sse3", "sse4a"})).name, "barcelona");
  EXPECT_EQ(best_profile(cpu_with("GenuineIntel", {"sse3"})).name, "prescott");
  EXPECT_NO_THROW(require_runnable(best_profile().name));
}

TEST(CanonicalProfile, ResolvesAliasesAndBest) {
  const Cpu cpu = cpu_with("AuthenticAMD", haswell_flags);
  EXPECT_EQ(canonical_profile("best", cpu), "zen");
  EXPECT_EQ(canonical_profile("broadwell", cpu), "haswell");
  EXPECT_EQ(canonical_profile("native", cpu), "native");
  EXPECT_THROW(canonical_profile("", cpu), InputError);
}

TEST(ProfileList, RepeatsAnEntryAsOftenAsItSays) {
  EXPECT_EQ(parse_profile_list("best:2,nehalem, sandybridge"),
            (std::vector<std::string>{"best", "best", "nehalem", "sandybridge"}));
  EXPECT_EQ(parse_profile_list("native"), std::vector<std::string>{"native"});
}

TEST(ProfileList, OthersAreWhatTheCpuCanRunBesidesItsBest) {
  Cpu cpu;
  cpu.vendor = "GenuineIntel";
  cpu.flags = {"sse3", "sse4_2", "avx"};
  ASSERT_EQ(best_profile(cpu).name, "sandybridge");
  EXPECT_EQ(parse_profile_list("best,others:2", cpu), (std::vector<std::string>{"best", "barcelona", "nehalem"}));
  EXPECT_EQ(parse_profile_list("others:4", cpu),
            (std::vector<std::string>{"barcelona", "nehalem", "prescott", "barcelona"}));
}

TEST(ProfileList, RefusesWhatItCannotRead) {
  for (const char* bad : {"", " ", "haswell,", ",haswell", "haswell,,zen", "haswell:0", "haswell:-1", "haswell:two",
                          "haswell:2x", "haswell:", "haswell:4097", "hazwell", ":2"}) {
    EXPECT_THROW(parse_profile_list(bad), InputError) << '"' << bad << '"';
  }
}

TEST(ProfileOfWorker, GoesRoundTheList) {
  const std::vector<std::string> list = parse_profile_list("best:2,nehalem");
  std::vector<std::string> given;
  for (int worker = 0; worker < 5; ++worker) given.push_back(profile_of_worker(list, worker));
  EXPECT_EQ(given, (std::vector<std::string>{"best", "best", "nehalem", "best", "best"}));
  EXPECT_THROW(profile_of_worker({}, 0), Error);
}

TEST(ProfileVariables, SwitchGlibcsFusedFunctionsOffWhereTheProfileHasNone) {
  const std::string hwcaps = "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2,-AVX512F,-AVX512DQ";
  EXPECT_EQ(profile_variables("nehalem", "").at("GLIBC_TUNABLES"), hwcaps);
  EXPECT_EQ(profile_variables("ivybridge", "").at("GLIBC_TUNABLES"), hwcaps);
  EXPECT_EQ(profile_variables("haswell", "").at("GLIBC_TUNABLES"), std::nullopt);
  EXPECT_EQ(profile_variables("haswell", hwcaps).at("GLIBC_TUNABLES"), std::nullopt);
}

TEST(ProfileVariables, KeepTheUsersOtherTunables) {
  const std::string others = "glibc.malloc.check=1:glibc.cpu.hwcaps=-ERMS:glibc.malloc.tcache_count=0";
  EXPECT_EQ(profile_variables("zen", others).at("GLIBC_TUNABLES"), "glibc.malloc.check=1:glibc.malloc.tcache_count=0");
  EXPECT_EQ(profile_variables("nehalem", others).at("GLIBC_TUNABLES")->find("glibc.malloc.check=1:"), 0u);
}

TEST(ProfileVariables, NativeLeavesTheKernelsToTheLibrariesButNotTheThreads) {
  const auto variables = profile_variables("native", "");
  EXPECT_EQ(variables.at("TELLTALE_PROFILE"), "native");
  for (const char* name : {"OPENBLAS_CORETYPE", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY"}) {
    EXPECT_EQ(variables.at(name), std::nullopt) << name;
  }
  for (const char* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}) {
    EXPECT_EQ(variables.at(name), "1") << name;
  }
}

TEST(ProfileVariables, UnsetWhatElseChangesKernels) {
  for (const char* profile : {"native", "haswell"}) {
    const auto variables = profile_variables(profile, "");
    EXPECT_EQ(variables.at("OPENBLAS_L2_SIZE"), std::nullopt);
    EXPECT_EQ(variables.at("ONEDNN_DEFAULT_FPMATH_MODE"), std::nullopt);
  }
}

}  // namespace
}  // namespace telltale::forensics
