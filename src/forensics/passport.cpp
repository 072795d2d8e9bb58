#include "forensics/passport.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "core/hex.h"
#include "core/process.h"
#include "forensics/cpu.h"
#include "forensics/profile.h"

namespace telltale::forensics {
namespace {

// A function of a library that may or may not be loaded: nullptr if it is not.
template <typename Function>
Function* loaded(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

std::string openblas_kernels() {
  auto* ask = loaded<char*()>("openblas_get_corename");
  return ask == nullptr ? not_known : ask();
}

// oneDNN's public dnnl_version_t; stable since 1.0.
struct OneDnnVersion {
  int major, minor, patch;
  const char* hash;
  unsigned cpu_runtime, gpu_runtime;
};

std::string onednn_kernels() {
  auto* ask = loaded<int()>("dnnl_get_effective_cpu_isa");
  auto* version = loaded<const OneDnnVersion*()>("dnnl_version");
  if (ask == nullptr || version == nullptr) return not_known;
  const bool three = version()->major >= 3;  // where 2.x and 3.x gave one number to different sets
  const int isa = ask();
  switch (isa) {
    case 0x1: return "SSE41";
    case 0x3: return "AVX";
    case 0x7: return "AVX2";
    case 0xf: return three ? "AVX2_VNNI" : "AVX512_MIC";
    case 0x1f: return three ? "AVX2_VNNI_2" : "AVX512_MIC_4OPS";
    case 0x407: return "AVX2_VNNI";
    case 0x27: return "AVX512_CORE";
    case 0x67: return "AVX512_CORE_VNNI";
    case 0xe7: return "AVX512_CORE_BF16";
    case 0x1ef: return "AVX512_CORE_FP16";
    case 0x3e7:
    case 0xfef: return "AVX512_CORE_AMX";
    case 0x1fef: return "AVX512_CORE_AMX_FP16";
    default: break;
  }
  std::ostringstream text;
  text << "0x" << std::hex << isa;
  return text.str();
}

// openblas_get_config() names the kernels it chose among its build settings: they are no part of the build.
std::string openblas_build() {
  auto* ask = loaded<char*()>("openblas_get_config");
  if (ask == nullptr) return not_known;
  const std::string kernels = openblas_kernels();
  std::istringstream words(ask());
  std::string build;
  for (std::string word; words >> word;) {
    if (word != kernels) build += (build.empty() ? "" : " ") + word;
  }
  return build;
}

std::string onednn_build() {
  auto* ask = loaded<const OneDnnVersion*()>("dnnl_version");
  if (ask == nullptr) return not_known;
  const OneDnnVersion& version = *ask();
  return std::to_string(version.major) + "." + std::to_string(version.minor) + "." + std::to_string(version.patch) +
         " (" + version.hash + ")";
}

std::string glibc_version() {
#ifdef __GLIBC__
  return gnu_get_libc_version();
#else
  return not_known;
#endif
}

struct LoadedLibrary {
  std::string name;      ///< file name
  std::string build_id;  ///< hexadecimal; empty if the linker gave none
};

std::string build_id_of(const dl_phdr_info& library) {
  for (int i = 0; i < library.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = library.dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    ByteSpan rest(reinterpret_cast<const std::uint8_t*>(library.dlpi_addr + segment.p_vaddr), segment.p_memsz);
    const auto padded = [](std::size_t size) { return (size + 3) & ~std::size_t{3}; };
    ElfW(Nhdr) head;
    while (rest.size() >= sizeof head) {
      std::memcpy(&head, rest.data(), sizeof head);
      rest = rest.subspan(sizeof head);
      const std::size_t owner = padded(head.n_namesz), content = padded(head.n_descsz);
      if (owner + content > rest.size()) break;
      if (head.n_type == NT_GNU_BUILD_ID && as_text(rest.first(head.n_namesz)) == std::string_view("GNU", 4)) {
        return to_hex(rest.subspan(owner, head.n_descsz));
      }
      rest = rest.subspan(owner + content);
    }
  }
  return "";
}

std::vector<LoadedLibrary> loaded_libraries() {
  std::vector<LoadedLibrary> libraries;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* list) {
        const std::string name = std::filesystem::path(info->dlpi_name).filename();
        if (!name.empty()) static_cast<std::vector<LoadedLibrary>*>(list)->push_back({name, build_id_of(*info)});
        return 0;
      },
      &libraries);
  return libraries;
}

Json build_ids() {
  Json ids = Json::object();
  for (const LoadedLibrary& library : loaded_libraries()) {
    for (const char* deciding : {"libtorch_cpu.", "libopenblas", "libblas.", "libdnnl.", "libmkl_", "libsleef."}) {
      if (library.name.starts_with(deciding) && !library.build_id.empty()) ids[library.name] = library.build_id;
    }
  }
  return ids;
}

std::string os_name() {
  std::ifstream release("/etc/os-release");
  constexpr std::string_view key = "PRETTY_NAME=";
  for (std::string line; std::getline(release, line);) {
    if (!line.starts_with(key)) continue;
    line.erase(0, key.size());
    std::erase(line, '"');
    return line;
  }
  return not_known;
}

std::string container() {
  for (const auto& [variable, name] :
       {std::pair{"APPTAINER_CONTAINER", "apptainer"}, std::pair{"SINGULARITY_CONTAINER", "singularity"}}) {
    if (std::getenv(variable) != nullptr) return name;
  }
  std::error_code ignored;
  if (std::filesystem::exists("/run/.containerenv", ignored)) return "podman";
  if (std::filesystem::exists("/.dockerenv", ignored)) return "docker";
  std::string name;
  std::ifstream("/run/systemd/container") >> name;
  return name.empty() ? "none" : name;
}

// Distinct cores of the online CPUs; 0 where the kernel does not say.
int physical_cores() {
  std::set<std::pair<int, int>> cores;
  std::error_code error;
  for (const auto& cpu : std::filesystem::directory_iterator("/sys/devices/system/cpu", error)) {
    std::ifstream package(cpu.path() / "topology/physical_package_id"), core(cpu.path() / "topology/core_id");
    int package_id = 0, core_id = 0;
    if (package >> package_id && core >> core_id) cores.emplace(package_id, core_id);
  }
  return static_cast<int>(cores.size());
}

Json cpu_facts() {
  const Cpu& cpu = this_cpu();
  Json caches = Json::array();
  for (const Cache& cache : cpu.caches) {
    caches.push_back({{"level", cache.level},
                      {"type", cache.type},
                      {"bytes", cache.bytes},
                      {"ways", cache.ways},
                      {"line_bytes", cache.line_bytes}});
  }
  cpu_set_t usable;
  const bool asked = sched_getaffinity(0, sizeof usable, &usable) == 0;
  const Json none = not_known;
  const int cores = physical_cores();
  return {{"vendor", cpu.vendor},
          {"brand", cpu.brand},
          {"family", cpu.family},
          {"model", cpu.model},
          {"stepping", cpu.stepping},
          {"microarchitecture", microarchitecture(cpu.vendor, cpu.family, cpu.model, cpu.stepping)},
          {"flags", cpu.flags},
          {"caches", caches},
          {"cores", cores > 0 ? Json(cores) : none},
          {"logical_cpus", sysconf(_SC_NPROCESSORS_ONLN)},
          {"usable_cpus", asked ? Json(CPU_COUNT(&usable)) : none}};
}

Json thread_counts(const LibTorch& libtorch) {
  const auto count = [](const char* name) {
    auto* ask = loaded<int()>(name);
    return ask == nullptr ? Json(not_known) : Json(ask());
  };
  return {{"aten", libtorch.threads},
          {"openblas", count("openblas_get_num_threads")},
          {"omp", count("omp_get_max_threads")}};
}

std::string libm_restrictions() {
  const char* value = std::getenv("GLIBC_TUNABLES");
  std::istringstream tunables(value == nullptr ? "" : value);
  for (std::string tunable; std::getline(tunables, tunable, ':');) {
    if (tunable.starts_with("glibc.cpu.")) return tunable;
  }
  return "all";
}

bool same_name(const std::string& a, const std::string& b) {
  const auto lower = [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : int{c}; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

// How wide the vectors are that a set of kernels computes with; -1 for kernels not known here.
constexpr std::array width_names{"SSE", "AVX", "AVX2", "AVX-512"};

int width_of_cpu(const Json& flags) {
  const auto has = [&](const char* flag) { return std::find(flags.begin(), flags.end(), flag) != flags.end(); };
  if (has("avx512f") && has("avx512bw") && has("avx512dq") && has("avx512vl")) return 3;
  if (has("avx2") && has("fma")) return 2;
  return has("avx") ? 1 : 0;
}

int width_of_openblas(const std::string& core) {
  const std::array<std::vector<std::string>, width_names.size()> cores{{
      {"Prescott", "Katmai", "Coppermine", "Northwood", "Banias", "Core2", "Penryn", "Dunnington", "Nehalem", "Athlon",
       "Opteron", "Opteron_SSE3", "Barcelona", "Bobcat", "Atom", "Nano"},
      {"Sandybridge", "Bulldozer", "Piledriver", "Steamroller"},
      {"Haswell", "Zen", "Excavator"},
      {"SkylakeX", "Cooperlake", "SapphireRapids"},
  }};
  for (std::size_t width = 0; width < cores.size(); ++width) {
    for (const std::string& name : cores[width]) {
      if (same_name(name, core)) return static_cast<int>(width);
    }
  }
  return -1;
}

}  // namespace

Json library_builds(const LibTorch& libtorch) {
  return {{"torch", libtorch.build},
          {"openblas", openblas_build()},
          {"onednn", onednn_build()},
          {"glibc", glibc_version()},
          {"build_ids", build_ids()}};
}

Json passport(const LibTorch& libtorch) {
  utsname system{};
  uname(&system);
  return {{"cpu", cpu_facts()},
          {"profile", pinned_profile()},
          {"kernels",
           {{"openblas", openblas_kernels()},
            {"onednn", onednn_kernels()},
            {"aten", libtorch.kernels},
            {"glibc", libm_restrictions()}}},
          {"threads", thread_counts(libtorch)},
          {"libraries", library_builds(libtorch)},
          {"program", {{"compiler", __VERSION__}}},
          {"system",
           {{"host", host_name()},
            {"os", os_name()},
            {"kernel", std::string(system.sysname) + " " + system.release},
            {"container", container()}}}};
}

std::vector<std::string> warnings(const Json& passport) {
  std::vector<std::string> sentences;
  const Json& kernels = passport.at("kernels");
  const std::string profile = passport.at("profile");
  const std::string openblas = kernels.at("openblas");

  if (const Profile* pinned = find_profile(profile)) {
    const auto differs = [&](const char* library, const std::string& asked, const std::string& took) {
      if (asked.empty() || took == not_known || same_name(asked, took)) return;
      sentences.push_back("profile " + profile + " asks " + library + " for " + asked + ", but it took " + took +
                          ": this build cannot be pinned to it");
    };
    differs("OpenBLAS", pinned->openblas_coretype, openblas);
    differs("oneDNN", pinned->onednn_max_cpu_isa, kernels.at("onednn"));
    differs("ATen", pinned->aten_capability, kernels.at("aten"));
  } else {
    const int chosen = width_of_openblas(openblas);
    const int possible = width_of_cpu(passport.at("cpu").at("flags"));
    if (chosen >= 0 && chosen < possible) {
      sentences.push_back("OpenBLAS chose " + openblas + ", " + (possible - chosen > 1 ? "far " : "") +
                          "below this CPU (" + width_names[static_cast<std::size_t>(possible)] +
                          "): pin a profile, e.g. --profiles best");
    }
  }

  const Json& ids = passport.at("libraries").at("build_ids");
  const bool mkl = std::any_of(ids.items().begin(), ids.items().end(),
                               [](const auto& item) { return item.key().starts_with("libmkl_"); });
  if (openblas == not_known && !mkl && ids.contains("libblas.so.3")) {
    sentences.emplace_back(
        "libblas.so.3 is not OpenBLAS: linear layers are slow and no profile reaches them; install "
        "OpenBLAS (Debian: libopenblas0-pthread)");
  }

  for (const char* library : {"aten", "openblas"}) {
    const Json& count = passport.at("threads").at(library);
    if (count.is_number() && count != 1) {
      sentences.push_back(std::string(library == std::string("aten") ? "ATen" : "OpenBLAS") + " computes with " +
                          count.dump() + " threads: bits may depend on it; one thread a rank is faster, too");
    }
  }
  return sentences;
}

}  // namespace telltale::forensics
