// A process that is about to run what it must not trust: a model file from elsewhere.
#pragma once

#include <cstdint>

namespace telltale {

/// From now on this process and its threads open no file, use no network, start no program, signal no other process,
/// and take at most `memory_bytes` more memory; what the kernel is asked for against that fails with EACCES, or there
/// is no memory. What is open stays open. Cannot be undone. Throws Error where the kernel cannot (no seccomp).
void confine(std::uint64_t memory_bytes);

}  // namespace telltale
