#include "forensics/profile.h"

#include <torch/version.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "core/error.h"

namespace telltale::forensics {
namespace {

constexpr const char* guard = "TELLTALE_PROFILE";

// What ATen takes by itself on a CPU with AVX-512: LibTorch 1.x stays at avx2.
#if TORCH_VERSION_MAJOR >= 2
constexpr const char* aten_on_avx512 = "avx512";
#else
constexpr const char* aten_on_avx512 = "avx2";
#endif

struct Alias {
  const char* name;
  const char* profile;
};
constexpr Alias aliases[] = {{"ivybridge", "sandybridge"}, {"broadwell", "haswell"}, {"cascadelake", "skylakex"}};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string known_names() {
  std::string names = "native, best";
  for (const Profile& profile : profiles()) names += ", " + profile.name;
  for (const Alias& alias : aliases) names += std::string(", ") + alias.name;
  return names;
}

bool is_known(const std::string& name) { return name == "native" || name == "best" || find_profile(name) != nullptr; }

[[noreturn]] void refuse_unknown(const std::string& name) {
  throw InputError("there is no profile \"" + name + "\"; known: " + known_names());
}

std::string environment_value(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Without FMA, glibc takes other variants of the double-precision functions, and their last bits differ.
std::string without_fused_libm() { return "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2,-AVX512F,-AVX512DQ"; }

}  // namespace

const std::vector<Profile>& profiles() {
  static const std::vector<std::string> avx2{"avx2", "fma"};
  static const std::vector<std::string> avx512{"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"};
  static const std::vector<Profile> table = [] {
    std::vector<std::string> avx512_bf16 = avx512;
    avx512_bf16.emplace_back("avx512_bf16");
    return std::vector<Profile>{
        {"prescott", "Prescott", "", "", {"sse3"}, true, "OpenBLAS' fallback for CPUs it does not know"},
        {"barcelona", "Barcelona", "SSE41", "default", {"sse3"}, false, "AMD K10"},
        {"nehalem", "Nehalem", "SSE41", "default", {"sse4_2"}, false, "Intel Nehalem, Westmere"},
        {"sandybridge", "Sandybridge", "AVX", "default", {"avx"}, false, "Intel Sandy Bridge, Ivy Bridge"},
        {"haswell", "Haswell", "AVX2", "avx2", avx2, true, "Intel Haswell, Broadwell"},
        {"zen", "Zen", "AVX2", "avx2", avx2, true, "AMD Zen to Zen 3"},
        {"skylakex", "SkylakeX", "AVX512_CORE", aten_on_avx512, avx512, true, "Intel Skylake-SP, Cascade Lake"},
        {"cooperlake", "Cooperlake", "AVX512_CORE_BF16", aten_on_avx512, avx512_bf16, true, "Intel Cooper Lake"},
    };
  }();
  return table;
}

const Profile* find_profile(const std::string& name) {
  std::string wanted = name;
  for (const Alias& alias : aliases) {
    if (name == alias.name) wanted = alias.profile;
  }
  const auto found =
      std::find_if(profiles().begin(), profiles().end(), [&](const Profile& p) { return p.name == wanted; });
  return found == profiles().end() ? nullptr : &*found;
}

std::vector<std::string> missing_flags(const Profile& profile, const Cpu& cpu) {
  std::vector<std::string> missing;
  for (const std::string& flag : profile.needs) {
    if (!cpu.has(flag)) missing.push_back(flag);
  }
  return missing;
}

const Profile& best_profile(const Cpu& cpu) {
  const bool amd = cpu.vendor == "AuthenticAMD" || cpu.vendor == "HygonGenuine";
  for (const char* name : {"skylakex", amd ? "zen" : "haswell", "sandybridge", amd ? "barcelona" : "nehalem"}) {
    const Profile& candidate = *find_profile(name);
    if (missing_flags(candidate, cpu).empty()) return candidate;
  }
  return *find_profile("prescott");
}

std::string canonical_profile(const std::string& name, const Cpu& cpu) {
  if (name == "native") return name;
  if (name == "best") return best_profile(cpu).name;
  const Profile* profile = find_profile(name);
  if (profile == nullptr) refuse_unknown(name);
  return profile->name;
}

void require_runnable(const std::string& name, const Cpu& cpu) {
  const Profile* profile = find_profile(canonical_profile(name, cpu));
  if (profile == nullptr) return;
  const std::vector<std::string> missing = missing_flags(*profile, cpu);
  if (missing.empty()) return;
  throw InputError("profile \"" + name + "\" cannot run on this CPU (" + cpu.title() + "): it lacks " +
                   joined(missing));
}

std::vector<std::string> other_profiles(const Cpu& cpu) {
  std::vector<std::string> names;
  // Different vector widths and orders of summation first; zen computes as haswell does, cooperlake much as skylakex.
  for (const char* name :
       {"haswell", "sandybridge", "barcelona", "skylakex", "nehalem", "prescott", "zen", "cooperlake"})
    if (missing_flags(*find_profile(name), cpu).empty() && name != best_profile(cpu).name) names.emplace_back(name);
  return names;
}

std::vector<std::string> parse_profile_list(const std::string& text, const Cpu& cpu) {
  constexpr int most = 4096;
  std::vector<std::string> list;
  std::istringstream entries(text + ",");  // so that a trailing comma is an empty entry too
  for (std::string entry; std::getline(entries, entry, ',');) {
    const auto first = entry.find_first_not_of(" \t");
    if (first == std::string::npos) throw InputError("the list of profiles \"" + text + "\" has an empty entry");
    entry = entry.substr(first, entry.find_last_not_of(" \t") - first + 1);
    const auto colon = entry.find(':');
    const std::string name = entry.substr(0, colon);
    const bool others = name == "others";
    if (!others && !is_known(name)) refuse_unknown(name);
    int count = 1;
    if (colon != std::string::npos) {
      const char* end = entry.data() + entry.size();
      const auto [stop, error] = std::from_chars(entry.data() + colon + 1, end, count);
      if (error != std::errc{} || stop != end || count < 1 || count > most) {
        throw InputError("\"" + entry + "\" in the list of profiles: the count must be 1 to " + std::to_string(most));
      }
    }
    if (others) {
      const auto names = other_profiles(cpu);
      for (int i = 0; i < count && !names.empty(); ++i)
        list.push_back(names[static_cast<std::size_t>(i) % names.size()]);
    } else {
      list.insert(list.end(), static_cast<std::size_t>(count), name);
    }
  }
  return list;
}

std::string profile_of_worker(const std::vector<std::string>& list, int worker_index) {
  if (list.empty()) throw Error("no profile is given for worker " + std::to_string(worker_index));
  return list.at(static_cast<std::size_t>(worker_index) % list.size());
}

std::map<std::string, std::optional<std::string>> profile_variables(const std::string& profile,
                                                                    const std::string& glibc_tunables) {
  const std::string name = canonical_profile(profile);
  const Profile* pinned = find_profile(name);
  const auto set_or_not = [&](const std::string& value) {
    return value.empty() ? std::nullopt : std::optional<std::string>(value);
  };

  std::string tunables;
  std::istringstream others(glibc_tunables);
  for (std::string tunable; std::getline(others, tunable, ':');) {
    if (tunable.empty() || tunable.starts_with("glibc.cpu.hwcaps=")) continue;
    tunables += (tunables.empty() ? "" : ":") + tunable;
  }
  if (pinned != nullptr && !pinned->fused_libm) tunables += (tunables.empty() ? "" : ":") + without_fused_libm();

  // Without a value: what the caller's shell may hold and what would change the kernels or their blocking.
  return {
      {guard, name},
      {"OPENBLAS_L2_SIZE", std::nullopt},
      {"OPENBLAS_BLOCK_FACTOR", std::nullopt},
      {"ONEDNN_DEFAULT_FPMATH_MODE", std::nullopt},
      {"DNNL_DEFAULT_FPMATH_MODE", std::nullopt},
      {"OPENBLAS_CORETYPE", set_or_not(pinned == nullptr ? "" : pinned->openblas_coretype)},
      {"ONEDNN_MAX_CPU_ISA", set_or_not(pinned == nullptr ? "" : pinned->onednn_max_cpu_isa)},
      {"DNNL_MAX_CPU_ISA", set_or_not(pinned == nullptr ? "" : pinned->onednn_max_cpu_isa)},
      {"ATEN_CPU_CAPABILITY", set_or_not(pinned == nullptr ? "" : pinned->aten_capability)},
      {"GLIBC_TUNABLES", set_or_not(tunables)},
      // Where ranks with several threads share cores, threads that wait by spinning take what the others need: a
      // hundredfold.
      {"OMP_WAIT_POLICY", "passive"},
      {"OMP_NUM_THREADS", "1"},
      {"OPENBLAS_NUM_THREADS", "1"},
      {"MKL_NUM_THREADS", "1"},
  };
}

void pin_and_reexecute(const std::string& profile, char** argv, const char* program) {
  require_runnable(profile);
  const auto variables = profile_variables(profile, environment_value("GLIBC_TUNABLES"));
  const bool set = std::all_of(variables.begin(), variables.end(), [](const auto& variable) {
    const char* now = std::getenv(variable.first.c_str());
    return variable.second ? now != nullptr && *variable.second == now : now == nullptr;
  });
  if (set) return;

  std::vector<std::string> texts;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (variables.count(text.substr(0, text.find('='))) == 0) texts.push_back(text);
  }
  for (const auto& [name, value] : variables) {
    if (value) texts.push_back(name + "=" + *value);
  }
  std::vector<char*> environment;
  for (std::string& text : texts) environment.push_back(text.data());
  environment.push_back(nullptr);
  execve(program, argv, environment.data());
  throw Error(std::string("cannot execute ") + program + " under profile \"" + profile + "\": " + std::strerror(errno));
}

std::string pinned_profile() {
  const std::string name = environment_value(guard);
  return name.empty() ? "native" : name;
}

}  // namespace telltale::forensics
