#include "forensics/libtorch.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <sstream>
#include <string_view>

namespace telltale::forensics {
namespace {

constexpr std::string_view capability_label = "CPU capability usage: ";

std::string aten_kernels() {
  const std::string config = at::show_config();
  const auto found = config.find(capability_label);
  if (found == std::string::npos) return not_known;
  const auto begin = found + capability_label.size();
  const std::string capability = config.substr(begin, config.find_first_of("\r\n", begin) - begin);
  return capability == "NO AVX" ? "DEFAULT" : capability;  // LibTorch 1.x and 2.x name it differently
}

Json torch_build() {
  std::istringstream config(at::show_config());
  Json lines = Json::array();
  for (std::string line; std::getline(config, line);) {
    // The one line that depends on the CPU; it stands under the kernels.
    if (line.find(capability_label) == std::string::npos) lines.push_back(line);
  }
  return {{"version", TORCH_VERSION}, {"config", lines}};
}

}  // namespace

LibTorch loaded_libtorch() { return {torch_build(), aten_kernels(), at::get_num_threads()}; }

}  // namespace telltale::forensics
