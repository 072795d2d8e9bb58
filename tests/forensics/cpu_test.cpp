#include "forensics/cpu.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace telltale::forensics {
namespace {

TEST(Microarchitecture, KnowsAmdZenByFamilyAndModel) {
  EXPECT_EQ(microarchitecture("AuthenticAMD", 0x17, 0x01), "Zen");    // Naples
  EXPECT_EQ(microarchitecture("AuthenticAMD", 0x17, 0x08), "Zen+");   // Pinnacle Ridge
  EXPECT_EQ(microarchitecture("AuthenticAMD", 0x17, 0x31), "Zen 2");  // Rome
  EXPECT_EQ(microarchitecture("AuthenticAMD", 0x17, 0x71), "Zen 2");  // Matisse
  EXPECT_EQ(microarchitecture("AuthenticAMD", 0x19, 0x01), "Zen 3");  // Milan
  EXPECT_EQ(microarchitecture("AuthenticAMD", 0x19, 0x21), "Zen 3");  // Vermeer
  EXPECT_EQ(microarchitecture("AuthenticAMD", 0x19, 0x11), "Zen 4");  // Genoa
  EXPECT_EQ(microarchitecture("AuthenticAMD", 0x19, 0x61), "Zen 4");  // Raphael
  EXPECT_EQ(microarchitecture("AuthenticAMD", 0x1a, 0x02), "Zen 5");  // Turin
  EXPECT_EQ(microarchitecture("AuthenticAMD", 0x1a, 0x44), "Zen 5");  // Granite Ridge
}

TEST(Microarchitecture, KnowsIntelByModel) {
  EXPECT_EQ(microarchitecture("GenuineIntel", 6, 0x1a), "Nehalem");
  EXPECT_EQ(microarchitecture("GenuineIntel", 6, 0x2c), "Westmere");
  EXPECT_EQ(microarchitecture("GenuineIntel", 6, 0x2d), "Sandy Bridge");
  EXPECT_EQ(microarchitecture("GenuineIntel", 6, 0x3e), "Ivy Bridge");
  EXPECT_EQ(microarchitecture("GenuineIntel", 6, 0x3f), "Haswell");
  EXPECT_EQ(microarchitecture("GenuineIntel", 6, 0x4f), "Broadwell");
  EXPECT_EQ(microarchitecture("GenuineIntel", 6, 0x6a), "Ice Lake-SP");
  EXPECT_EQ(microarchitecture("GenuineIntel", 6, 0x8f), "Sapphire Rapids");
  EXPECT_EQ(microarchitecture("GenuineIntel", 6, 0xcf), "Emerald Rapids");
  EXPECT_EQ(microarchitecture("GenuineIntel", 6, 0xad), "Granite Rapids");
}

TEST(Microarchitecture, TellsServersOfOneModelApartByStepping) {
  EXPECT_EQ(microarchitecture("GenuineIntel", 6, 0x55, 4), "Skylake-SP");
  EXPECT_EQ(microarchitecture("GenuineIntel", 6, 0x55, 7), "Cascade Lake");
  EXPECT_EQ(microarchitecture("GenuineIntel", 6, 0x55, 11), "Cooper Lake");
}

TEST(Microarchitecture, IsUnknownElsewhere) {
  EXPECT_EQ(microarchitecture("AuthenticAMD", 0x0f, 0x01), "unknown");
  EXPECT_EQ(microarchitecture("AuthenticAMD", 0x1a, 0x3f), "unknown");
  EXPECT_EQ(microarchitecture("GenuineIntel", 6, 0x0f), "unknown");
  EXPECT_EQ(microarchitecture("GenuineIntel", 15, 0x3f), "unknown");
  EXPECT_EQ(microarchitecture("CentaurHauls", 6, 0x3f), "unknown");
}

TEST(ThisCpu, HasWhatEveryX86_64Has) {
  const Cpu& cpu = this_cpu();
  EXPECT_TRUE(cpu.has("sse2"));
  EXPECT_FALSE(cpu.has("sse22"));
  EXPECT_FALSE(cpu.vendor.empty());
  EXPECT_GT(cpu.family, 0);
  EXPECT_TRUE(std::is_sorted(cpu.flags.begin(), cpu.flags.end()));
}

TEST(ThisCpu, AgreesWithTheCompilersOwnQuestions) {
  const Cpu& cpu = this_cpu();
  EXPECT_EQ(cpu.has("sse4_2"), __builtin_cpu_supports("sse4.2") != 0);
  EXPECT_EQ(cpu.has("avx"), __builtin_cpu_supports("avx") != 0);
  EXPECT_EQ(cpu.has("avx2"), __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(cpu.has("fma"), __builtin_cpu_supports("fma") != 0);
  EXPECT_EQ(cpu.has("avx512f"), __builtin_cpu_supports("avx512f") != 0);
  EXPECT_EQ(cpu.has("avx512vl"), __builtin_cpu_supports("avx512vl") != 0);
  EXPECT_EQ(cpu.has("avx512_bf16"), __builtin_cpu_supports("avx512bf16") != 0);
}

TEST(Cpu, TitleNamesTheKindWhereItIsKnown) {
  Cpu cpu;
  cpu.vendor = "GenuineIntel";
  cpu.brand = "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz";
  cpu.family = 6;
  cpu.model = 0x55;
  cpu.stepping = 7;
  EXPECT_EQ(cpu.title(), "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz, Cascade Lake");
  cpu.brand.clear();
  cpu.model = 0x0f;
  EXPECT_EQ(cpu.title(), "GenuineIntel family 6 model 15");
}

}  // namespace
}  // namespace telltale::forensics
