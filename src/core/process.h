// What a process knows of itself: its host, and its place among those that its launcher started.
#pragma once

#include <string>

namespace telltale {

/// What Slurm calls this node, inside its jobs; elsewhere the system's host name. "unknown" where nobody says.
std::string host_name();

// Known from the launcher's environment (Open MPI, PMIx, PMI, Slurm), before MPI starts.

/// Started by mpirun, or by srun with PMI: MPI may start.
bool under_launcher();
/// 0 without a launcher.
int launcher_rank();
/// 1 without a launcher, or where it does not say.
int launcher_size();

}  // namespace telltale
