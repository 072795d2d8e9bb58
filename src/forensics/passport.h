// The passport of a rank: the CPU, the kernels that each library chose on it, the libraries and the system.
//
// It says what can be known, for people and for names; what decides is the fingerprint (fingerprint.h).
#pragma once

#include <string>
#include <vector>

#include "core/json.h"

namespace telltale::forensics {

/// What cannot be asked.
inline constexpr const char* not_known = "unknown";

/// What LibTorch says of itself: libtorch.h asks the one of this process. A rank that only coordinates has none.
struct LibTorch {
  Json build = not_known;           ///< its version and build settings
  std::string kernels = not_known;  ///< those that ATen chose
  Json threads = not_known;         ///< that ATen computes with
};

/// This process' passport, as it is now (thread counts can change). What cannot be asked is "unknown". Keys:
///   cpu        vendor, brand, family, model, stepping, microarchitecture, flags (list), caches (list of level, type,
///              bytes, ways, line_bytes), cores, logical_cpus, usable_cpus (what this process may use)
///   profile    the pinned profile, or "native"
///   kernels    openblas, onednn, aten: what each library chose; glibc: "all" or the tunables that restrict its libm
///   threads    aten, openblas, omp
///   libraries  library_builds()
///   program    compiler
///   system     host, os, kernel, container ("none" if there is no sign of one)
Json passport(const LibTorch& libtorch);

/// The builds of the numerical libraries: part of an environment's identity, so nothing in it depends on the CPU, the
/// profile or the host. torch, openblas, onednn and glibc: versions and build settings; `build_ids`: the linker's
/// build id of each such library that is loaded, which tells two packages of one version apart.
Json library_builds(const LibTorch& libtorch);

/// What in a passport a user should know before a study starts, a sentence each; empty if all is well.
std::vector<std::string> warnings(const Json& passport);

}  // namespace telltale::forensics
