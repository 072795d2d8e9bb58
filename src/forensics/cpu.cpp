#include "forensics/cpu.h"

#include <cpuid.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace telltale::forensics {
namespace {

struct Registers {
  std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

// Zeros where the CPU has no such leaf: then it has none of its features.
Registers cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0) {
  Registers r;
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

// The register states that the operating system saves (XCR0); 0 if it does not say.
std::uint64_t saved_states() {
  constexpr std::uint32_t osxsave = 1u << 27;
  if ((cpuid(1).ecx & osxsave) == 0) return 0;
  std::uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
}

constexpr std::uint64_t no_state = 0;
constexpr std::uint64_t avx_state = 0x6;      // XMM, YMM
constexpr std::uint64_t avx512_state = 0xe6;  // and the masks, the upper halves and the upper sixteen ZMM
constexpr std::uint64_t amx_state = 0x60000;  // tile configuration and data

struct Feature {
  const char* name;
  std::uint32_t leaf, subleaf;
  std::uint32_t Registers::*word;
  int bit;
  std::uint64_t state;
};

constexpr std::array features{
    Feature{"sse", 1, 0, &Registers::edx, 25, no_state},
    Feature{"sse2", 1, 0, &Registers::edx, 26, no_state},
    Feature{"sse3", 1, 0, &Registers::ecx, 0, no_state},
    Feature{"ssse3", 1, 0, &Registers::ecx, 9, no_state},
    Feature{"sse4_1", 1, 0, &Registers::ecx, 19, no_state},
    Feature{"sse4_2", 1, 0, &Registers::ecx, 20, no_state},
    Feature{"sse4a", 0x80000001, 0, &Registers::ecx, 6, no_state},
    Feature{"popcnt", 1, 0, &Registers::ecx, 23, no_state},
    Feature{"avx", 1, 0, &Registers::ecx, 28, avx_state},
    Feature{"f16c", 1, 0, &Registers::ecx, 29, avx_state},
    Feature{"fma", 1, 0, &Registers::ecx, 12, avx_state},
    Feature{"fma4", 0x80000001, 0, &Registers::ecx, 16, avx_state},
    Feature{"xop", 0x80000001, 0, &Registers::ecx, 11, avx_state},
    Feature{"avx2", 7, 0, &Registers::ebx, 5, avx_state},
    Feature{"avx_vnni", 7, 1, &Registers::eax, 4, avx_state},
    Feature{"bmi1", 7, 0, &Registers::ebx, 3, no_state},
    Feature{"bmi2", 7, 0, &Registers::ebx, 8, no_state},
    Feature{"avx512f", 7, 0, &Registers::ebx, 16, avx512_state},
    Feature{"avx512dq", 7, 0, &Registers::ebx, 17, avx512_state},
    Feature{"avx512ifma", 7, 0, &Registers::ebx, 21, avx512_state},
    Feature{"avx512cd", 7, 0, &Registers::ebx, 28, avx512_state},
    Feature{"avx512bw", 7, 0, &Registers::ebx, 30, avx512_state},
    Feature{"avx512vl", 7, 0, &Registers::ebx, 31, avx512_state},
    Feature{"avx512vbmi", 7, 0, &Registers::ecx, 1, avx512_state},
    Feature{"avx512_vbmi2", 7, 0, &Registers::ecx, 6, avx512_state},
    Feature{"avx512_vnni", 7, 0, &Registers::ecx, 11, avx512_state},
    Feature{"avx512_bitalg", 7, 0, &Registers::ecx, 12, avx512_state},
    Feature{"avx512_vpopcntdq", 7, 0, &Registers::ecx, 14, avx512_state},
    Feature{"avx512_fp16", 7, 0, &Registers::edx, 23, avx512_state},
    Feature{"avx512_bf16", 7, 1, &Registers::eax, 5, avx512_state},
    Feature{"amx_bf16", 7, 0, &Registers::edx, 22, amx_state},
    Feature{"amx_tile", 7, 0, &Registers::edx, 24, amx_state},
    Feature{"amx_int8", 7, 0, &Registers::edx, 25, amx_state},
    Feature{"amx_fp16", 7, 1, &Registers::eax, 21, amx_state},
};

std::vector<std::string> usable_flags() {
  const std::uint64_t saved = saved_states();
  std::vector<std::string> flags;
  for (const Feature& feature : features) {
    const bool there = (cpuid(feature.leaf, feature.subleaf).*feature.word >> feature.bit & 1) != 0;
    if (there && (saved & feature.state) == feature.state) flags.emplace_back(feature.name);
  }
  std::sort(flags.begin(), flags.end());
  return flags;
}

std::string text_of(std::initializer_list<std::uint32_t> words) {
  std::string text;
  for (const std::uint32_t word : words) text.append(reinterpret_cast<const char*>(&word), sizeof word);
  return text.substr(0, text.find('\0'));
}

std::string brand_name() {
  std::string brand;
  for (const std::uint32_t leaf : {0x80000002u, 0x80000003u, 0x80000004u}) {
    const Registers r = cpuid(leaf);
    brand += text_of({r.eax, r.ebx, r.ecx, r.edx});
  }
  const auto first = brand.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return brand.substr(first, brand.find_last_not_of(' ') - first + 1);
}

// Deterministic cache parameters: the same layout in Intel's leaf and in AMD's.
std::vector<Cache> caches_of(const std::string& vendor) {
  constexpr std::array types{"", "data", "instruction", "unified"};
  const std::uint32_t leaf = vendor == "AuthenticAMD" || vendor == "HygonGenuine" ? 0x8000001d : 4;
  constexpr std::uint32_t most = 16;
  std::vector<Cache> caches;
  for (std::uint32_t i = 0; i < most; ++i) {
    const Registers r = cpuid(leaf, i);
    const std::uint32_t type = r.eax & 0x1f;
    if (type == 0 || type >= types.size()) break;
    const std::size_t line = (r.ebx & 0xfff) + 1, partitions = (r.ebx >> 12 & 0x3ff) + 1, ways = (r.ebx >> 22) + 1;
    const std::size_t sets = std::size_t{r.ecx} + 1;
    caches.push_back(
        {static_cast<int>(r.eax >> 5 & 7), types[type], line * partitions * ways * sets, static_cast<int>(ways), line});
  }
  return caches;
}

Cpu ask() {
  Cpu cpu;
  const Registers names = cpuid(0);
  cpu.vendor = text_of({names.ebx, names.edx, names.ecx});
  cpu.brand = brand_name();
  const std::uint32_t signature = cpuid(1).eax;
  cpu.stepping = static_cast<int>(signature & 0xf);
  cpu.model = static_cast<int>(signature >> 4 & 0xf);
  cpu.family = static_cast<int>(signature >> 8 & 0xf);
  if (cpu.family == 6 || cpu.family == 15) cpu.model += static_cast<int>(signature >> 16 & 0xf) << 4;
  if (cpu.family == 15) cpu.family += static_cast<int>(signature >> 20 & 0xff);
  cpu.flags = usable_flags();
  cpu.caches = caches_of(cpu.vendor);
  return cpu;
}

std::string amd(int family, int model) {
  const auto within = [model](int first, int last) { return first <= model && model <= last; };
  switch (family) {
    case 0x17:
      if (model == 0x08 || model == 0x18) return "Zen+";
      if (within(0x00, 0x2f) || within(0x50, 0x5f)) return "Zen";
      if (within(0x30, 0x4f) || within(0x60, 0x7f) || within(0x90, 0x91) || within(0xa0, 0xaf)) return "Zen 2";
      return "unknown";
    case 0x19:
      if (within(0x10, 0x1f) || within(0x60, 0xaf)) return "Zen 4";
      if (within(0x00, 0x0f) || within(0x20, 0x5f)) return "Zen 3";
      return "unknown";
    case 0x1a:
      if (within(0x00, 0x2f) || within(0x40, 0x4f) || within(0x60, 0x7f)) return "Zen 5";
      return "unknown";
    default: return "unknown";
  }
}

struct IntelModel {
  int model;
  const char* name;
};

// Family 6. Kaby Lake stands for Coffee, Whiskey and Amber Lake too: the same core.
constexpr std::array intel_models{
    IntelModel{0x1a, "Nehalem"},        IntelModel{0x1e, "Nehalem"},        IntelModel{0x1f, "Nehalem"},
    IntelModel{0x2e, "Nehalem"},        IntelModel{0x25, "Westmere"},       IntelModel{0x2c, "Westmere"},
    IntelModel{0x2f, "Westmere"},       IntelModel{0x2a, "Sandy Bridge"},   IntelModel{0x2d, "Sandy Bridge"},
    IntelModel{0x3a, "Ivy Bridge"},     IntelModel{0x3e, "Ivy Bridge"},     IntelModel{0x3c, "Haswell"},
    IntelModel{0x3f, "Haswell"},        IntelModel{0x45, "Haswell"},        IntelModel{0x46, "Haswell"},
    IntelModel{0x3d, "Broadwell"},      IntelModel{0x47, "Broadwell"},      IntelModel{0x4f, "Broadwell"},
    IntelModel{0x56, "Broadwell"},      IntelModel{0x4e, "Skylake"},        IntelModel{0x5e, "Skylake"},
    IntelModel{0x8e, "Kaby Lake"},      IntelModel{0x9e, "Kaby Lake"},      IntelModel{0xa5, "Comet Lake"},
    IntelModel{0xa6, "Comet Lake"},     IntelModel{0x66, "Cannon Lake"},    IntelModel{0x7d, "Ice Lake"},
    IntelModel{0x7e, "Ice Lake"},       IntelModel{0x6a, "Ice Lake-SP"},    IntelModel{0x6c, "Ice Lake-SP"},
    IntelModel{0xa7, "Rocket Lake"},    IntelModel{0x8c, "Tiger Lake"},     IntelModel{0x8d, "Tiger Lake"},
    IntelModel{0x97, "Alder Lake"},     IntelModel{0x9a, "Alder Lake"},     IntelModel{0xb7, "Raptor Lake"},
    IntelModel{0xba, "Raptor Lake"},    IntelModel{0xbf, "Raptor Lake"},    IntelModel{0xaa, "Meteor Lake"},
    IntelModel{0xac, "Meteor Lake"},    IntelModel{0xb5, "Arrow Lake"},     IntelModel{0xc5, "Arrow Lake"},
    IntelModel{0xc6, "Arrow Lake"},     IntelModel{0xbd, "Lunar Lake"},     IntelModel{0x8f, "Sapphire Rapids"},
    IntelModel{0xcf, "Emerald Rapids"}, IntelModel{0xad, "Granite Rapids"}, IntelModel{0xae, "Granite Rapids"},
};

std::string intel(int model, int stepping) {
  if (model == 0x55) {  // one model, three generations
    if (stepping >= 10) return "Cooper Lake";
    return stepping >= 5 ? "Cascade Lake" : "Skylake-SP";
  }
  const auto found = std::find_if(intel_models.begin(), intel_models.end(),
                                  [model](const IntelModel& known) { return known.model == model; });
  return found == intel_models.end() ? "unknown" : found->name;
}

}  // namespace

bool Cpu::has(const std::string& flag) const { return std::find(flags.begin(), flags.end(), flag) != flags.end(); }

std::string Cpu::title() const {
  const std::string kind = microarchitecture(vendor, family, model, stepping);
  std::string title =
      brand.empty() ? vendor + " family " + std::to_string(family) + " model " + std::to_string(model) : brand;
  if (kind != "unknown") title += ", " + kind;
  return title;
}

const Cpu& this_cpu() {
  static const Cpu cpu = ask();
  return cpu;
}

std::string microarchitecture(const std::string& vendor, int family, int model, int stepping) {
  if (vendor == "AuthenticAMD") return amd(family, model);
  if (vendor == "GenuineIntel" && family == 6) return intel(model, stepping);
  return "unknown";
}

}  // namespace telltale::forensics
