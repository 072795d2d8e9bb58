// How the numerical libraries run in this process: one thread a rank, and memory that is kept.
#pragma once

#include <cstdint>

#include "models/network_spec.h"

namespace telltale::models {

/// LibTorch and OpenBLAS with so many threads for what the calling thread computes from now on: a thread count can
/// change bits.
void set_threads(int count);

/// One thread, the calling one: ranks, not threads, fill the cores. Call it on each thread that computes.
void set_threads_to_one();

/// Lets malloc keep what is freed instead of returning it to the system: every training step frees and asks for the
/// same tens of megabytes, and getting them anew costs a page fault for each 4 KiB. For the whole process, at its
/// start.
void keep_freed_memory();

/// Whether oneDNN, held to the instructions that it may use, computes bfloat16; true where it cannot be asked.
bool onednn_computes_bfloat16();

enum class Pass { train, evaluate };

/// Seconds for one batch through such a network on this rank, the least of a few tries: for cost estimates.
double measure_step_seconds(const NetworkSpec& spec, std::int64_t batch, Pass pass);

}  // namespace telltale::models
