#include "core/process.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace telltale {
namespace {

std::optional<int> number_in(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr) return std::nullopt;
  const std::string_view text(value);
  int number = 0;
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || stop != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

int first_number_in(std::initializer_list<const char*> variables, int otherwise) {
  if (under_launcher())
    for (const char* variable : variables)
      if (const auto number = number_in(variable)) return *number;
  return otherwise;
}

}  // namespace

std::string host_name() {
  if (const char* node = std::getenv("SLURMD_NODENAME"); node != nullptr && *node != '\0') return node;
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

bool under_launcher() {
  // SLURM_PROCID alone says nothing: a batch script has it too, outside of any srun.
  return std::getenv("OMPI_COMM_WORLD_SIZE") || std::getenv("PMIX_RANK") || std::getenv("PMI_RANK");
}

int launcher_rank() {
  // OMPI_ first: mpirun inside sbatch passes on the batch step's SLURM_PROCID=0 to every rank.
  return first_number_in({"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"}, 0);
}

int launcher_size() {
  return first_number_in({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"}, 1);
}

}  // namespace telltale
