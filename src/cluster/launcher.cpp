// What a launcher tells a rank before MPI starts, out of the environment: a unit of its own, that needs no MPI.
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>

#include "cluster/communicator.h"

namespace telltale::cluster {
namespace {

std::optional<int> environment_number(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  int value = 0;
  const char* end = text + std::char_traits<char>::length(text);
  const auto [stop, code] = std::from_chars(text, end, value);
  if (code != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

bool MpiSession::under_launcher() {
  // SLURM_PROCID alone says nothing: a batch script has it too, outside of any srun.
  return std::getenv("OMPI_COMM_WORLD_SIZE") || std::getenv("PMIX_RANK") || std::getenv("PMI_RANK");
}

int MpiSession::launcher_rank() {
  if (!under_launcher()) return 0;
  // OMPI_ first: mpirun inside sbatch passes on the batch step's SLURM_PROCID=0 to every rank.
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"})
    if (const auto value = environment_number(name)) return *value;
  return 0;
}

int MpiSession::launcher_size() {
  if (!under_launcher()) return 1;
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"})
    if (const auto value = environment_number(name)) return *value;
  return 1;
}

}  // namespace telltale::cluster
