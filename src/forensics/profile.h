// Dispatch profiles: the kernels that LibTorch's libraries would choose on a given CPU, pinned for a whole process.
//
// The libraries read their variables when they are loaded, so a process takes its profile before it does anything else:
// it sets them and executes itself anew. A profile is the code path of that CPU with this library build; it is no
// measurement of that CPU's silicon. Nothing here needs LibTorch.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "forensics/cpu.h"

namespace telltale::forensics {

struct Profile {
  std::string name;
  std::string openblas_coretype;
  std::string onednn_max_cpu_isa;  ///< empty: left to the library
  std::string aten_capability;     ///< empty: left to the library
  std::vector<std::string> needs;  ///< flags the CPU must have, named as in Cpu::flags
  bool fused_libm = true;          ///< glibc may take its FMA variants of exp, log, sin, ...
  std::string description;
};

/// Every known profile, from the least to the most demanding.
const std::vector<Profile>& profiles();

/// The profile of that name or alias (ivybridge, broadwell, cascadelake); nullptr if there is none.
const Profile* find_profile(const std::string& name);

/// What `profile` needs and the CPU cannot do; empty if it can run.
std::vector<std::string> missing_flags(const Profile& profile, const Cpu& cpu = this_cpu());

/// The fastest profile for a CPU, by a fixed rule on its features, so that it is the same at each start.
///
/// AVX-512 takes skylakex, not cooperlake even where it could run: in float32 training at batch 128 oneDNN at
/// AVX512_CORE took 17 ms a step for dnn-1 and at AVX512_CORE_BF16 24 ms (Zen 5, one core); for dnn-2 it was 0 to 10%
/// slower. sgemm was equal (240 GFLOP/s; zen and haswell 120, sandybridge 116, barcelona 54, prescott 46, nehalem 44).
const Profile& best_profile(const Cpu& cpu = this_cpu());

/// The one name of what a user calls a profile: aliases and "best" become the name in the table; "native" (the
/// libraries choose) stays. Throws InputError, listing the known names, for any other.
std::string canonical_profile(const std::string& name, const Cpu& cpu = this_cpu());

/// Throws InputError if there is no such profile, or if the CPU cannot run it (which would end in SIGILL):
/// 'profile "cooperlake" cannot run on this CPU (Intel ..., Skylake-SP): it lacks avx512_bf16'.
void require_runnable(const std::string& name, const Cpu& cpu = this_cpu());

/// The profiles that a CPU can run besides its best one, those most unlike each other first.
std::vector<std::string> other_profiles(const Cpu& cpu = this_cpu());

/// "best:2,nehalem,sandybridge" as best, best, nehalem, sandybridge; "others:3" as the first three of other_profiles(),
/// round again where there are fewer. Throws InputError for an unknown name, an empty
/// entry, or a count that is not 1 to 4096. The names stay as given: what "best" is, each rank's CPU decides.
std::vector<std::string> parse_profile_list(const std::string& text, const Cpu& cpu = this_cpu());

/// The list is repeated for as many workers as there are. Throws Error if it is empty.
std::string profile_of_worker(const std::vector<std::string>& list, int worker_index);

/// The environment variables a profile consists of; no value: it must be unset. One thread each, also for "native";
/// if a task takes more, they wait without spinning.
/// `glibc_tunables` is the present value of GLIBC_TUNABLES, whose other tunables are kept.
std::map<std::string, std::optional<std::string>> profile_variables(const std::string& profile,
                                                                    const std::string& glibc_tunables);

/// Makes this process run under a profile: sets the variables and executes itself anew (or `program`) with `argv` and
/// the same process id; returns only if they are set already. To be called first of all, before MPI_Init. Throws
/// InputError as require_runnable(), and Error if the program cannot be executed.
void pin_and_reexecute(const std::string& profile, char** argv, const char* program = "/proc/self/exe");

/// The profile this process was pinned to, else "native".
std::string pinned_profile();

}  // namespace telltale::forensics
