// The CPU this process runs on, asked by CPUID: what it can do, and what its kind is called.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace telltale::forensics {

/// One cache as a core sees it.
struct Cache {
  int level = 0;
  std::string type;  ///< "data", "instruction" or "unified"
  std::size_t bytes = 0;
  int ways = 0;
  std::size_t line_bytes = 0;
};

struct Cpu {
  std::string vendor;  ///< "GenuineIntel", "AuthenticAMD", ...
  std::string brand;   ///< the marketing name; empty if the CPU gives none
  int family = 0;      ///< with the extended family added, as /proc/cpuinfo shows it
  int model = 0;       ///< with the extended model
  int stepping = 0;
  std::vector<std::string> flags;  ///< usable instruction sets, sorted, named as in /proc/cpuinfo (but "sse3")
  std::vector<Cache> caches;

  /// Whether instructions of that name may be executed: the CPU has them and the operating system keeps their state.
  [[nodiscard]] bool has(const std::string& flag) const;
  /// "Intel Xeon Platinum 8259CL, Cascade Lake": for messages.
  [[nodiscard]] std::string title() const;
};

/// This process' CPU; asked once.
const Cpu& this_cpu();

/// The microarchitecture of an x86 CPU: AMD's Zen to Zen 5, Intel's Nehalem to Granite Rapids (server and client cores
/// of that line), else "unknown". The stepping tells Skylake-SP, Cascade Lake and Cooper Lake apart, which share a
/// model. Sources: the Linux kernel's intel-family.h and amd.c.
std::string microarchitecture(const std::string& vendor, int family, int model, int stepping = 0);

}  // namespace telltale::forensics
